/** What the statements of `queries.ts` answer, made into what the store gives. Counts may come as text. */
import type { Alert } from '../schema/alert.ts'
import type { Agent } from '../schema/telemetry.ts'
import { writeCursor } from './cursor.ts'
import type { AgentSummary, AlertDecision, AlertDetail, Page } from './store.ts'

/** A record, with the place it has in a listing. */
export interface BodyRow {
  readonly body: string
  readonly time_ms: number | string
  readonly id: string
}

/** The rows that fit, and where the next page begins when there are more. */
export function pageOf<Item, Row extends Pick<BodyRow, 'time_ms' | 'id'>>(
  listing: string,
  tenant: string,
  limit: number,
  rows: readonly Row[],
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit)
  const items = shown.map(item)
  const last = shown.at(-1)
  return rows.length <= limit || last === undefined
    ? { items }
    : { items, next: writeCursor(listing, tenant, { timeMs: Number(last.time_ms), id: last.id }) }
}

/** What was decided last about an alert; empty texts where nothing was. */
export interface AlertStateRow {
  readonly state: string
  readonly disposition: string
}

/** The alert with what was decided last; what the record itself says is older. */
export function decided(alert: Alert, { state, disposition }: AlertStateRow): Alert {
  const { disposition: _, ...rest } = alert
  return {
    ...rest,
    status: state as Alert['status'],
    ...(disposition === '' ? {} : { disposition: disposition as NonNullable<Alert['disposition']> }),
  }
}

/** One decision about an alert. */
export interface DecisionRow {
  readonly time_ms: number | string
  readonly status: string
  readonly disposition: string
  readonly actor: string
  readonly note: string
}

/** Texts that are empty were not given. */
export function decisionOf(row: DecisionRow): AlertDetail['decisions'][number] {
  return {
    timeMs: Number(row.time_ms),
    status: row.status as AlertDecision['status'],
    ...(row.disposition === '' ? {} : { disposition: row.disposition as NonNullable<AlertDecision['disposition']> }),
    actor: row.actor,
    ...(row.note === '' ? {} : { note: row.note }),
  }
}

/** An agent summed up. */
export interface AgentRow {
  readonly id: string
  readonly time_ms: number | string
  readonly first_ms: number | string
  readonly events: number | string
  readonly errors: number | string
  readonly denied: number | string
  readonly sessions: number | string
  readonly versions: readonly string[]
  readonly tools: readonly string[]
}

/** Lists are sorted, because the engine gives them in any order. */
export function agentSummary(row: AgentRow, agent: Agent, alerts: number): AgentSummary {
  return {
    agent,
    firstSeenMs: Number(row.first_ms),
    lastSeenMs: Number(row.time_ms),
    events: Number(row.events),
    errors: Number(row.errors),
    denied: Number(row.denied),
    alerts,
    sessions: Number(row.sessions),
    versions: [...row.versions].sort(),
    tools: [...row.tools].sort(),
  }
}
