/**
 * Slow ramps: the cumulative sum (Page 1954, Biometrika 41) of how far daily values lie from an anchor: how they were in
 * the first two to four weeks, which never follows them. A mean that learns is led up a slope by whoever is patient
 * ("boiling frog", Rubinstein et al. 2009, IMC; bounds in Kloft and Laskov 2010, AISTATS), and with a variance that learns
 * freely the patient need not even go slowly: so outliers are clipped out of both while the anchor is taken.
 *
 *   S <- max(0, S + z - k),   z = (value - mean) / deviation, held within 3,   k = 1/2 + 1.6 / sqrt(n)
 *
 * and an alarm at 8. The sum of z - 1/2 is the likelihood ratio of a rise by one deviation. The second term is the doubt
 * about a mean of n days, at 95 %: without it an anchor that happens to lie low alarms by itself (0.16 false alarms per
 * agent-year, the others as below; found 11 days sooner at 1 % a day). z is held because thick tails are not a trend
 * (0.14 without).
 *
 * Measured (bench/profiles/slow-ramp.ts; logarithms of daily sums of deviation 0.35, rises after 60 usual days): days until
 * found, median and 90 %, and agents that alarm by themselves in a year, relative to all.
 *
 *   values        0.5 % a day   1 %       2 %       5 %       false rises   either direction
 *   normal        79 (106)      47 (61)   29 (37)   16 (19)   0.021         0.040
 *   thick tails   73 (101)      44 (60)   27 (35)   15 (19)   0.025         0.045
 *
 * Who sees all of the state and stays just under the alarm for 60 days sends 1.4 times the usual, and moves what is found
 * within 30 days not at all; beginning on the 15th day, while the anchor is still taken, 1.7 and 1.3 times.
 *
 * Misses: what was so from the first day, and ramps in the first two weeks, before anything is judged; what ends below 1.3
 * times the usual; single days however large: they add 2.2 at most and drain again (a histogram of daily sums is for
 * those); weekly rhythms widen the deviation. Agents that truly change stay alarmed until somebody takes a new anchor. A
 * day from the future makes all days until then count as seen.
 */
import { secondOf } from './event-time.ts'
import type { Block, Memory } from './memory.ts'

/**
 * Sums of rise and fall, mean and squared deviations of the anchor (f32 each); days in the anchor, its first second, and
 * the second of the last value (u32 each).
 */
export const anchoredCusum: Block = { name: 'anchored-cusum', version: 1, bytes: 28 }

/** A sum that is an alarm. */
export const ANCHORED_ALARM = 8

/** The words of a block. */
const RISE = 0
const FALL = 1
const MEAN = 2
const SQUARES = 3
const DAYS = 4
const SINCE = 5
const LAST = 6

const DAY_S = 86_400

/** Days before anything is judged, and in the whole anchor: four weeks hold each weekday equally often. */
const LEAST_DAYS = 14
const ANCHOR_DAYS = 28
/** Before so many days there is no deviation worth clipping by. */
const UNCLIPPED_DAYS = 7
const MOST_DEVIATIONS = 3
/** Of logarithms: daily sums that differ by less than a tenth do not differ. */
const LEAST_DEVIATION = 0.1
const ALLOWANCE = 0.5
const ANCHOR_DOUBT = 1.6
/** Twice the alarm: what has gone back to the usual is seen to within days. */
const MOST_SUM = 2 * ANCHORED_ALARM
/** Logarithms of numbers do not lie outside; keeps squares finite. */
const MOST_VALUE = 1000

/**
 * Judges the value of a day against the anchor, then takes it into the anchor if that is not complete. To be called once a
 * day (UTC) that the agent was active, when the day is over, by whoever closes days: with the natural logarithm of the
 * day's sum or count, and a time in that day. Not a finite number, or a day not after the last one: nothing happens.
 */
export function addToAnchoredCusum(memory: Memory, at: number, value: number, timeMs: number): void {
  const { f32, u32 } = memory
  const word = at / 4
  const second = secondOf(timeMs)
  if (!Number.isFinite(value) || Math.floor(second / DAY_S) <= Math.floor((u32[word + LAST] ?? 0) / DAY_S)) {
    return
  }
  u32[word + LAST] = second
  const days = anchorDays(memory, at)
  const held = Math.min(MOST_VALUE, Math.max(-MOST_VALUE, value))
  const z = days < UNCLIPPED_DAYS ? 0 : deviationsFrom(memory, at, held)
  if (days >= LEAST_DAYS) {
    const allowance = ALLOWANCE + ANCHOR_DOUBT / Math.sqrt(days)
    f32[word + RISE] = Math.min(MOST_SUM, Math.max(0, anchoredRise(memory, at) + z - allowance))
    f32[word + FALL] = Math.min(MOST_SUM, Math.max(0, anchoredFall(memory, at) - z - allowance))
  }
  if (days < ANCHOR_DAYS) {
    const mean = anchorMean(memory, at)
    const taken = days < UNCLIPPED_DAYS ? held : mean + z * anchorDeviation(memory, at)
    const moved = mean + (taken - mean) / (days + 1)
    f32[word + MEAN] = moved
    f32[word + SQUARES] = (f32[word + SQUARES] ?? 0) + (taken - mean) * (taken - moved)
    u32[word + DAYS] = days + 1
    u32[word + SINCE] = days === 0 ? second : (u32[word + SINCE] ?? 0)
  }
}

/** Forgets the anchor and both sums: the days from now on make a new one. Only ever because somebody said so. */
export function reanchor(memory: Memory, at: number): void {
  const last = memory.u32[at / 4 + LAST] ?? 0
  memory.u8.fill(0, at, at + anchoredCusum.bytes)
  memory.u32[at / 4 + LAST] = last
}

/** The sum of what lay above the anchor; from 0 to 16, an alarm from `ANCHORED_ALARM` up. */
export function anchoredRise(memory: Memory, at: number): number {
  return memory.f32[at / 4 + RISE] ?? 0
}

/** The sum of what lay below the anchor. Who asks for both has twice the false alarms. */
export function anchoredFall(memory: Memory, at: number): number {
  return memory.f32[at / 4 + FALL] ?? 0
}

/**
 * A bound on the probability of a sum on a day fixed in advance while nothing has changed: exp(-sum), as in
 * `bernoulli-cusum.ts`, for normal values and an anchor that is right.
 */
export function anchoredTail(sum: number): number {
  return Math.exp(-sum)
}

/** Days in the anchor: nothing is judged before 14, and from 28 it is frozen. */
export function anchorDays(memory: Memory, at: number): number {
  return memory.u32[at / 4 + DAYS] ?? 0
}

/** When the first day of the anchor was; 0 before. */
export function anchorSinceMs(memory: Memory, at: number): number {
  return 1000 * (memory.u32[at / 4 + SINCE] ?? 0)
}

/** The mean of the anchor, a logarithm; 0 before its first day. */
export function anchorMean(memory: Memory, at: number): number {
  return memory.f32[at / 4 + MEAN] ?? 0
}

/** The standard deviation of the anchor; at least 0.1. */
export function anchorDeviation(memory: Memory, at: number): number {
  const days = anchorDays(memory, at)
  const squares = Math.max(0, memory.f32[at / 4 + SQUARES] ?? 0)
  return days < 2 ? LEAST_DEVIATION : Math.max(LEAST_DEVIATION, Math.sqrt(squares / (days - 1)))
}

function deviationsFrom(memory: Memory, at: number, value: number): number {
  const z = (value - anchorMean(memory, at)) / anchorDeviation(memory, at)
  return Math.min(MOST_DEVIATIONS, Math.max(-MOST_DEVIATIONS, z))
}
