/** What is done with a dataset, by the name a client gives its operation, and of two such things the graver one. */
import { DATASET_OPERATIONS, type DatasetOperation } from '../schema/telemetry.ts'
import { words } from './sanitize/words.ts'

const NAMES: ReadonlyMap<string, DatasetOperation> = new Map([
  ...named('read', 'select find findone count distinct get mget hget hgetall scan search query exists read fetch'),
  ...named(
    'write',
    `insert insertone insertmany update updateone updatemany upsert replace replaceone bulkwrite put set mset hset merge
    create createindex alter index write`,
  ),
  ...named('delete', 'delete deleteone deletemany remove drop dropindex truncate del hdel unlink flushdb flushall'),
])

function named(operation: DatasetOperation, names: string): readonly (readonly [string, DatasetOperation])[] {
  return [...words(names)].map((name) => [name, operation])
}

/** `SELECT`, `find`, `updateMany`, `HGET`; `undefined` for whatever may be one or the other. For database client spans. */
export function operationNamed(name: string | undefined): DatasetOperation | undefined {
  return name === undefined || name.length > 32 ? undefined : NAMES.get(name.toLowerCase().replaceAll(/[^a-z]/g, ''))
}

/** The graver of two; what is not known weighs nothing. */
export function graver(
  one: DatasetOperation | undefined,
  other: DatasetOperation | undefined,
): DatasetOperation | undefined {
  return gravity(other) > gravity(one) ? other : one
}

function gravity(operation: DatasetOperation | undefined): number {
  return operation === undefined ? -1 : DATASET_OPERATIONS.indexOf(operation)
}
