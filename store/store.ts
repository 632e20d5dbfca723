/**
 * The store: where events, findings, alerts and dead letters are kept for asking. ClickHouse, embedded or served,
 * behind one interface.
 *
 * The log is the source of truth and the store follows it: rows come in batches from the write stage, at least
 * once, and every read shows each id once, in its newest version.
 */
import type { Alert } from '../schema/alert.ts'
import type { DeadLetter } from '../schema/dead-letter.ts'
import type { AlertKind, Finding, Severity } from '../schema/finding.ts'
import type { Agent, EventOutcome, Operation, Telemetry } from '../schema/telemetry.ts'

/** The tables that the write stage fills; each has the name of its topic. */
export const STORE_TABLES = ['events', 'findings', 'alerts', 'dead_letters'] as const
export type StoreTable = (typeof STORE_TABLES)[number]

export interface RowBatch {
  /** Fresh for every attempt; rises with time (UUIDv7). */
  readonly batchId: string
  readonly table: StoreTable
  /** UTF-8 JSON of an event, a finding, a notice or a dead letter. */
  readonly rows: readonly Uint8Array[]
}

/** A row of a batch that can never be stored. */
export interface RefusedRow {
  readonly index: number
  readonly reason: string
}

export interface Store {
  /**
   * Stores the rows of a batch together and resolves when they are on disk. Hostile text in a row is made storable.
   * When rows are refused all the same, they are named and nothing is stored under the batch id: dead-letter them and
   * call again without them. Called by the write stage only, with at most one batch in doubt for each partition.
   *
   * @throws Unavailable when it is not known whether they were stored: ask `hasBatch` before trying again.
   */
  insert(batch: RowBatch): Promise<readonly RefusedRow[]>
  /**
   * Whether a batch in doubt may be skipped: only when all of it is known to be stored. After `false` it is inserted
   * anew, which is always right, because rows of one id are one row to readers.
   */
  hasBatch(table: StoreTable, batchId: string): Promise<boolean>

  /** Newest first. All reads throw `Unavailable` when the store is down and `Rejected` for a cursor not from here. */
  events(query: EventQuery): Promise<Page<Telemetry>>
  event(tenant: string, eventId: string): Promise<Telemetry | undefined>
  findings(query: FindingQuery): Promise<Page<Finding>>
  alerts(query: AlertQuery): Promise<Page<Alert>>
  alert(tenant: string, alertId: string): Promise<AlertDetail | undefined>
  /** Appends a decision about an alert; the alert itself is never rewritten. */
  decide(decision: AlertDecision): Promise<void>
  /** Agents with events in the span, the one seen last first. Whoever acts between two pages may be missed: name an end. */
  agents(query: Listing): Promise<Page<AgentSummary>>
  /** What the events of each agent and operation in the span say something of; some of them are read, of the 1,000 agents seen last. */
  fields(tenant: string, span: TimeSpan): Promise<readonly AgentFields[]>
  deadLetters(query: DeadLetterQuery): Promise<Page<DeadLetter>>

  /** Never throws. For health and metrics. */
  health(): Promise<StoreHealth>
  close(): Promise<void>
}

/**
 * Event time, of dead letters the time they were given up, in milliseconds since the epoch; `from` included, `to`
 * excluded. Absent: no bound.
 */
export interface TimeSpan {
  readonly fromMs?: number
  readonly toMs?: number
}

/** What every listing takes. */
export interface Listing extends TimeSpan {
  readonly tenant: string
  /** The `next` of the page before, by the same tenant and with the same filters. */
  readonly cursor?: string
  /** 1 to 1,000; default 100. */
  readonly limit?: number
}

/** Filters hold any of the values given; at most 16 each. */
export interface EventQuery extends Listing {
  readonly agent?: string
  readonly session?: string
  readonly trace?: string
  readonly tool?: string
  readonly operation?: readonly Operation[]
  readonly outcome?: readonly EventOutcome[]
}

export interface FindingQuery extends Listing {
  readonly agent?: string
  readonly session?: string
  readonly event?: string
  readonly detector?: string
  readonly severity?: readonly Severity[]
}

export interface AlertQuery extends Listing {
  readonly agent?: string
  readonly session?: string
  readonly detector?: string
  readonly kind?: readonly AlertKind[]
  readonly severity?: readonly Severity[]
  readonly status?: readonly Alert['status'][]
}

export interface DeadLetterQuery extends Listing {
  /** Whether letters that do not say whose they are are listed, too. Only for who may see what a stranger wrote. */
  readonly ofNobody: boolean
  readonly stage?: string
  readonly sink?: string
  readonly reason?: string
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Opaque; absent on the last page. */
  readonly next?: string
}

/** What events of one agent and operation say something of, by paths of `schema/field-path.ts`. */
export interface AgentFields {
  /** As its last event of the span says, whatever that was: the same with every operation. */
  readonly agent: Agent
  readonly operation: Operation
  readonly fields: readonly string[]
}

/** An alert as it is now, with what was decided about it, oldest first. */
export interface AlertDetail {
  readonly alert: Alert
  readonly decisions: readonly Omit<AlertDecision, 'tenant' | 'alertId'>[]
  /** Findings of the same session and detectors in the store; the alert itself carries at most 20. */
  readonly findingCount: number
}

export interface AlertDecision {
  readonly tenant: string
  readonly alertId: string
  readonly timeMs: number
  readonly status: Alert['status']
  readonly disposition?: NonNullable<Alert['disposition']>
  /** Who decided: the name of the key or person. */
  readonly actor: string
  readonly note?: string
}

export interface AgentSummary {
  /** As it was seen last. */
  readonly agent: Agent
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly events: number
  /** Outcomes `error`, `timeout` and `rate_limited`. */
  readonly errors: number
  /** Outcomes `denied` and `refused`. */
  readonly denied: number
  readonly alerts: number
  readonly sessions: number
  readonly versions: readonly string[]
  readonly tools: readonly string[]
}

export interface StoreHealth {
  readonly ok: boolean
  readonly kind: 'embedded' | 'server'
  /** Both of the embedded engine's process. */
  readonly restarts?: number
  readonly enginePid?: number
  readonly message?: string
  /** On a cluster those of the server that answered. */
  readonly tables?: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[]
}
