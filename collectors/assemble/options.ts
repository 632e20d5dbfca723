/** Bounds and waits of one assembler, that is of one partition of the fragments. */

export interface AssembleOptions {
  /** How long a fragment waits for its relatives, in stream time. */
  readonly holdMs: number
  /** Fragments waiting at once, and the UTF-16 units of content in them; above that the oldest trace goes on early. */
  readonly maxHeld: number
  readonly maxHeldText: number
  /** Traces whose identity is remembered, and the spans of all traces together that are known as ancestors. */
  readonly maxTracesRemembered: number
  readonly maxSpansRemembered: number
  readonly maxSessionsRemembered: number
  readonly maxServicesRemembered: number
  /** Events that later fragments can still amend, and the UTF-16 units of content in them. */
  readonly maxCallsRemembered: number
  readonly maxCallText: number
  /** Log records that are recognised when they come again; spans are recognised as long as they are remembered. */
  readonly maxLogsRemembered: number
  /** Whether event times are held to at most five minutes after arrival. Off where arrival times are synthetic. */
  readonly clamp: boolean
}

export const ASSEMBLE_DEFAULTS: AssembleOptions = {
  holdMs: 2000,
  maxHeld: 20_000,
  maxHeldText: 32 * 1024 * 1024,
  maxTracesRemembered: 50_000,
  maxSpansRemembered: 100_000,
  maxSessionsRemembered: 50_000,
  maxServicesRemembered: 10_000,
  maxCallsRemembered: 20_000,
  maxCallText: 32 * 1024 * 1024,
  maxLogsRemembered: 50_000,
  clamp: true,
}
