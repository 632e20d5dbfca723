/**
 * Which fields the events of each agent say something under (`schema/field-path.ts`), asked of stored events.
 *
 * Fields are in the bodies, which are most of the table, so some are read of each agent and operation, found through
 * narrow columns. Versions and parts come in any order: which events are read is up to the engine.
 */
import type { Operation } from '../schema/telemetry.ts'
import { agentsPage, MAX_LIMIT, type Query } from './queries.ts'
import type { Listing } from './store.ts'

/** The events read of one agent and operation. */
const EVENTS_READ = 100
/** All of them; what is above is not read, and its agents are not listed. */
const MOST_READ = 200_000
/** Keys of attributes are the sender's to invent: only as many are told. */
const MOST_FIELDS = 1000

/** Fields that the events of one agent and operation say something under. */
export interface FieldRow {
  /** Of the agent. What else is to be said of it, its last event says (`lastAgentsQuery`). */
  readonly id: string
  readonly operation: Operation
  readonly fields: readonly string[]
}

/** The keys of an object, each behind the name of the field that holds it. */
const inner = (raw: string) => `arrayMap(name -> concat(field.1, '.', name), JSONExtractKeys(${raw}))`

/** Field and what it says, of every top-level field that says something. */
const FIELDS = `arrayFilter(field -> field.2 NOT IN ('null', '""', '[]', '{}'), JSONExtractKeysAndValuesRaw(body))`

/** Of the agents of one page, as they are listed. */
export function fieldsQuery(query: Listing): Query {
  const { where, page } = agentsPage(query)
  const keys = `SELECT toStartOfTenMinutes(time), agent_id, time, event_id FROM events WHERE ${where}
AND agent_id GLOBAL IN (SELECT agent_id FROM events WHERE ${where} GROUP BY agent_id ${page})
LIMIT ${EVENTS_READ} BY agent_id, operation LIMIT ${MOST_READ}`
  return {
    sql: `SELECT agent_id AS id, operation, groupUniqArrayArray(${MOST_FIELDS})(arrayFlatten(arrayMap(field -> multiIf(
  startsWith(field.2, '{'), arrayConcat([field.1], ${inner('field.2')}),
  startsWith(field.2, '['), arrayConcat([field.1], arrayFlatten(arrayMap(entry -> ${inner('entry')}, JSONExtractArrayRaw(field.2)))),
  [field.1]), ${FIELDS}))) AS fields
FROM events WHERE tenant_id = {tenant:String} AND (toStartOfTenMinutes(time), agent_id, time, event_id) GLOBAL IN (${keys})
GROUP BY agent_id, operation ORDER BY agent_id, operation LIMIT ${MAX_LIMIT * 9}`,
    params: where.params,
    limit: MAX_LIMIT * 9,
  }
}
