/**
 * What an agent's calls usually come to, per tool and kind of failure: the state of the error-spike detector.
 *
 * Failures of a stretch that looks worse than usual are held out of what is usual until the stretch is over. If nobody
 * had to be told, it was chance and is learned; if somebody was, it is not. Counts fade with event time.
 */

import { cusumStep, ratesFrom } from '../profile/bernoulli-cusum.ts'
import { betaMean } from '../profile/beta-binomial.ts'
import { remaining } from '../profile/decay.ts'

/** The outcomes that are failures; each is counted alone, since each means something else. */
export const FAILURES = ['error', 'timeout', 'rate_limited', 'denied', 'refused'] as const
export type Failure = (typeof FAILURES)[number]

/** The most tools an agent's history tells apart; calls of all others are one. */
export const TOOL_LIMIT = 48
/** The name under which the calls of all other tools are counted. */
export const OTHER_TOOLS = '*'

const HALF_LIFE_MS = 14 * 86_400_000
/** Counts are decayed in steps, so that they stay whole numbers, short in a checkpoint, most of the time. */
const DECAY_STEP_MS = 3_600_000
/** A tool not called for so long gives its place to a new one when places are scarce. */
const STALE_MS = 7 * 86_400_000
/** A stretch this long that nobody had to be told about is the new usual. */
export const STRETCH_LIMIT = 400
/** After an alarm the sum stays low enough that some tens of good calls end the stretch. */
export const ALARMED_SUM = 10
/** How far one failure calls for the next, when nothing is known: a little, worth so many failures. */
const BASE_PERSISTENCE = 0.3
const BASE_FAILURES = 5

/** Failures of one kind of one tool. */
export interface FailureRecord {
  readonly kind: Failure
  /** Failures that the usual rate is learned from. */
  failures: number
  /** Failures that burstiness is learned from, and how many of them came right after another. */
  followed: number
  repeated: number
  /** Calls held out for good: stretches that somebody was told about. */
  heldOut: number
  /** The stretch that looks worse than usual, when there is one: `sum` is above zero. */
  sum: number
  stretchCalls: number
  stretchFailures: number
  stretchRepeated: number
  stretchFromMs: number
  /** The usual rate when the stretch began. */
  usual: number
  /** Whether the last call failed in this way. */
  last: boolean
  /** When somebody was last told about this stretch; 0 when nobody was. */
  spokenMs: number
}

/** One tool. */
export interface ToolRecord {
  readonly tool: string
  firstMs: number
  lastMs: number
  decayedMs: number
  calls: number
  readonly kinds: FailureRecord[]
}

export interface ErrorHistory {
  tools: ToolRecord[]
}

/** Beta parameters: the posterior of a failure rate. */
export interface Posterior {
  readonly a: number
  readonly b: number
}

/** Chances of each kind of failure for a tool and agent of which nothing is known, worth so many calls. */
const BASE_RATES: Readonly<Record<Failure, number>> = {
  error: 0.05,
  timeout: 0.02,
  rate_limited: 0.02,
  denied: 0.02,
  refused: 0.02,
}
const BASE_CALLS = 20
/** What the agent's other tools say about a new one is worth so many calls of its own. */
const PEER_CALLS = 10

/** The record that speaks for a tool, or `undefined` when there is none yet. */
export function findTool(history: Readonly<ErrorHistory>, tool: string): ToolRecord | undefined {
  return (
    history.tools.find((record) => record.tool === tool) ??
    (history.tools.length >= TOOL_LIMIT ? history.tools.find((record) => record.tool === OTHER_TOOLS) : undefined)
  )
}

/** How often calls fail in one way, as far as is known; `record` may be `undefined` for a tool never seen. */
export function posteriorOf(history: Readonly<ErrorHistory>, record: ToolRecord | undefined, kind: Failure): Posterior {
  let peerCalls = 0
  let peerFailures = 0
  for (const other of history.tools) {
    if (other !== record) {
      const known = other.kinds.find((each) => each.kind === kind)
      peerCalls += learnedCalls(other, known)
      peerFailures += known?.failures ?? 0
    }
  }
  const prior = (peerFailures + BASE_RATES[kind] * BASE_CALLS) / (peerCalls + BASE_CALLS)
  const known = record?.kinds.find((each) => each.kind === kind)
  const failures = known?.failures ?? 0
  const calls = record === undefined ? 0 : learnedCalls(record, known)
  return { a: PEER_CALLS * prior + failures, b: PEER_CALLS * (1 - prior) + Math.max(0, calls - failures) }
}

/** Calls of a tool that one kind of failure was learned from. */
export function learnedCalls(record: ToolRecord, known: FailureRecord | undefined): number {
  return Math.max(0, record.calls - (known === undefined ? 0 : known.heldOut + known.stretchCalls))
}

/**
 * How much more the failures of a tool vary than independent calls would: (1 + r) / (1 - r) for calls of which each
 * repeats the one before it with probability r (variance of a two-state Markov chain). At least 1.
 */
function dispersionOf(known: FailureRecord | undefined, mean: number): number {
  const failures = (known?.followed ?? 0) + BASE_FAILURES
  const afterFailure = ((known?.repeated ?? 0) + BASE_FAILURES * (mean + BASE_PERSISTENCE * (1 - mean))) / failures
  const persistence = Math.min(Math.max((afterFailure - mean) / (1 - mean), 0), 0.95)
  return (1 + persistence) / (1 - persistence)
}

/** The stretch of a kind as it is with one more failure. Changes nothing. */
export function nextFailure(history: Readonly<ErrorHistory>, record: ToolRecord | undefined, kind: Failure) {
  const known = record?.kinds.find((each) => each.kind === kind)
  const running = known !== undefined && known.sum > 0
  const { a, b } = posteriorOf(history, record, kind)
  const usual = running ? known.usual : betaMean(a, b)
  return {
    sum: cusumStep(running ? known.sum : 0, true, ratesFrom(usual)),
    calls: (running ? known.stretchCalls : 0) + 1,
    failures: (running ? known.stretchFailures : 0) + 1,
    fromMs: running ? known.stretchFromMs : undefined,
    spokenMs: running ? known.spokenMs : 0,
    usual,
    dispersion: dispersionOf(known, betaMean(a, b)),
  }
}

/** Absorbs one call. `failure` is `undefined` for a call that went well; `spoken` when somebody was told about it. */
export function absorb(
  history: ErrorHistory,
  tool: string,
  failure: Failure | undefined,
  timeMs: number,
  spoken: boolean,
): void {
  const record = placeFor(history, tool, timeMs)
  decay(record, timeMs)
  record.lastMs = Math.max(record.lastMs, timeMs)
  if (failure !== undefined && !record.kinds.some(({ kind }) => kind === failure)) {
    record.kinds.push(newKind(failure))
  }
  for (const known of record.kinds) {
    const failed = known.kind === failure
    if (known.sum === 0 && failed) {
      const { a, b } = posteriorOf(history, record, known.kind)
      known.usual = betaMean(a, b)
      known.stretchFromMs = timeMs
    }
    if (known.sum > 0 || failed) {
      lengthen(known, failed, timeMs, spoken)
    }
    known.last = failed
  }
  record.calls += 1
}

function lengthen(known: FailureRecord, failed: boolean, timeMs: number, spoken: boolean): void {
  known.sum = cusumStep(known.sum, failed, ratesFrom(known.usual))
  known.stretchCalls += 1
  known.stretchFailures += failed ? 1 : 0
  known.stretchRepeated += failed && known.last ? 1 : 0
  if (spoken && failed) {
    known.spokenMs = Math.max(timeMs, 1)
  }
  if (known.spokenMs > 0) {
    known.sum = Math.min(known.sum, ALARMED_SUM)
  }
  if (known.sum === 0 || (known.spokenMs === 0 && known.stretchCalls >= STRETCH_LIMIT)) {
    known.repeated += known.stretchRepeated
    known.followed += known.stretchFailures
    if (known.spokenMs === 0) {
      known.failures += known.stretchFailures
    } else {
      // The calls are in `calls` of the tool already; those that count for nothing are taken off again.
      known.heldOut += known.stretchCalls
    }
    known.sum = 0
    known.stretchCalls = 0
    known.stretchFailures = 0
    known.stretchRepeated = 0
    known.spokenMs = 0
  }
}

function placeFor(history: ErrorHistory, tool: string, timeMs: number): ToolRecord {
  const known = history.tools.find((record) => record.tool === tool)
  if (known !== undefined) {
    return known
  }
  const name = history.tools.length < TOOL_LIMIT || freePlace(history, timeMs) ? tool : OTHER_TOOLS
  const other = history.tools.find((record) => record.tool === name)
  if (other !== undefined) {
    return other
  }
  const record = newTool(name, timeMs)
  history.tools.push(record)
  return record
}

/** Gives up the tool that was not called for longest, if that is long. */
function freePlace(history: ErrorHistory, timeMs: number): boolean {
  const named = history.tools.filter(({ tool }) => tool !== OTHER_TOOLS)
  const stalest = named.reduce<ToolRecord | undefined>(
    (found, record) => (found === undefined || record.lastMs < found.lastMs ? record : found),
    undefined,
  )
  if (stalest === undefined || timeMs - stalest.lastMs < STALE_MS) {
    return false
  }
  history.tools = history.tools.filter((record) => record !== stalest)
  return true
}

function decay(record: ToolRecord, timeMs: number): void {
  const elapsedMs = Math.floor((timeMs - record.decayedMs) / DECAY_STEP_MS) * DECAY_STEP_MS
  if (elapsedMs <= 0) {
    return
  }
  const fade = (count: number) => shorten(remaining(count, elapsedMs, HALF_LIFE_MS))
  record.decayedMs += elapsedMs
  record.calls = fade(record.calls)
  for (const known of record.kinds) {
    known.failures = fade(known.failures)
    known.followed = fade(known.followed)
    known.repeated = fade(known.repeated)
    known.heldOut = fade(known.heldOut)
  }
}

/** A ten-thousandth of a call is beyond what counts can tell, and short numbers keep checkpoints small. */
function shorten(count: number): number {
  return Math.round(count * 10_000) / 10_000
}

function newTool(tool: string, timeMs: number): ToolRecord {
  return { tool, firstMs: timeMs, lastMs: timeMs, decayedMs: timeMs, calls: 0, kinds: [] }
}

function newKind(kind: Failure): FailureRecord {
  return {
    kind,
    failures: 0,
    followed: 0,
    repeated: 0,
    heldOut: 0,
    sum: 0,
    stretchCalls: 0,
    stretchFailures: 0,
    stretchRepeated: 0,
    stretchFromMs: 0,
    usual: 0,
    last: false,
    spokenMs: 0,
  }
}
