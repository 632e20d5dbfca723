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

/**
 * The same for one of many partitions, of which a process has several: a quarter of what is remembered. At 2,500 spans a
 * second in each, which is what a process can take of four, that is still ten seconds of spans and five of calls. What
 * is remembered is most of what the garbage collector has to look at.
 */
export const ASSEMBLE_PARTITIONED: Partial<AssembleOptions> = {
  maxHeldText: ASSEMBLE_DEFAULTS.maxHeldText / 4,
  maxTracesRemembered: ASSEMBLE_DEFAULTS.maxTracesRemembered / 4,
  maxSpansRemembered: ASSEMBLE_DEFAULTS.maxSpansRemembered / 4,
  maxSessionsRemembered: ASSEMBLE_DEFAULTS.maxSessionsRemembered / 4,
  maxCallsRemembered: ASSEMBLE_DEFAULTS.maxCallsRemembered / 4,
  maxCallText: ASSEMBLE_DEFAULTS.maxCallText / 4,
  maxLogsRemembered: ASSEMBLE_DEFAULTS.maxLogsRemembered / 4,
}
