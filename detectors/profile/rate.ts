/**
 * How often an agent calls: the tail probability of a count of calls in a window of five minutes.
 *
 * Counts are negative binomial (`negative-binomial.ts`): calls come in bursts, and a Poisson test would alarm at each.
 * The mean is either flat, or that of one of 48 slots: the hour of the day (UTC), on weekdays and on weekends. A slot
 * is shrunk to flat by a Gamma prior, its strength the ratio of variance within a slot to that between slots (Bühlmann
 * 1967, "Experience rating and credibility", ASTIN Bulletin 4). Both means predict each window before learning it; the
 * slots are used once they predict better (log likelihood, of which half is forgotten in two weeks), flat once it does,
 * and the larger of both tails until then. Each has its dispersion 1/r = EW[(x - mean)^2 - mean] / EW[mean^2] (moments,
 * Breslow 1984, Applied Statistics 33), with the doubt about the mean in it.
 *
 * Who keeps an agent's profile calls `countCall` at each call, then `callsTail` with what it returned: the open window
 * is not learned before it closes. Neither throws. Costs 40 ns a call, 1 us a tail, 0.4 us an empty window that passed.
 *
 * Abstains with fewer than ten windows learned, or three of the slot: an agent's first morning is not news.
 *
 * Misses: that neighbouring windows are alike (a burst of an hour is twelve small p, not one); days that are not UTC
 * days or weeks, monthly runs, holidays; a rise slower than its memory of two weeks (anchored CUSUM is for that); and
 * an agent that is silent for more than three days is taken to be off: its silence is not learned.
 *
 * Measured (`bench/profiles/call-rate.ts`; bursts of 1/r = 1 around 2 calls, daily cycle of 0.1 to 1.9 times that; false
 * alarms per 10^4 windows at a nominal 1, and how often twelve times the mean on top is found):
 *
 *     z-score  121, 100 %    Poisson  341, 100 %    Poisson by hour  187, 100 %    this  0.87, 57 %    truth  0.84, 58 %
 *
 * False alarms at p = 0.01 as multiples of nominal, after 10, 30, 100 and 1000 windows: 0.42, 0.57, 0.79, 0.90 for
 * bursts of 1/r = 1; 1.31, 1.24, 0.98, 0.98 for 1/r = 2; 0.00, 0.01, 0.19, 0.60 for regular agents (0.1), whom the prior
 * takes for bursty at first.
 */
import type { Block, Memory } from './memory.ts'
import { negativeBinomialLogMass, negativeBinomialTail } from './negative-binomial.ts'

export const WINDOW_MS = 300_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SLOTS = 48
/** Two weeks. */
const MEMORY_WINDOWS = 4032
/** Windows that a slot remembers: four weeks of weekdays. */
const SLOT_MEMORY = 255
const MOST_CALLS = 1e7
const MOST_WINDOW = 2 ** 32 - 1
/** Empty windows learned when calls come back: a weekend's. */
const MOST_SILENCE = (3 * DAY_MS) / WINDOW_MS

const ENOUGH_WINDOWS = 10
const ENOUGH_IN_SLOT = 3
/** Agents burst: until more is known the standard deviation is the mean. Weighs as much as so many windows. */
const PRIOR_DISPERSION = 1
const PRIOR_WINDOWS = 10
const MOST_DISPERSION = 1e4
/** How much a window tells of the tail: where counts are exponential, all but the doubt about their dispersion. */
const TAIL_WINDOWS = 0.6
/** Calls as if seen before (Jeffreys' prior of a rate): no mean is zero. */
const PRIOR_CALLS = 0.5
/** The squared coefficient of variation of slots' means. */
const SLOT_VARIATION = 0.5
/** How sure one way of predicting must be better, in nats, and how much one window may say. */
const DECIDED = 4
const MOST_GAIN = 2

// A mean of 0 to 10^7 calls as u16: logarithmic, a step is 0.035 %. Running means round to the nearest step, so a slot
// stops moving within a twentieth of the mean, which the dispersion then knows.
const CODE_SCALE = 1000
const CODE_STEPS = 65_535 / Math.log1p(MOST_CALLS * CODE_SCALE)

const WINDOWS = 0
const LEVEL = 1
const FLAT_EXCESS = 2
const FLAT_SQUARE = 3
const SLOT_EXCESS = 4
const SLOT_SQUARE = 5
const GAIN = 6
const OPEN_WINDOW = 7
const OPEN_CALLS = 8
const SLOT_WINDOWS = 36
const SLOT_MEANS = SLOT_WINDOWS + SLOTS

/**
 * u32 windows learned, f32 level (calls a window), f32 EW[(x - mean)^2 - mean] and EW[mean^2] of flat and of slots, f32
 * gain of slots over flat (nats), u32 open window (since 1970, plus one) and its calls; then 48 u8 windows of each
 * slot, 48 u16 means.
 */
export const rateBlock: Block = { name: 'rate', version: 1, bytes: SLOT_MEANS + 2 * SLOTS }

/**
 * Counts a call and returns how many its window has so far. Windows that have passed since the last call are learned,
 * if `learn`. A call of a window already closed counts for nothing: 0.
 */
export function countCall(memory: Memory, at: number, timeMs: number, learn: boolean): number {
  const { u32 } = memory
  const index = at >> 2
  const window = windowOf(timeMs)
  const open = (u32[index + OPEN_WINDOW] as number) - 1
  if (window < open || Number.isNaN(window)) {
    return 0
  }
  if (window > open) {
    if (learn && open >= 0) {
      learnWindow(memory, at, open, u32[index + OPEN_CALLS] as number)
      const end = window - open - 1 > MOST_SILENCE ? open : window
      for (let empty = open + 1; empty < end; empty += 1) {
        learnWindow(memory, at, empty, 0)
      }
    }
    u32[index + OPEN_WINDOW] = window + 1
    u32[index + OPEN_CALLS] = 0
  }
  const calls = Math.min((u32[index + OPEN_CALLS] as number) + 1, MOST_CALLS)
  u32[index + OPEN_CALLS] = calls
  return calls
}

/**
 * P(at least `calls` in the window of `timeMs`), by what was learned before; undefined while too little was. Counts
 * only rise within a window and so p only falls: the last p is the window's, the earlier ones are no further tests.
 */
export function callsTail(memory: Memory, at: number, timeMs: number, calls: number): number | undefined {
  const { f32, u32, u8 } = memory
  const index = at >> 2
  const slot = slotOf(timeMs)
  const windows = u32[index + WINDOWS] as number
  if (
    windows < ENOUGH_WINDOWS ||
    !((u8[at + SLOT_WINDOWS + slot] as number) >= ENOUGH_IN_SLOT) ||
    Number.isNaN(calls)
  ) {
    return undefined
  }
  const count = Math.min(Math.ceil(calls), MOST_CALLS)
  const gain = f32[index + GAIN] as number
  const flat = gain > DECIDED ? 0 : flatTail(memory, index, count)
  const tail = gain < -DECIDED ? flat : Math.max(flat, slotTail(memory, at, slot, count))
  return withFewWindows(tail, windows * TAIL_WINDOWS)
}

/** The mean number of calls expected in the window of a time: for explanations. */
export function expectedCalls(memory: Memory, at: number, timeMs: number): number {
  const slotted = (memory.f32[(at >> 2) + GAIN] as number) > DECIDED
  return slotted ? slotMean(memory, at, slotOf(timeMs)) : flatMean(memory, at >> 2)
}

function flatTail(memory: Memory, index: number, count: number): number {
  const mean = flatMean(memory, index)
  const dispersion = flatDispersion(memory, index)
  const seen = Math.min(memory.u32[index + WINDOWS] as number, MEMORY_WINDOWS)
  return negativeBinomialTail(count, mean, withDoubt(dispersion, mean, seen))
}

function slotTail(memory: Memory, at: number, slot: number, count: number): number {
  const mean = slotMean(memory, at, slot)
  const dispersion = slotDispersion(memory, at >> 2)
  const seen = (memory.u8[at + SLOT_WINDOWS + slot] as number) + credibilityWindows(memory, at >> 2)
  return negativeBinomialTail(count, mean, withDoubt(dispersion, mean, seen))
}

/**
 * What a far tail is worth that so few windows tell of. Of an exponential count whose mean is estimated from n, the
 * predictive tail is Pareto's, (1 - ln p / n)^-n (Lomax 1954); more moments than the second are in doubt.
 */
function withFewWindows(tail: number, windows: number): number {
  return (1 - Math.log(Math.max(tail, Number.MIN_VALUE)) / windows) ** -windows
}

/**
 * The dispersion of a count whose mean is itself only known from `windows` windows: the mean varies by
 * (1/mean + dispersion) / windows of its square, and variances of a product of gammas multiply.
 */
function withDoubt(dispersion: number, mean: number, windows: number): number {
  const doubt = (1 / mean + dispersion) / windows
  return dispersion + doubt + dispersion * doubt
}

function flatMean(memory: Memory, index: number): number {
  const windows = Math.min(memory.u32[index + WINDOWS] as number, MEMORY_WINDOWS)
  return (memory.f32[index + LEVEL] as number) + PRIOR_CALLS / Math.max(1, windows)
}

function slotMean(memory: Memory, at: number, slot: number): number {
  const seen = memory.u8[at + SLOT_WINDOWS + slot] as number
  const mean = decoded(memory.u16[((at + SLOT_MEANS) >> 1) + slot] as number)
  const credible = credibilityWindows(memory, at >> 2)
  return (seen * mean + credible * flatMean(memory, at >> 2)) / (seen + credible)
}

/** The strength of the prior of slots, in windows. */
function credibilityWindows(memory: Memory, index: number): number {
  return (1 / flatMean(memory, index) + slotDispersion(memory, index)) / SLOT_VARIATION
}

function flatDispersion(memory: Memory, index: number): number {
  return dispersionOf(memory, index, FLAT_EXCESS, FLAT_SQUARE)
}

function slotDispersion(memory: Memory, index: number): number {
  return dispersionOf(memory, index, SLOT_EXCESS, SLOT_SQUARE)
}

function dispersionOf(memory: Memory, index: number, excess: number, square: number): number {
  const windows = Math.min(memory.u32[index + WINDOWS] as number, MEMORY_WINDOWS)
  const prior = (PRIOR_WINDOWS / (windows + 1)) * flatMean(memory, index) ** 2
  const spread = (memory.f32[index + excess] as number) + prior * PRIOR_DISPERSION
  return Math.min(Math.max(0, spread / ((memory.f32[index + square] as number) + prior)), MOST_DISPERSION)
}

function learnWindow(memory: Memory, at: number, window: number, calls: number): void {
  const { f32, u32, u16, u8 } = memory
  const index = at >> 2
  const slot = slotOf(window * WINDOW_MS)
  const windows = Math.min((u32[index + WINDOWS] as number) + 1, MEMORY_WINDOWS)
  if (windows > 1) {
    learnSpread(memory, at, slot, calls, windows)
  }
  f32[index + LEVEL] = (f32[index + LEVEL] as number) + (calls - (f32[index + LEVEL] as number)) / windows
  u32[index + WINDOWS] = windows

  const seen = Math.min((u8[at + SLOT_WINDOWS + slot] as number) + 1, SLOT_MEMORY)
  const code = ((at + SLOT_MEANS) >> 1) + slot
  const mean = decoded(u16[code] as number)
  u16[code] = encoded(mean + (calls - mean) / seen)
  u8[at + SLOT_WINDOWS + slot] = seen
}

/** How far the count lies from what either mean predicted, and which predicted it better. */
function learnSpread(memory: Memory, at: number, slot: number, calls: number, windows: number): void {
  const { f32 } = memory
  const index = at >> 2
  const flat = flatMean(memory, index)
  const slotted = slotMean(memory, at, slot)
  const gained =
    negativeBinomialLogMass(calls, slotted, slotDispersion(memory, index)) -
    negativeBinomialLogMass(calls, flat, flatDispersion(memory, index))
  const kept = (f32[index + GAIN] as number) * 2 ** (-1 / MEMORY_WINDOWS)
  f32[index + GAIN] = kept + Math.min(Math.max(gained, -MOST_GAIN), MOST_GAIN)
  average(f32, index + FLAT_EXCESS, (calls - flat) ** 2 - flat, windows)
  average(f32, index + FLAT_SQUARE, flat ** 2, windows)
  average(f32, index + SLOT_EXCESS, (calls - slotted) ** 2 - slotted, windows)
  average(f32, index + SLOT_SQUARE, slotted ** 2, windows)
}

function average(f32: Float32Array, index: number, value: number, windows: number): void {
  f32[index] = (f32[index] as number) + (value - (f32[index] as number)) / windows
}

function windowOf(timeMs: number): number {
  return Math.min(Math.max(Math.floor(timeMs / WINDOW_MS), 0), MOST_WINDOW - 1)
}

/** Hours of weekdays, then hours of weekends. 1970 began on a Thursday. */
function slotOf(timeMs: number): number {
  const sinceMs = Math.max(0, timeMs)
  const weekday = (Math.floor(sinceMs / DAY_MS) + 4) % 7
  const hour = Math.floor((sinceMs % DAY_MS) / HOUR_MS)
  return weekday === 0 || weekday === 6 ? hour + 24 : hour
}

function encoded(mean: number): number {
  return Math.round(Math.log1p(Math.max(mean, 0) * CODE_SCALE) * CODE_STEPS)
}

function decoded(code: number): number {
  return Math.expm1(code / CODE_STEPS) / CODE_SCALE
}
