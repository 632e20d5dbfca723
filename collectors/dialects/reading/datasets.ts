/** Which datasets a record touched: databases and tables, knowledge bases, documents, resources. */
import type { Dataset } from '../../../schema/telemetry.ts'
import { CLASSIFICATIONS, type Classification } from '../../../schema/telemetry.ts'
import type { AttributeMap } from '../../otlp/records.ts'
import { asJson, field, fieldLabel, firstLabel, type Json, LIST_READ_LIMIT, label } from '../../otlp/values.ts'

/** The most tables read from one query. */
const TABLE_LIMIT = 16

/** Datasets without repetition, at most `LIST_READ_LIMIT`; `undefined` when there are none. */
export function datasets(found: readonly (Dataset | undefined)[]): readonly Dataset[] | undefined {
  const known = new Map<string, Dataset>()
  for (const dataset of found) {
    if (dataset !== undefined && !known.has(dataset.id) && known.size < LIST_READ_LIMIT) {
      known.set(dataset.id, dataset)
    }
  }
  return known.size === 0 ? undefined : [...known.values()]
}

/** A dataset by its id. */
export function dataset(id: string | undefined): Dataset | undefined {
  return id === undefined ? undefined : { id }
}

/** Datasets that a database client span names: `system/namespace/collection`, one for each table of its query. */
export function databaseDatasets(attributes: AttributeMap): readonly Dataset[] | undefined {
  const system = firstLabel(attributes, ['db.system.name', 'db.system'])
  if (system === undefined) {
    return undefined
  }
  const namespace = firstLabel(attributes, ['db.namespace', 'db.name', 'db.redis.database_index'])
  const collection = firstLabel(attributes, ['db.collection.name', 'db.sql.table', 'db.mongodb.collection'])
  const root = namespace === undefined ? system : `${system}/${namespace}`
  if (collection !== undefined) {
    return datasets([dataset(cut(`${root}/${collection}`))])
  }
  const query = firstQuery(attributes)
  const tables = query === undefined ? [] : tablesOf(query)
  return datasets(tables.length === 0 ? [dataset(cut(root))] : tables.map((table) => dataset(cut(`${root}/${table}`))))
}

function firstQuery(attributes: AttributeMap): string | undefined {
  for (const key of ['db.query.text', 'db.statement', 'db.query.summary']) {
    const query = attributes.get(key)
    if (typeof query === 'string' && query !== '') {
      return query
    }
  }
  return undefined
}

// Bounded repetitions and no nesting: linear in the length of the query.
const TABLE_WORD =
  /\b(?:from|join|into|update|table)\s{1,8}(?:only\s{1,8}|if\s{1,8}(?:not\s{1,8})?exists\s{1,8})?(["`[]?[a-z_][\w$]{0,127}["`\]]?(?:\.["`[]?[a-z_][\w$]{0,127}["`\]]?){0,2})/gi

/** Table names of an SQL text, in lower case, by the words before them: good enough to name what was touched. */
export function tablesOf(query: string): readonly string[] {
  const found = new Set<string>()
  for (const match of query.slice(0, 16_384).matchAll(TABLE_WORD)) {
    const table = match[1]?.replace(/["`[\]]/g, '').toLowerCase()
    if (table !== undefined && !NO_TABLE.has(table)) {
      found.add(table)
    }
    if (found.size >= TABLE_LIMIT) {
      break
    }
  }
  return [...found]
}

const NO_TABLE: ReadonlySet<string> = new Set(['select', 'set', 'lateral', 'values', 'unnest', 'where', 'if', 'only'])

const SOURCE_KEYS = ['dataset', 'namespace', 'collection', 'index', 'bucket', 'source', 'id', 'uri', 'url'] as const

/**
 * The dataset a retrieved document belongs to: what its metadata says, else its own id. A classification in the
 * metadata is kept when it is one of ours.
 */
export function documentDataset(document: Json | undefined): Dataset | undefined {
  const metadata = asJson(field(document, 'metadata') ?? field(document, 'document.metadata') ?? null) ?? document
  const id = fieldLabel(metadata, ...SOURCE_KEYS) ?? fieldLabel(document, 'id')
  if (id === undefined) {
    return undefined
  }
  const classification = fieldLabel(metadata, 'classification')?.toLowerCase()
  return CLASSIFICATIONS.includes(classification as Classification)
    ? { id, classification: classification as Classification }
    : { id }
}

const NAMED_KEYS = [
  'gen_ai.data_source.id',
  'aws.bedrock.knowledge_base.id',
  'gen_ai.memory.store.id',
  'mcp.resource.uri',
  'aws.s3.bucket',
] as const

/** Datasets that attributes name outright. */
export function namedDatasets(attributes: AttributeMap): readonly Dataset[] {
  const found: Dataset[] = []
  for (const key of NAMED_KEYS) {
    const id = label(attributes.get(key))
    if (id !== undefined) {
      found.push({ id })
    }
  }
  return found
}

function cut(id: string): string {
  return id.slice(0, 512)
}
