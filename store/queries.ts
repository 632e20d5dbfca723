/**
 * The statements that read. Values are bound, never written into a statement, and the tenant is the first condition
 * of each. `FINAL` shows every id once, in its newest version. Inner selects are `GLOBAL`: on a cluster they look at
 * all shards and not at the one that an outer row is on; elsewhere the word means nothing.
 */
import { Rejected } from '../schema/errors.ts'
import { readCursor } from './cursor.ts'
import type { AlertQuery, DeadLetterQuery, EventQuery, FindingQuery, Listing, TimeSpan } from './store.ts'

export interface Query {
  readonly sql: string
  readonly params: Readonly<Record<string, string | number>>
  /** Rows asked for: one more than the page, to know whether there is a next. */
  readonly limit: number
}

/** The most items of a page. */
export const MAX_LIMIT = 1000
const MAX_VALUES = 16
/** 2100-01-01; what DateTime64 and its hour can hold. */
const MAX_TIME_MS = 4_102_444_800_000

/** Collects conditions and their values, so that neither goes without the other. */
export class Conditions {
  private readonly conditions: string[]
  readonly params: Record<string, string | number> = Object.create(null)

  /** @param ofNobody whether rows that name no tenant are meant, too. */
  constructor(tenant: string, ofNobody = false) {
    this.conditions = [ofNobody ? "tenant_id IN ({tenant:String}, '')" : 'tenant_id = {tenant:String}']
    this.params.tenant = tenant
  }

  /** `condition` has `{}` where the value goes. */
  add(condition: string, type: 'String' | 'Int64', value: string | number | undefined): this {
    if (value !== undefined) {
      const name = `v${this.conditions.length}`
      this.params[name] = value
      this.conditions.push(condition.replace('{}', `{${name}:${type}}`))
    }
    return this
  }

  oneOf(column: string, values: readonly string[] | undefined): this {
    if (values !== undefined) {
      if (values.length > MAX_VALUES) {
        throw new Rejected('too-many-values', `A filter holds at most ${MAX_VALUES} values`)
      }
      const base = this.conditions.length
      const names = values.map((value, index) => {
        this.params[`v${base}_${index}`] = value
        return `{v${base}_${index}:String}`
      })
      this.conditions.push(names.length === 0 ? 'false' : `${column} IN (${names.join(', ')})`)
    }
    return this
  }

  span({ fromMs, toMs }: TimeSpan): this {
    return this.add('time >= fromUnixTimestamp64Milli({})', 'Int64', clamp(fromMs)).add(
      'time < fromUnixTimestamp64Milli({})',
      'Int64',
      clamp(toMs),
    )
  }

  after(listing: string, { tenant, cursor }: Pick<Listing, 'tenant' | 'cursor'>, idColumn: string): this {
    if (cursor !== undefined) {
      const { timeMs, id } = readCursor(listing, tenant, cursor)
      this.params.cursor_time = clamp(timeMs) ?? 0
      this.params.cursor_id = id
      // The plain condition on time is what prunes parts and granules; the pair decides among equal times.
      this.conditions.push(
        'time <= fromUnixTimestamp64Milli({cursor_time:Int64})',
        `(time, ${idColumn}) < (fromUnixTimestamp64Milli({cursor_time:Int64}), {cursor_id:String})`,
      )
    }
    return this
  }

  toString(): string {
    return this.conditions.join(' AND ')
  }
}

function clamp(timeMs: number | undefined): number | undefined {
  if (timeMs === undefined) {
    return undefined
  }
  if (Number.isNaN(timeMs)) {
    throw new Rejected('invalid-time', 'A time is not a number')
  }
  return Math.trunc(Math.min(Math.max(timeMs, 0), MAX_TIME_MS))
}

function limitOf({ limit = 100 }: Pick<Listing, 'limit'>): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new Rejected('invalid-limit', `A page holds 1 to ${MAX_LIMIT} items`)
  }
  return limit
}

// FINAL collapses versions within a shard; should a cluster that grew hold two on two shards, the newer is shown.
const newest = (id: string, limit: number) =>
  `ORDER BY time DESC, ${id} DESC, version DESC LIMIT 1 BY ${id} LIMIT ${limit + 1}`

/**
 * A page of a table that is sorted by (tenant, ten minutes, agent, time, id): first the keys of its rows, from narrow
 * columns, then their bodies by key. Reading bodies on the way takes half a gigabyte for a million events.
 */
function keyedPage(table: string, id: string, where: Conditions, limit: number): Query {
  const keys = `SELECT toStartOfTenMinutes(time), agent_id, time, ${id}, version FROM ${table} FINAL WHERE ${where} ${newest(id, limit)}`
  return {
    sql: `SELECT body, toUnixTimestamp64Milli(time) AS time_ms, ${id} AS id FROM ${table} WHERE tenant_id = {tenant:String}
AND (toStartOfTenMinutes(time), agent_id, time, ${id}, version) GLOBAL IN (${keys}) ORDER BY time DESC, ${id} DESC LIMIT 1 BY ${id}`,
    params: where.params,
    limit,
  }
}

export function eventsQuery(query: EventQuery): Query {
  const where = new Conditions(query.tenant)
    .span(query)
    .add('agent_id = {}', 'String', query.agent)
    .add('session_id = {}', 'String', query.session)
    .add('trace_id = {}', 'String', query.trace)
    .add('tool_name = {}', 'String', query.tool)
    .oneOf('operation', query.operation)
    .oneOf('outcome', query.outcome)
    .after('events', query, 'event_id')
  return keyedPage('events', 'event_id', where, limitOf(query))
}

/** One event by id. An id of another tenant is not found. */
export function eventQuery(tenant: string, eventId: string): Query {
  const where = new Conditions(tenant).add('event_id = {}', 'String', eventId)
  return { sql: `SELECT body FROM events WHERE ${where} ORDER BY version DESC LIMIT 1`, params: where.params, limit: 1 }
}

export function findingsQuery(query: FindingQuery): Query {
  const where = new Conditions(query.tenant)
    .span(query)
    .add('agent_id = {}', 'String', query.agent)
    .add('session_id = {}', 'String', query.session)
    .add('event_id = {}', 'String', query.event)
    .add('detector = {}', 'String', query.detector)
    .oneOf('severity', query.severity)
    .after('findings', query, 'finding_id')
  return keyedPage('findings', 'finding_id', where, limitOf(query))
}

export function deadLettersQuery(query: DeadLetterQuery): Query {
  const limit = limitOf(query)
  const where = new Conditions(query.tenant, query.ofNobody)
    .span(query)
    .add('stage = {}', 'String', query.stage)
    .add('sink = {}', 'String', query.sink)
    .add('reason = {}', 'String', query.reason)
    .after('dead-letters', query, 'letter_id')
  const keys = `SELECT tenant_id, letter_id, version FROM dead_letters FINAL WHERE ${where} ${newest('letter_id', limit)}`
  return {
    sql: `SELECT body, toUnixTimestamp64Milli(time) AS time_ms, letter_id AS id FROM dead_letters
WHERE (tenant_id, letter_id, version) GLOBAL IN (${keys}) ORDER BY time DESC, letter_id DESC LIMIT 1 BY letter_id`,
    params: where.params,
    limit,
  }
}

/** The newest decision about each alert of the tenant; an alert nobody decided about is `new`. */
const STATES = `SELECT alert_id, argMax(status, version) AS status, argMax(disposition, version) AS disposition
FROM alert_states WHERE tenant_id = {tenant:String} GROUP BY alert_id`

const STATE_COLUMNS = `if(states.status = '', 'new', states.status) AS state, states.disposition AS disposition`

export function alertsQuery(query: AlertQuery): Query {
  const limit = limitOf(query)
  const where = new Conditions(query.tenant)
    .span(query)
    .add('agent_id = {}', 'String', query.agent)
    .add('session_id = {}', 'String', query.session)
    .add('has(detectors, {})', 'String', query.detector)
    .oneOf('kind', query.kind)
    .oneOf('severity', query.severity)
    .oneOf('state', query.status)
    .after('alerts', query, 'alert_id')
  // The bodies are read for one page only, by key: they are most of the table.
  const ids = `SELECT alert_id, time, version, ${STATE_COLUMNS} FROM alerts AS alerts FINAL
GLOBAL LEFT JOIN (${STATES}) AS states USING (alert_id) WHERE ${where} ${newest('alert_id', limit)}`
  return {
    sql: `SELECT bodies.body AS body, toUnixTimestamp64Milli(ids.time) AS time_ms, ids.alert_id AS id, ids.state AS state,
ids.disposition AS disposition FROM (${ids}) AS ids
GLOBAL INNER JOIN (SELECT alert_id, version, body FROM alerts WHERE tenant_id = {tenant:String} AND alert_id GLOBAL IN (SELECT alert_id FROM (${ids}))) AS bodies
ON bodies.alert_id = ids.alert_id AND bodies.version = ids.version ORDER BY ids.time DESC, ids.alert_id DESC`,
    params: where.params,
    limit,
  }
}

export function alertQuery(tenant: string, alertId: string): Query {
  const where = new Conditions(tenant).add('alert_id = {}', 'String', alertId)
  const session = `SELECT session_id FROM alerts FINAL WHERE ${where}`
  const detectors = `SELECT arrayJoin(detectors) FROM alerts FINAL WHERE ${where}`
  return {
    sql: `SELECT body, (SELECT uniqExact(finding_id) FROM findings WHERE tenant_id = {tenant:String}
AND session_id GLOBAL IN (${session}) AND detector GLOBAL IN (${detectors})) AS finding_count FROM alerts FINAL WHERE ${where}`,
    params: where.params,
    limit: 1,
  }
}

export function decisionsQuery(tenant: string, alertId: string): Query {
  const where = new Conditions(tenant).add('alert_id = {}', 'String', alertId)
  return {
    sql: `SELECT toUnixTimestamp64Milli(time) AS time_ms, status, disposition, actor, note FROM alert_states FINAL
WHERE ${where} ORDER BY version LIMIT ${MAX_LIMIT}`,
    params: where.params,
    limit: MAX_LIMIT,
  }
}

/**
 * Agents of one page: the one seen last first, and of those seen last at one moment the one whose id is first. `page` goes
 * behind `GROUP BY agent_id`.
 */
export function agentsPage(query: Listing): {
  readonly where: Conditions
  readonly page: string
  readonly limit: number
} {
  const { limit = MAX_LIMIT, tenant, cursor } = query
  const asked = limitOf({ limit })
  const where = new Conditions(tenant).span(query)
  const order = `ORDER BY max(time) DESC, agent_id LIMIT ${asked + 1}`
  if (cursor === undefined) {
    return { where, page: order, limit: asked }
  }
  const { timeMs, id } = readCursor('agents', tenant, cursor)
  where.params.cursor_time = clamp(timeMs) ?? 0
  where.params.cursor_id = id
  const last = 'fromUnixTimestamp64Milli({cursor_time:Int64})'
  const after = `HAVING max(time) < ${last} OR (max(time) = ${last} AND agent_id > {cursor_id:String})`
  return { where, page: `${after} ${order}`, limit: asked }
}

export function agentsQuery(query: Listing): Query {
  const { where, page, limit } = agentsPage(query)
  return {
    sql: `SELECT agent_id AS id, toUnixTimestamp64Milli(min(time)) AS first_ms, toUnixTimestamp64Milli(max(time)) AS time_ms,
count() AS events, countIf(outcome IN ('error', 'timeout', 'rate_limited')) AS errors,
countIf(outcome IN ('denied', 'refused')) AS denied, uniq(session_id) AS sessions,
groupUniqArrayIf(20)(agent_version, agent_version != '') AS versions,
groupUniqArrayIf(100)(tool_name, tool_name != '') AS tools
FROM events FINAL WHERE ${where} GROUP BY agent_id ${page}`,
    params: where.params,
    limit,
  }
}

/** What the last event of each agent of a page says of the agent: all of it, labels too, is in the body alone. */
export function lastAgentsQuery(query: Listing): Query {
  const { where, page, limit } = agentsPage(query)
  const last = `SELECT agent_id, argMax((time, event_id), (time, version)) AS last FROM events WHERE ${where} GROUP BY agent_id ${page}`
  return {
    sql: `SELECT agent_id AS id, argMax(JSONExtractRaw(body, 'agent'), version) AS agent FROM events
WHERE tenant_id = {tenant:String} AND (toStartOfTenMinutes(time), agent_id, time, event_id) GLOBAL IN
(SELECT toStartOfTenMinutes(last.1), agent_id, last.1, last.2 FROM (${last})) GROUP BY agent_id`,
    params: where.params,
    limit,
  }
}

export function alertCountsQuery(tenant: string, span: TimeSpan): Query {
  const where = new Conditions(tenant).span(span)
  return {
    sql: `SELECT agent_id, count() AS alerts FROM alerts FINAL WHERE ${where} GROUP BY agent_id LIMIT 100000`,
    params: where.params,
    limit: 100_000,
  }
}
