/**
 * `node dist/bench/profiles/call-rate.js`: five ways to judge a count of calls in five minutes, on bursty agents with a
 * daily cycle. Each learns four weeks and judges two, of 100 agents: how many windows of 10,000 alarm at a nominal 1,
 * and how many are found to which twelve times the agent's mean is added. Then how calibrated the last is after few
 * windows.
 */
import { memoryOf } from '../../detectors/profile/memory.ts'
import { negativeBinomialTail } from '../../detectors/profile/negative-binomial.ts'
import { callsTail, countCall, rateBlock, WINDOW_MS } from '../../detectors/profile/rate.ts'
import { seeded } from '../seeded.ts'
import { falseAlarms } from './rate-calibration.ts'
import { type Calling, callsIn, meanAt } from './synthetic-calls.ts'

const AGENTS = 100
const WEEK_WINDOWS = 2016
const LEARNED = 4 * WEEK_WINDOWS
const JUDGED = 2 * WEEK_WINDOWS
const NOMINAL = 1e-4
/** The normal quantile of `NOMINAL`. */
const Z = 3.719
const START_MS = 1_700_006_400_000
const ATTACK = 12
/** One window in so many is attacked, too: judged once with and once without. */
const ATTACKED = 10

type Alarm = (window: number, calls: number) => boolean

/** An agent's counts, then how each method alarms once it has learned the first weeks of them. */
function methodsFor(counts: readonly number[], calling: Calling): Record<string, Alarm> {
  const learned = counts.slice(0, LEARNED)
  const mean = learned.reduce((sum, calls) => sum + calls, 0) / LEARNED
  const deviation = Math.sqrt(learned.reduce((sum, calls) => sum + (calls - mean) ** 2, 0) / LEARNED)
  const hours = hourMeans(learned)
  const memory = memoryOf(new ArrayBuffer(rateBlock.bytes))
  for (const [window, calls] of counts.slice(0, LEARNED + 1).entries()) {
    learn(memory, window, calls)
  }
  return {
    'z-score': (_, calls) => calls > mean + Z * deviation,
    Poisson: (_, calls) => poissonTail(calls, mean) <= NOMINAL,
    'Poisson, by hour': (window, calls) => poissonTail(calls, hours[hourOf(window)] ?? 0) <= NOMINAL,
    'negative binomial, by slot': (window, calls) =>
      (callsTail(memory, 0, START_MS + window * WINDOW_MS, calls) ?? 1) <= NOMINAL,
    'truth (negative binomial as drawn)': (window, calls) =>
      negativeBinomialTail(calls, meanAt(START_MS + window * WINDOW_MS, calling), calling.dispersion) <= NOMINAL,
  }
}

function learn(memory: ReturnType<typeof memoryOf>, window: number, calls: number): void {
  for (let call = 0; call < calls; call += 1) {
    countCall(memory, 0, START_MS + window * WINDOW_MS, true)
  }
}

function poissonTail(calls: number, mean: number): number {
  return negativeBinomialTail(calls, mean, 0)
}

function hourOf(window: number): number {
  return Math.floor((((START_MS + window * WINDOW_MS) / 3_600_000) % 24) + 1e-9)
}

function hourMeans(counts: readonly number[]): number[] {
  const sums = Array.from({ length: 24 }, () => 0)
  const windows = Array.from({ length: 24 }, () => 0)
  for (const [window, calls] of counts.entries()) {
    sums[hourOf(window)] = (sums[hourOf(window)] ?? 0) + calls
    windows[hourOf(window)] = (windows[hourOf(window)] ?? 0) + 1
  }
  return sums.map((sum, hour) => sum / Math.max(1, windows[hour] ?? 0))
}

function measure(title: string, callingOf: (next: () => number) => Calling): void {
  const tally = new Map<string, { false: number; found: number }>()
  const next = seeded(11)
  for (let agent = 0; agent < AGENTS; agent += 1) {
    const calling = callingOf(next)
    const counts = Array.from({ length: LEARNED + JUDGED }, (_, window) =>
      callsIn(next, START_MS + window * WINDOW_MS, calling),
    )
    for (const [method, alarms] of Object.entries(methodsFor(counts, calling))) {
      const of = tally.get(method) ?? { false: 0, found: 0 }
      tally.set(method, of)
      for (let window = LEARNED; window < counts.length; window += 1) {
        const calls = counts[window] ?? 0
        of.false += alarms(window, calls) ? 1 : 0
        of.found += window % ATTACKED === 0 && alarms(window, calls + Math.round(ATTACK * calling.mean)) ? 1 : 0
      }
    }
  }
  console.log(`\n${title}`)
  console.log(`${'method'.padEnd(36)}${'false per 10^4'.padStart(16)}${'found'.padStart(10)}`)
  for (const [method, { false: wrong, found }] of tally) {
    const rate = ((1e4 * wrong) / (AGENTS * JUDGED)).toFixed(2)
    const share = `${((100 * found * ATTACKED) / (AGENTS * JUDGED)).toFixed(0)} %`
    console.log(`${method.padEnd(36)}${rate.padStart(16)}${share.padStart(10)}`)
  }
}

measure('bursts (1/r = 1) and a daily cycle of 0.1 to 1.9 times the mean of 2 calls', () => ({
  mean: 2,
  dispersion: 1,
  swing: 0.9,
}))
measure('bursts (1/r 0.3 to 2), cycles (0 to 0.95), means (1 to 50)', (next) => ({
  mean: 50 ** next(),
  dispersion: 0.3 + 1.7 * next(),
  swing: 0.95 * next(),
}))

const kinds: Record<string, Calling> = {
  'bursts (5 calls, 1/r = 1)': { mean: 5, dispersion: 1, swing: 0 },
  'great bursts (10 calls, 1/r = 2)': { mean: 10, dispersion: 2, swing: 0 },
  'rare bursts (0.3 calls, 1/r = 1)': { mean: 0.3, dispersion: 1, swing: 0 },
  'regular (5 calls, 1/r = 0.1)': { mean: 5, dispersion: 0.1, swing: 0 },
  'daily cycle, bursts (5 calls, 1/r = 1)': { mean: 5, dispersion: 1, swing: 0.9 },
  'daily cycle (20 calls, 1/r = 0.3)': { mean: 20, dispersion: 0.3, swing: 0.9 },
}
console.log('\nfalse alarms as multiples of nominal, at p = 0.01 / 0.001, after n windows')
console.log(`${''.padEnd(40)}${[10, 30, 100, 1000].map((n) => `n = ${n}`.padStart(14)).join('')}`)
for (const [kind, calling] of Object.entries(kinds)) {
  const columns = [10, 30, 100, 1000].map((windows) =>
    falseAlarms(calling, windows, [0.01, 0.001], windows === 1000 ? 1000 : 8000, windows === 1000 ? 80 : 10)
      .map((excess) => excess.toFixed(2))
      .join(' / ')
      .padStart(14),
  )
  console.log(`${kind.padEnd(40)}${columns.join('')}`)
}
