/**
 * Sizes, durations and costs as counts in 64 half-octave bins: the quantiles and tails of a positive quantity to within
 * 19 % of its value, in 136 bytes, mergeable and forgetting. The bins are those of DDSketch (Masson, Rim and Lee 2019,
 * PVLDB 12, section 2.1) with a ratio of sqrt(2), laid out once for all so that histograms add up bin by bin.
 *
 * Bin 0 holds what is below one, bin b > 0 holds [2^((b-1)/2), 2^(b/2)), the last also what is above: choose a unit in
 * which one is negligible and 3e9 enormous (bytes, milliseconds, tokens, micro-dollars).
 *
 * Misses: anything finer than a bin (41 %), values above 3e9 among themselves, the order of values, and the hour of the
 * day: a nightly copy of a gigabyte makes one at noon look normal. Time moved forward by a liar makes it forget.
 */
import { secondOf } from './event-time.ts'
import type { Block, Memory } from './memory.ts'

/** Half-octave bins of a histogram. */
export const LOG_BINS = 64

/**
 * 64 counts of u16, their sum (u32), and the second since which time counts towards the next halving (u32, 0: nothing
 * was ever counted).
 */
export const logHistogram: Block = { name: 'log-histogram', version: 1, bytes: LOG_BINS * 2 + 8 }

/** Where the sum and the second lie in a block, in words of 32 bits. */
const COUNT = LOG_BINS / 2
const SINCE = COUNT + 1

const FULL = 0xffff
const HALF_LIFE_S = 30 * 86_400

/**
 * Where a value lies on the scale of bins: its bin is the whole part, at most 63. At least 0 and at most 64; not a
 * number counts as nothing.
 */
export function logPosition(value: number): number {
  return value >= 1 ? Math.min(LOG_BINS, 1 + 2 * Math.log2(value)) : 0
}

/** The value at a position: what `logPosition` was given, but for those below one (1) and above the last bin. */
export function valueAtLogPosition(position: number): number {
  return 2 ** ((Math.max(1, position) - 1) / 2)
}

/**
 * Counts one value, once what has aged is forgotten. Anything but a number is not counted. A bin that is full halves
 * all of them: shares stay, and so does the room to learn.
 */
export function addToLogHistogram(memory: Memory, at: number, value: number, timeMs: number): void {
  if (Number.isNaN(value)) {
    return
  }
  decayLogHistogram(memory, at, timeMs)
  const since = at / 4 + SINCE
  if (memory.u32[since] === 0) {
    // 0 says never.
    memory.u32[since] = Math.max(1, secondOf(timeMs))
  }
  addCount(memory, at, Math.min(LOG_BINS - 1, Math.floor(logPosition(value))), 1)
}

/**
 * Forgets half of everything for each 30 days of event time that have passed, whole half-lives at once; what is left
 * over of the time counts towards the next. So it does not matter when, or how often, this is called. Call it before
 * reading. Time that runs backwards takes nothing.
 */
export function decayLogHistogram(memory: Memory, at: number, timeMs: number): void {
  const index = at / 4 + SINCE
  const since = memory.u32[index] ?? 0
  const halvings = Math.floor((secondOf(timeMs) - since) / HALF_LIFE_S)
  if (since === 0 || halvings <= 0) {
    return
  }
  halve(memory, at, halvings)
  memory.u32[index] = since + halvings * HALF_LIFE_S
}

/** How many values are remembered. At most 64 times 65,535. */
export function logHistogramCount(memory: Memory, at: number): number {
  return memory.u32[at / 4 + COUNT] ?? 0
}

/**
 * The position (`logPosition`) below which a share of the remembered values lies, spread evenly over each bin; 0 when
 * there are none.
 */
export function quantilePosition(memory: Memory, at: number, share: number): number {
  const { u16 } = memory
  const first = at / 2
  const wanted = share * logHistogramCount(memory, at)
  const enough = Math.max(1, Math.ceil(wanted))
  let bin = 0
  let here = u16[first] ?? 0
  let below = here
  while (below < enough && bin < LOG_BINS - 1) {
    bin += 1
    here = u16[first + bin] ?? 0
    below += here
  }
  return here === 0 ? 0 : bin + 1 - (below - wanted) / here
}

/** A quantile in the unit of the values, to tell people what is usual: 0.5 the median, 0.95; undefined without any. */
export function logHistogramQuantile(memory: Memory, at: number, share: number): number | undefined {
  return logHistogramCount(memory, at) === 0 ? undefined : valueAtLogPosition(quantilePosition(memory, at, share))
}

/**
 * Adds one agent's histogram to that of its peers, `into`, moved by whole bins (see `peerShift`; 0 to compare levels).
 * It counts as `most` values at most, so that no agent speaks for the group by talking much. Values moved over an end
 * stay in the last bin there. Both histograms must have been decayed to the same time.
 */
export function mergeLogHistogram(
  into: Memory,
  intoAt: number,
  from: Memory,
  fromAt: number,
  shift: number,
  most: number,
): void {
  const count = logHistogramCount(from, fromAt)
  const scale = count > most ? most / count : 1
  let seen = 0
  let given = 0
  for (let bin = 0; bin < LOG_BINS; bin += 1) {
    seen += from.u16[fromAt / 2 + bin] ?? 0
    // Rounding the sums and not the bins loses no more than one value of all.
    const adding = Math.floor(seen * scale + 1e-9) - given
    given += adding
    if (adding > 0) {
      addCount(into, intoAt, Math.min(LOG_BINS - 1, Math.max(0, bin + shift)), adding)
    }
  }
  const since = intoAt / 4 + SINCE
  into.u32[since] = Math.max(into.u32[since] ?? 0, from.u32[fromAt / 4 + SINCE] ?? 0)
}

function addCount(memory: Memory, at: number, bin: number, adding: number): void {
  const index = at / 2 + bin
  let left = adding
  while ((memory.u16[index] ?? 0) + left > FULL) {
    halve(memory, at, 1)
    // One value stays one: only many at once are halved with the rest.
    left = Math.ceil(left / 2)
  }
  memory.u16[index] = (memory.u16[index] ?? 0) + left
  memory.u32[at / 4 + COUNT] = logHistogramCount(memory, at) + left
}

/**
 * Halves the sums from below, rounded down, and not the bins themselves: so single values in a tail do not all vanish at
 * once, no share moves by more than one value, and halving twice is dividing by four.
 */
function halve(memory: Memory, at: number, halvings: number): void {
  const divisor = 2 ** halvings
  const first = at / 2
  let below = 0
  let kept = 0
  for (let bin = 0; bin < LOG_BINS; bin += 1) {
    below += memory.u16[first + bin] ?? 0
    const keeping = Math.floor(below / divisor) - kept
    memory.u16[first + bin] = keeping
    kept += keeping
  }
  memory.u32[at / 4 + COUNT] = kept
}
