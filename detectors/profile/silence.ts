/**
 * How surprising it is that an agent which runs like clockwork is silent: the lower tail of its rate, where counts say
 * little (an agent that calls once an hour makes none in most windows).
 *
 * A run is calls with less than two minutes between them. Runs that start one period after another are on time, those a
 * whole number of periods later have missed some. How often runs are missed is Beta(1/2 + missed, 1/2 + on time); so
 * that k are missed in a row has the probability prod_(i < k) (a + i) / (a + b + i) (Pólya's urn: the beta-binomial for
 * k of k; Jeffreys' prior).
 *
 * Abstains below ten runs, and where more than a fifth of them are neither on time nor whole periods late: people,
 * bursts.
 *
 * Misses: agents of several periods at once, or of periods below five minutes or so; that misses come in a row (an
 * outage of a day is one thing, not 24); a schedule slowed down little by little, which is learned; and silence itself
 * makes no event: something with a clock of events has to ask.
 *
 * Measured (`silence.test.ts`, agents of 12 to 61 runs that miss 2, 10 and 30 % of them): as unlikely as one miss 0.36, 0.53
 * and 0.51 times as often as nominal, as two in a row 0.13, 0.49 and 0.49 times: few runs leave doubt, a miss in 50 most.
 */
import { secondOf } from './event-time.ts'
import type { Block, Memory } from './memory.ts'

const RUN_GAP_S = 120
/** Of a period: on time is within so much. */
const TOLERANCE = 0.25
/** Runs that are remembered, and by which the period is adjusted. */
const MEMORY_RUNS = 256
const PERIOD_RUNS = 16
const ENOUGH_RUNS = 10
const MOST_IRREGULAR = 0.2
const PRIOR = 0.5
/** Runs missed in a row that are learned from one silence: longer ones are outages. */
const MOST_MISSED = 8
/** More say nothing more. */
const MOST_STEPS = 1000

const LOG_PERIOD = 0
const ON_TIME = 1
const MISSED = 2
const IRREGULAR = 3
const START = 4
const LAST = 5

/** f32 ln period (s), f32 runs on time, missed and irregular, u32 start of the latest run (s), u32 latest call (s). */
export const silenceBlock: Block = { name: 'silence', version: 1, bytes: 24 }

/** Takes a call; if it begins a run, and `learn`, how long after the former run. Late calls give and take nothing. */
export function observeRun(memory: Memory, at: number, timeMs: number, learn: boolean): void {
  const { u32 } = memory
  const index = at >> 2
  const seconds = secondOf(timeMs)
  const last = u32[index + LAST] as number
  if (!(seconds > last)) {
    return
  }
  u32[index + LAST] = seconds
  const start = u32[index + START] as number
  if (seconds - last < RUN_GAP_S) {
    return
  }
  u32[index + START] = seconds
  if (learn && last > 0) {
    learnInterval(memory.f32, index, seconds - start)
  }
}

/**
 * The probability that as many runs are missed as have been by now; 1 while none is; undefined for agents without a
 * period.
 */
export function silenceTail(memory: Memory, at: number, timeMs: number): number | undefined {
  const { f32, u32 } = memory
  const index = at >> 2
  const onTime = f32[index + ON_TIME] as number
  const irregular = f32[index + IRREGULAR] as number
  const elapsed = timeMs / 1000 - (u32[index + START] as number)
  if (onTime < ENOUGH_RUNS || irregular > MOST_IRREGULAR * (onTime + irregular) || Number.isNaN(elapsed)) {
    return undefined
  }
  const missed = Math.min(Math.floor(elapsed / periodOf(f32, index) - TOLERANCE), MOST_STEPS)
  const a = PRIOR + (f32[index + MISSED] as number)
  const b = PRIOR + onTime
  let tail = 1
  for (let run = 0; run < missed; run += 1) {
    tail *= (a + run) / (a + b + run)
  }
  return tail
}

/** The usual time from run to run, for explanations; 0 before the second run. */
export function usualPeriodMs(memory: Memory, at: number): number {
  return memory.f32[at >> 2] === 0 ? 0 : periodOf(memory.f32, at >> 2) * 1000
}

function learnInterval(f32: Float32Array, index: number, seconds: number): void {
  const isFirst = f32[index + LOG_PERIOD] === 0
  const period = isFirst ? seconds : periodOf(f32, index)
  const periods = Math.max(1, Math.round(seconds / period))
  const isOnTime = Math.abs(seconds / period - periods) <= TOLERANCE
  for (let count = index + ON_TIME; count <= index + IRREGULAR; count += 1) {
    f32[count] = (f32[count] as number) * (1 - 1 / MEMORY_RUNS)
  }
  f32[index + ON_TIME] = (f32[index + ON_TIME] as number) + (isOnTime ? 1 : 0)
  f32[index + MISSED] = (f32[index + MISSED] as number) + (isOnTime ? Math.min(periods - 1, MOST_MISSED) : 0)
  f32[index + IRREGULAR] = (f32[index + IRREGULAR] as number) + (isOnTime ? 0 : 1)
  const runs = (f32[index + ON_TIME] as number) + (f32[index + IRREGULAR] as number)
  const away = Math.log(seconds / (isOnTime ? periods : 1)) - Math.log(period)
  f32[index + LOG_PERIOD] = Math.log(period) + away / Math.min(runs, PERIOD_RUNS)
}

function periodOf(f32: Float32Array, index: number): number {
  return Math.exp(f32[index + LOG_PERIOD] as number)
}
