/**
 * The normal form of dataset ids, the same whether an attribute or an argument names the dataset, so that policies and
 * profiles compare ids and nothing else. `docs/datasets.md` has it in full.
 *
 * Names are lower case; secrets in them are masked before that, for a key in lower case is no longer recognised.
 */

import { cut } from '../../schema/cut.ts'
import { NAME_LIMIT } from '../../schema/telemetry.ts'
import { identifier } from './identifier.ts'

/** What URIs and old instrumentations call a database system, in the words of OpenTelemetry. */
const SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['postgres', 'postgresql'],
  ['mssql', 'microsoft.sql_server'],
  ['sqlserver', 'microsoft.sql_server'],
  ['redshift', 'aws.redshift'],
  ['rediss', 'redis'],
])

/** A table, collection, index, bucket or database by its own name: the end of a full id whose beginning nobody said. */
export function datasetName(name: string): string | undefined {
  const known = identifier(name)
  // Some letters are two in lower case.
  return known === undefined ? undefined : cut(known.toLowerCase(), NAME_LIMIT)
}

/** `system/namespace/collection`, as far as it is known. */
export function databaseId(system: string, ...path: readonly (string | undefined)[]): string {
  const names = path.map((name) => (name === undefined ? undefined : datasetName(name)))
  const known = datasetName(system) ?? ''
  return cut([SYSTEMS.get(known) ?? known, ...names.filter((name) => name !== undefined)].join('/'), NAME_LIMIT)
}

/** `store://bucket`: of an object only its bucket counts. */
export function bucketId(store: string, bucket: string): string | undefined {
  const name = datasetName(bucket)
  return name === undefined ? undefined : cut(`${store}://${name}`, NAME_LIMIT)
}
