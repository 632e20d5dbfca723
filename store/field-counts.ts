/**
 * Which fields the events of each agent say something under (`schema/field-path.ts`), asked of stored events.
 *
 * Fields are in the bodies, which are most of the table, so some are read of each agent and operation, found through
 * narrow columns. Versions and parts come in any order: which events are read is up to the engine.
 */
import type { Operation } from '../schema/telemetry.ts'
import { Conditions, MAX_LIMIT, type Query } from './queries.ts'
import type { TimeSpan } from './store.ts'

/** The events read of one agent and operation. */
const EVENTS_READ = 100
/** All of them; what is above is not read, and its agents are not listed. */
const MOST_READ = 200_000
/** Keys of attributes are the sender's to invent: only as many are told. */
const MOST_FIELDS = 1000

/** Fields that the events of one agent and operation say something under. */
export interface FieldRow {
  /** JSON, as the last of them says it. */
  readonly agent: string
  readonly operation: Operation
  readonly fields: readonly string[]
}

/** The keys of an object, each behind the name of the field that holds it. */
const inner = (raw: string) => `arrayMap(name -> concat(field.1, '.', name), JSONExtractKeys(${raw}))`

/** Field and what it says, of every top-level field that says something. */
const FIELDS = `arrayFilter(field -> field.2 NOT IN ('null', '""', '[]', '{}'), JSONExtractKeysAndValuesRaw(body))`

export function fieldsQuery(tenant: string, span: TimeSpan): Query {
  const where = new Conditions(tenant).span(span)
  const keys = `SELECT toStartOfTenMinutes(time), agent_id, time, event_id FROM events WHERE ${where}
LIMIT ${EVENTS_READ} BY agent_id, operation LIMIT ${MOST_READ}`
  return {
    sql: `SELECT argMax(JSONExtractRaw(body, 'agent'), (time, version)) AS agent, operation, groupUniqArrayArray(${MOST_FIELDS})(arrayFlatten(arrayMap(field -> multiIf(
  startsWith(field.2, '{'), arrayConcat([field.1], ${inner('field.2')}),
  startsWith(field.2, '['), arrayConcat([field.1], arrayFlatten(arrayMap(entry -> ${inner('entry')}, JSONExtractArrayRaw(field.2)))),
  [field.1]), ${FIELDS}))) AS fields
FROM events WHERE tenant_id = {tenant:String} AND (toStartOfTenMinutes(time), agent_id, time, event_id) GLOBAL IN (${keys})
GROUP BY agent_id, operation ORDER BY agent_id, operation LIMIT ${MAX_LIMIT * 9}`,
    params: where.params,
    limit: MAX_LIMIT * 9,
  }
}
