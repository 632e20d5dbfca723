/** Which datasets a record touched: databases and tables, knowledge bases, documents, resources. */
import { CLASSIFICATIONS, type Classification, type Dataset, type DatasetOperation } from '../../../schema/telemetry.ts'
import { graver, operationNamed } from '../../dataset-operation.ts'
import type { AttributeMap } from '../../otlp/records.ts'
import {
  asJson,
  field,
  fieldLabel,
  firstLabel,
  firstText,
  type Json,
  LIST_READ_LIMIT,
  label,
} from '../../otlp/values.ts'
import { bucketId, databaseId, datasetName } from '../../sanitize/dataset-name.ts'
import { resourceId } from '../../sanitize/dataset-uris.ts'
import { type SqlTable, tablesOf } from '../../sql-tables.ts'

/** Datasets without repetition, at most `LIST_READ_LIMIT`; `undefined` when there are none. */
export function datasets(found: readonly (Dataset | undefined)[]): readonly Dataset[] | undefined {
  const known = new Map<string, Dataset>()
  for (const dataset of found) {
    if (dataset !== undefined && known.size < LIST_READ_LIMIT) {
      const earlier = known.get(dataset.id)
      const operation = graver(earlier?.operation, dataset.operation)
      known.set(
        dataset.id,
        operation === earlier?.operation
          ? (earlier ?? dataset)
          : { ...(earlier ?? dataset), ...(operation === undefined ? {} : { operation }) },
      )
    }
  }
  return known.size === 0 ? undefined : [...known.values()]
}

/** A dataset by its id. */
export function dataset(id: string | undefined): Dataset | undefined {
  return id === undefined ? undefined : { id }
}

/** A dataset by the URI of the resource it is. */
export function resource(uri: string | undefined): Dataset | undefined {
  return dataset(uri === undefined ? undefined : resourceId(uri))
}

/**
 * Datasets that a database client span names: `system/namespace/collection`, one for each table of its query, with what
 * is done to each as far as the query or the name of the operation says so.
 */
export function databaseDatasets(attributes: AttributeMap): readonly Dataset[] | undefined {
  const system = firstLabel(attributes, ['db.system.name', 'db.system'])
  if (system === undefined) {
    return undefined
  }
  const namespace = firstLabel(attributes, ['db.namespace', 'db.name', 'db.redis.database_index'])
  const collection = firstLabel(attributes, ['db.collection.name', 'db.sql.table', 'db.mongodb.collection'])
  const operation = operationNamed(firstLabel(attributes, ['db.operation.name', 'db.operation']))
  if (collection !== undefined) {
    return [databaseDataset(databaseId(system, namespace, collection), operation)]
  }
  const tables = queriedTables(attributes)
  return tables.length === 0
    ? [databaseDataset(databaseId(system, namespace), operation)]
    : datasets(tables.map((table) => databaseDataset(databaseId(system, namespace, table.name), table.operation)))
}

function databaseDataset(id: string, operation: DatasetOperation | undefined): Dataset {
  return operation === undefined ? { id } : { id, operation }
}

function queriedTables(attributes: AttributeMap): readonly SqlTable[] {
  const query = firstText(attributes, ['db.query.text', 'db.statement'])
  if (query !== undefined) {
    return tablesOf(query)
  }
  const summary = label(attributes.get('db.query.summary'))
  return summary === undefined ? [] : summarizedTables(summary)
}

const SUMMARY_VERB = /^[A-Z]{2,}$/
const SUMMARY_TARGET = /^[\p{L}_][\p{L}\p{N}_$.-]{0,254}$/u

/** `SELECT songs artists`, `INSERT orders SELECT carts`: verbs, and what each is done to. */
function summarizedTables(summary: string): readonly SqlTable[] {
  const tables: SqlTable[] = []
  const [first = '', ...rest] = summary.split(/\s+/, LIST_READ_LIMIT)
  let verb = first
  for (const word of SUMMARY_VERB.test(first) ? rest : []) {
    if (SUMMARY_VERB.test(word)) {
      verb = word
    } else if (SUMMARY_TARGET.test(word)) {
      tables.push({ name: word, operation: operationNamed(verb) })
    }
  }
  return tables
}

const NAME_KEYS = ['dataset', 'namespace', 'collection', 'index', 'bucket'] as const
const SOURCE_KEYS = ['source', 'id', 'uri', 'url'] as const

/**
 * The dataset a retrieved document belongs to: what its metadata says, else its own id. A classification in the
 * metadata is kept when it is one of ours.
 */
export function documentDataset(document: Json | undefined): Dataset | undefined {
  const metadata = asJson(field(document, 'metadata') ?? field(document, 'document.metadata') ?? null) ?? document
  const name = fieldLabel(metadata, ...NAME_KEYS)
  const source = fieldLabel(metadata, ...SOURCE_KEYS) ?? fieldLabel(document, 'id')
  const id = name !== undefined ? datasetName(name) : source === undefined ? undefined : resourceId(source)
  if (id === undefined) {
    return undefined
  }
  const classification = fieldLabel(metadata, 'classification')?.toLowerCase()
  return CLASSIFICATIONS.includes(classification as Classification)
    ? { id, classification: classification as Classification }
    : { id }
}

const NAMED_KEYS = ['gen_ai.data_source.id', 'aws.bedrock.knowledge_base.id', 'gen_ai.memory.store.id'] as const

/** Datasets that attributes name outright. */
export function namedDatasets(attributes: AttributeMap): readonly Dataset[] {
  const found: Dataset[] = []
  for (const key of NAMED_KEYS) {
    const id = label(attributes.get(key))
    if (id !== undefined) {
      found.push({ id })
    }
  }
  const bucket = label(attributes.get('aws.s3.bucket'))
  const read = resource(label(attributes.get('mcp.resource.uri')))
  const stored = dataset(bucket === undefined ? undefined : bucketId('s3', bucket))
  return [...found, ...[read, stored].filter((named) => named !== undefined)]
}
