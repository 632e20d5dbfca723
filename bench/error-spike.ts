/**
 * `node dist/bench/error-spike.js`: how noisy and how quick the error-spike detector is: simulated agents whose failures have a known rate, alone and in
 * bursts, first unchanged (what is told then is false), then with a sudden rise.
 */
import { pathToFileURL } from 'node:url'
import { event } from '../detectors/arbitrary.ts'
import { type ErrorHistory, findTool } from '../detectors/error-spike/history.ts'
import { errorSpike, measure } from '../detectors/error-spike.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { seeded } from './seeded.ts'

/** One kind of agent. Times of failures follow a Markov chain: `burst` is how much one failure calls for the next. */
interface SpikeCase {
  readonly rate: number
  readonly burst: number
}

interface SpikeResult extends SpikeCase {
  /** False alarms in 100,000 calls: in the first calls of an agent (`YOUNG_CALLS`), and after them. */
  readonly young: number
  readonly settled: number
  /** Share of calls, after the first, that failed with a p of at most 0.01 and 0.001: calibrated when not above them. */
  readonly below01: number
  readonly below001: number
  /** Calls from a jump to one in two until the alarm: median and 95th percentile; `undefined` when not found in 500. */
  readonly delay: readonly [number | undefined, number | undefined]
  readonly missed: number
}

/** The first calls of an agent, in which little is known of it. */
const YOUNG_CALLS = 500

const SPIKE_CASES: readonly SpikeCase[] = [0, 0.01, 0.02, 0.05, 0.1, 0.2].flatMap((rate) =>
  rate === 0 ? [{ rate, burst: 0 }] : [0, 0.5, 0.8].map((burst) => ({ rate, burst })),
)

/** Runs one case over `agents` agents: their calls as usual, then the jump. */
export function measureSpikes({ rate, burst }: SpikeCase, agents: number, callsPerAgent: number): SpikeResult {
  const random = seeded(Math.round(rate * 1000) * 31 + Math.round(burst * 10))
  const count = { young: 0, settled: 0, below01: 0, below001: 0 }
  const delays: number[] = []
  for (let agent = 0; agent < agents; agent += 1) {
    const state = errorSpike.initial()
    let failed = random() < rate
    for (let call = 0; call < callsPerAgent; call += 1) {
      failed = random() < burst ? failed : random() < rate
      const young = call < YOUNG_CALLS
      if (failed && !young) {
        const p = tailOf(state)
        count.below01 += p <= 0.01 ? 1 : 0
        count.below001 += p <= 0.001 ? 1 : 0
      }
      if (feed(state, call, failed)) {
        count[young ? 'young' : 'settled'] += 1
      }
    }
    delays.push(untilAlarm(state, callsPerAgent, random) ?? Number.POSITIVE_INFINITY)
  }
  delays.sort((one, other) => one - other)
  const at = (share: number) => {
    const delay = delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]
    return delay === Number.POSITIVE_INFINITY ? undefined : delay
  }
  const settledCalls = agents * (callsPerAgent - YOUNG_CALLS)
  return {
    rate,
    burst,
    young: (count.young / (agents * YOUNG_CALLS)) * 1e5,
    settled: (count.settled / settledCalls) * 1e5,
    below01: count.below01 / settledCalls,
    below001: count.below001 / settledCalls,
    delay: [at(0.5), at(0.95)],
    missed: delays.filter((delay) => delay === Number.POSITIVE_INFINITY).length / agents,
  }
}

const MINUTE_MS = 60_000
const JUMP_CALLS = 500

function untilAlarm(state: ErrorHistory, calls: number, random: () => number): number | undefined {
  for (let call = 0; call < JUMP_CALLS; call += 1) {
    if (feed(state, calls + call, random() < 0.5)) {
      return call + 1
    }
  }
  return undefined
}

function tailOf(state: ErrorHistory): number {
  return measure(state, findTool(state, 't:kb.search'), 'error').p
}

/** Judges and absorbs one call as the engine does; whether it was told. */
function feed(state: ErrorHistory, call: number, failed: boolean): boolean {
  const each = callEvent(call, failed)
  const told = errorSpike.check(each, state, { policy: undefined }).length > 0
  if (told) {
    errorSpike.spoke?.(each, state, { policy: undefined })
  } else {
    errorSpike.learn(each, state, { policy: undefined })
  }
  return told
}

function callEvent(call: number, failed: boolean): Telemetry {
  return event({
    event_id: call.toString(16).padStart(32, '0'),
    time_ms: call * MINUTE_MS,
    observed_ms: call * MINUTE_MS,
    session_id: `s${Math.floor(call / 50)}`,
    tool: { name: 'kb.search' },
    outcome: failed ? 'error' : 'ok',
  })
}

/** The results as a Markdown table. */
function spikeTable(results: readonly SpikeResult[]): string {
  const lines = results.map(({ rate, burst, young, settled, below01, below001, delay, missed }) =>
    [
      `${(rate * 100).toFixed(0)} %`,
      burst === 0 ? 'independent' : `bursts of ${(1 / ((1 - burst) * (1 - rate))).toFixed(1)}`,
      young.toFixed(1),
      settled.toFixed(1),
      `${(below01 * 100).toFixed(2)} %`,
      `${(below001 * 100).toFixed(3)} %`,
      `${delay[0] ?? '-'}`,
      `${delay[1] ?? '-'}`,
      `${(missed * 100).toFixed(0)} %`,
    ].join(' | '),
  )
  return [
    '| usual rate | failures come | false alarms per 100,000 calls, first 500 | after | p <= 1 % | p <= 0.1 % | calls to alarm, median | 95 % | missed |',
    '|---|---|---|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n')
}

const AGENTS = 200
const CALLS_PER_AGENT = 5000

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(spikeTable(SPIKE_CASES.map((each) => measureSpikes(each, AGENTS, CALLS_PER_AGENT))))
}
