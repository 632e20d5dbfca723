/**
 * Datasets that the arguments of a call name. A bare name counts where the argument's name says what it is (`table`,
 * `bucket`, `knowledge_base_id`), SQL where it is SQL, URIs of buckets and databases wherever they stand. Names that stand
 * side by side make one id: `{"database": "crm", "table": "leads"}` is `crm/leads`. Noise is worse than a miss: paths of
 * files, numbers, sentences and placeholders name nothing.
 */
import { type Dataset, type DatasetOperation, LIST_LIMIT } from '../../schema/telemetry.ts'
import { graver } from '../dataset-operation.ts'
import { type SqlTable, tablesOf } from '../sql-tables.ts'
import { datasetName } from './dataset-name.ts'
import { datasetsOfUris, resourceId } from './dataset-uris.ts'
import { identifier } from './identifier.ts'
import { tablesOfQuoted, tablesOfStatement } from './sql-statements.ts'
import { words } from './words.ts'

/**
 * What a value has to do with a dataset. `table`, `collection`, `index`, `bucket`: one by its own name. `dataset`: the same, or
 * what tables belong to. `database`, `schema`, `project`, `namespace`: what stands before such a name; of them only a
 * database is a dataset when it stands alone. `id`: opaque, kept as it is. `sql`: a statement. `resource`: a URI, whatever
 * its scheme; `uri`: the same beside the `server` that has it.
 */
export type DatasetPart =
  | 'table'
  | 'collection'
  | 'index'
  | 'bucket'
  | 'dataset'
  | 'database'
  | 'schema'
  | 'project'
  | 'namespace'
  | 'id'
  | 'sql'
  | 'resource'
  | 'uri'
  | 'server'

/** What one object of the arguments says of datasets, by part, as it is written there. */
export type DatasetParts = Map<DatasetPart, unknown[]>

/** Adds one value, or a list of them, to what an object says. */
export function addPart(parts: DatasetParts, part: DatasetPart, value: unknown): void {
  const known = parts.get(part)
  if (known === undefined) {
    parts.set(part, Array.isArray(value) ? value.slice(0, SEVERAL) : [value])
  } else if (known.length < SEVERAL) {
    known.push(...(Array.isArray(value) ? value.slice(0, SEVERAL) : [value]))
  }
}

/** Datasets found in one set of arguments, each once with the gravest operation, at most as many as an event holds. */
export class FoundDatasets {
  /** Operations by id. Absent until there is one: most arguments name none. */
  #found: Map<string, DatasetOperation | undefined> | undefined

  add(id: string | undefined, operation?: DatasetOperation): void {
    if (id !== undefined && (!this.full || this.#found?.has(id) === true)) {
      this.#found ??= new Map()
      this.#found.set(id, graver(this.#found.get(id), operation))
    }
  }

  addAll(ids: readonly (string | undefined)[]): void {
    for (const id of ids) {
      this.add(id)
    }
  }

  addTables(tables: readonly SqlTable[]): void {
    for (const { name, operation } of tables) {
      this.add(datasetName(name), operation)
    }
  }

  get full(): boolean {
    return this.#found !== undefined && this.#found.size >= LIST_LIMIT
  }

  list(): readonly Dataset[] {
    return this.#found === undefined
      ? NONE
      : Array.from(this.#found, ([id, operation]) => (operation === undefined ? { id } : { id, operation }))
  }
}

/** The datasets in one value, whatever it is called: URIs, and what quoted statements of a command line or of code name. */
export function findDatasets(text: string, isCommand: boolean, found: FoundDatasets): void {
  if (text.includes('://')) {
    found.addAll(datasetsOfUris(text))
  }
  if (isCommand) {
    found.addTables(tablesOfQuoted(text))
  }
}

/** The tables of a value without a name that is an SQL statement. */
export function findStatement(text: string, found: FoundDatasets): void {
  found.addTables(tablesOfStatement(text))
}

/** The datasets that the named values of one object make together. */
export function composeDatasets(parts: DatasetParts, found: FoundDatasets): void {
  const [database] = namesOf(parts.get('database'))
  const [schema] = namesOf(parts.get('schema'))
  const [project] = namesOf(parts.get('project'))
  const datasets = namesOf(parts.get('dataset')).map((name) => joined('.', project, name))
  const tables: readonly SqlTable[] = [
    ...namesOf(parts.get('table')).map((name) => ({ name, operation: undefined })),
    ...stringsOf(parts.get('sql')).flatMap(tablesOf),
  ]
  const before = datasets[0] ?? schema
  for (const { name, operation } of tables) {
    // A table with a qualifier needs none of the others.
    found.add(datasetName(joined('/', database, name.includes('.') ? name : joined('.', before, name))), operation)
  }
  const collections = [...namesOf(parts.get('collection')), ...namesOf(parts.get('index'))]
  const space = database ?? namesOf(parts.get('namespace'))[0]
  for (const collection of collections) {
    found.add(datasetName(joined('/', space, collection)))
  }
  if (tables.length === 0) {
    found.addAll(datasets.map(datasetName))
    if (collections.length === 0 && datasets.length === 0 && database !== undefined) {
      found.add(datasetName(database))
    }
  }
  for (const bucket of namesOf(parts.get('bucket'))) {
    found.add(datasetName(bucket))
  }
  for (const id of stringsOf(parts.get('id'))) {
    found.add(OPAQUE.test(id) ? identifier(id) : undefined)
  }
  for (const uri of stringsOf(parts.get('resource') ?? (parts.has('server') ? parts.get('uri') : undefined))) {
    found.add(uri.includes('://') && !/[\s{}<>]/.test(uri) ? resourceId(uri) : undefined)
  }
}

/** `table` holds a list, too, or several names between commas. */
const SEVERAL = 16
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_$.:*-]{0,254}$/u
/** `"crm"."leads"`, `[dbo].[Leads]` */
const QUOTES = /(^|\.)["`[]|["`\]](?=\.|$)/g
const LETTER = /\p{L}/u
const OPAQUE = /^(?=.*[\p{L}\p{N}])[\w.:/-]{2,256}$/u
const NO_NAME = words('true false null none undefined nil auto all any yes no string unknown n/a')

function namesOf(values: readonly unknown[] | undefined): readonly string[] {
  const names: string[] = []
  for (const text of stringsOf(values)) {
    for (const piece of text.length > 2000 ? [] : text.split(',', SEVERAL)) {
      const name = piece.trim().replace(QUOTES, '$1')
      if (!NAME.test(name) || !LETTER.test(name) || NO_NAME.has(name.toLowerCase())) {
        // One word that is no name: it is not a list of names but a sentence.
        return []
      }
      names.push(name)
    }
  }
  return names.slice(0, SEVERAL)
}

function stringsOf(values: readonly unknown[] | undefined): readonly string[] {
  return values === undefined ? NONE : values.filter((value) => typeof value === 'string')
}

const NONE: readonly never[] = []

function joined(separator: string, before: string | undefined, name: string): string {
  return before === undefined ? name : `${before}${separator}${name}`
}
