/**
 * A fragment: what one span or log record says about an event, in our words, already sanitized.
 *
 * Collectors write fragments on the bus and hold nothing back; the assembler joins them into events. A
 * fragment says only what its own record says: identity that ancestors hold, the other half of a call, and
 * what was egress and what was model transport are decided later, when its relatives are known.
 */
import type {
  Agent,
  Approval,
  Attributes,
  Content,
  Dataset,
  Destination,
  EventOutcome,
  Integrity,
  Operation,
  Subject,
  Token,
  Tool,
  Volume,
} from './telemetry.ts'

/**
 * What part a record plays.
 *
 * - `event`: it stands for one event. Relatives may add to it.
 * - `part`: it adds to a tool call (found by call id in the session, else the nearest tool-call ancestor). If
 *   that call never shows, it becomes an event of its own when `operation` is set, else it is only counted.
 * - `context`: it names no event: a node of the span tree, a session fact. It lends identity and content.
 * - `tick`: nothing happened; stream time moved on. Written by the assembler's own loop when a partition is idle.
 */
export const ROLES = ['event', 'part', 'context', 'tick'] as const
export type Role = (typeof ROLES)[number]

/** A tool call that a model asked for in its output, or whose result it was given: calls without a span of their own. */
export interface RequestedCall {
  readonly call_id: string
  readonly name?: string
  readonly server?: string
  readonly arguments?: string
  /** Endpoints named in the arguments, found by the intake before it masked them. */
  readonly destinations?: readonly Destination[]
  /** Datasets named in the arguments, likewise. */
  readonly dataset_scope?: readonly Dataset[]
  /** Set when the result was seen (in the next model input). */
  readonly result?: string
  readonly outcome?: EventOutcome
}

export interface Fragment {
  readonly schema_version: '1'
  /**
   * 32 hex, deterministic: the same record sent again gives the same id. Becomes the id of its event, unless that is a
   * call with an id of its own: then all records of the call lead to one event id, whichever comes first.
   */
  readonly fragment_id: string
  readonly tenant_id: string
  readonly role: Role
  /** The dialect that spoke. */
  readonly dialect: string
  readonly signal: 'span' | 'log'
  readonly time_ms: number
  readonly observed_ms: number
  readonly duration_ms?: number

  /**
   * What joins this record with its relatives, and so decides its partition: the session where the dialect names one
   * on every record, else the trace, else the session, else the fragment alone.
   */
  readonly join_key: string
  readonly trace_id?: string
  readonly span_id?: string
  readonly parent_span_id?: string
  /** Named by the record itself. */
  readonly session_id?: string
  /** Named by the record itself; an id guessed from a service name goes in `service`. */
  readonly agent?: Partial<Agent>
  /** Agents that stand above `agent` in the record's own words, outermost first: who has sub-agents names them so. */
  readonly callers?: readonly Subject[]
  /** The resource that sent it: the agent of last resort. */
  readonly service?: { readonly name: string; readonly version?: string }
  /** The human (or calling service) at the origin, when this record names one. */
  readonly principal?: Subject
  /** Whole chain, when the agent states it (`telltale.subject_chain`). */
  readonly subject_chain?: readonly Subject[]

  readonly operation?: Operation
  /**
   * Said alike by the span and the log record that report one event without sharing a call id: the provider's
   * request id of a model call, the span of a turn, a tool's name with its arguments. The assembler pairs one
   * span with one log record of the same session (else trace), operation and twin, first come first paired. A `part`
   * with a twin but no call id (what the model answered, beside the record of its request) joins that event.
   * The intake replaces it by its hash, so it may be made of raw text.
   */
  readonly twin?: string
  /**
   * True for spans of transport (HTTP, RPC, messaging clients) that are model traffic when their nearest
   * classified ancestor is a model call, belong to the tool call above them if there is one, else are egress.
   */
  readonly transport?: boolean
  readonly tool?: Partial<Tool>
  readonly outcome?: EventOutcome
  readonly error_type?: string
  readonly volume?: Volume
  readonly destinations?: readonly Destination[]
  readonly dataset_scope?: readonly Dataset[]
  readonly policy_snapshot?: string
  readonly policy_decision?: 'allow' | 'deny' | 'step_up'
  readonly atlas_mapping?: readonly string[]
  readonly integrity?: Integrity
  readonly token?: Token
  readonly approval?: Approval
  readonly content?: Content
  /** SHA-256 of the whole sanitized prompt, computed before it was cut to `CONTENT_LIMIT`. */
  readonly prompt_id?: string
  readonly attributes?: Attributes
  /** Calls that this model call asked for. */
  readonly requested_calls?: readonly RequestedCall[]
  /** Results of earlier calls that this model call was given. */
  readonly answered_calls?: readonly RequestedCall[]
}
