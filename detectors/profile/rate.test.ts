import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { falseAlarms } from '../../bench/profiles/rate-calibration.ts'
import { type Calling, callsIn } from '../../bench/profiles/synthetic-calls.ts'
import { seeded } from '../../bench/seeded.ts'
import { type Memory, memoryOf } from './memory.ts'
import { callsTail, countCall, expectedCalls, rateBlock, WINDOW_MS } from './rate.ts'

const OFFSET = 4
/** A Monday, 00:00 UTC. */
const MONDAY_MS = 1_700_438_400_000
const HOUR_MS = 3_600_000
const DAY_WINDOWS = 288

describe('countCall', () => {
  it('counts the calls of a window', () => {
    const memory = fresh()
    expect([0, 1, WINDOW_MS - 1, WINDOW_MS].map((ms) => countCall(memory, OFFSET, MONDAY_MS + ms, true))).toEqual([
      1, 2, 3, 1,
    ])
  })

  it('gives and takes nothing when time runs backwards', () => {
    const memory = fresh()
    countCall(memory, OFFSET, MONDAY_MS, true)
    const before = memory.u8.slice()
    expect(countCall(memory, OFFSET, MONDAY_MS - 1, true)).toBe(0)
    expect(countCall(memory, OFFSET, Number.NaN, true)).toBe(0)
    expect(memory.u8).toEqual(before)
  })

  it('learns windows without calls, but not an absence of more than three days', () => {
    const memory = learned(() => 4, DAY_WINDOWS)
    const saturday = () => expectedCalls(memory, OFFSET, MONDAY_MS + 5.5 * DAY_WINDOWS * WINDOW_MS)
    const usual = saturday()
    countCall(memory, OFFSET, MONDAY_MS + 5 * DAY_WINDOWS * WINDOW_MS, true)
    expect(saturday()).toBeCloseTo(usual, 1)
    countCall(memory, OFFSET, MONDAY_MS + 6 * DAY_WINDOWS * WINDOW_MS, true)
    expect(saturday()).toBeLessThan(0.7 * usual)
  })

  it('learns nothing when told so', () => {
    const memory = learned(() => 4, 100)
    const tail = callsTail(memory, OFFSET, MONDAY_MS, 9)
    for (let call = 0; call < 1000; call += 1) {
      countCall(memory, OFFSET, MONDAY_MS + (101 + Math.floor(call / 100)) * WINDOW_MS, false)
    }
    expect(callsTail(memory, OFFSET, MONDAY_MS, 9)).toBe(tail)
  })
})

describe('callsTail', () => {
  it('abstains while it knows too little: of the agent, or of the hour', () => {
    expect(callsTail(fresh(), OFFSET, MONDAY_MS, 1000)).toBeUndefined()
    expect(
      callsTail(
        learned(() => 4, 9),
        OFFSET,
        MONDAY_MS,
        1000,
      ),
    ).toBeUndefined()
    const memory = learned(() => 4, 100)
    expect(callsTail(memory, OFFSET, MONDAY_MS + HOUR_MS, 1000)).toBeLessThan(1e-6)
    expect(callsTail(memory, OFFSET, MONDAY_MS + 12 * HOUR_MS, 1000)).toBeUndefined()
    expect(callsTail(memory, OFFSET, MONDAY_MS + 5 * 24 * HOUR_MS, 1000)).toBeUndefined()
    expect(callsTail(memory, OFFSET, Number.NaN, 1000)).toBeUndefined()
    expect(callsTail(memory, OFFSET, MONDAY_MS, Number.NaN)).toBeUndefined()
  })

  it('falls with calls, from certainty', () => {
    const memory = learned((window) => window % 7, 300)
    const tails = Array.from({ length: 100 }, (_, calls) => callsTail(memory, OFFSET, MONDAY_MS, calls) as number)
    expect(tails[0]).toBe(1)
    expect(tails.every((p, calls) => calls === 0 || p < (tails[calls - 1] as number))).toBe(true)
  })

  it('takes bursts for usual in agents that burst', () => {
    const steady = learned(() => 5, 2000)
    const bursty = learned((window) => (window % 10 === 0 ? 50 : 0), 2000)
    expect(callsTail(steady, OFFSET, MONDAY_MS, 50)).toBeLessThan(1e-9)
    expect(callsTail(bursty, OFFSET, MONDAY_MS, 50)).toBeGreaterThan(0.01)
  })

  it('knows hours, and weekends, of agents that have them', () => {
    const working = (window: number) => {
      const [day, hour] = [Math.floor(window / DAY_WINDOWS) % 7, Math.floor((window % DAY_WINDOWS) / 12)]
      return day < 5 && hour >= 9 && hour < 17 ? 20 : 0
    }
    const memory = learned(working, 14 * DAY_WINDOWS)
    const at = (day: number, hour: number) => callsTail(memory, OFFSET, MONDAY_MS + (24 * day + hour) * HOUR_MS, 20)
    expect(at(2, 10)).toBeGreaterThan(0.05)
    expect(at(2, 3)).toBeLessThan(1e-6)
    expect(at(5, 10)).toBeLessThan(1e-6)
    expect(expectedCalls(memory, OFFSET, MONDAY_MS + 10 * HOUR_MS)).toBeGreaterThan(18)
    expect(expectedCalls(memory, OFFSET, MONDAY_MS + 3 * HOUR_MS)).toBeLessThan(0.5)
  })

  it('trusts no hours in agents that have none', () => {
    const next = seeded(3)
    const memory = learned(() => callsIn(next, 0, { mean: 5, dispersion: 2, swing: 0 }), 14 * DAY_WINDOWS)
    const means = Array.from({ length: 24 }, (_, hour) => expectedCalls(memory, OFFSET, MONDAY_MS + hour * HOUR_MS))
    expect(new Set(means).size).toBe(1)
  })

  const kinds: Record<string, Calling> = {
    bursts: { mean: 5, dispersion: 1, swing: 0 },
    'great bursts': { mean: 10, dispersion: 2, swing: 0 },
    'a daily cycle with bursts': { mean: 5, dispersion: 1, swing: 0.9 },
  }
  for (const [kind, calling] of Object.entries(kinds)) {
    for (const windows of [10, 30, 100, 1000]) {
      it(`alarms as often as it says after ${windows} windows of ${kind}`, () => {
        const agents = { 10: 3000, 30: 1500, 100: 700 }[windows] ?? 150
        const [excess] = falseAlarms(calling, windows, [0.01], agents, windows === 1000 ? 50 : 12)
        expect(excess).toBeGreaterThan(0.3)
        expect(excess).toBeLessThan(3)
      })
    }
  }

  it('alarms less, never more, in agents more regular than was supposed', () => {
    const [excess] = falseAlarms({ mean: 5, dispersion: 0.1, swing: 0 }, 10, [0.01], 700, 12)
    expect(excess).toBeLessThan(0.3)
  })

  it('is a probability whatever it learned', () => {
    const calls = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 }), fc.constant(2000))
    fc.assert(
      fc.property(
        fc.array(calls, { minLength: 12, maxLength: 40 }),
        fc.integer({ min: 0, max: 1e9 }),
        (counts, seen) => {
          const memory = learned((window) => counts[window] ?? 0, counts.length)
          const tail = callsTail(memory, OFFSET, MONDAY_MS, seen) as number
          expect(tail).toBeGreaterThanOrEqual(0)
          expect(tail).toBeLessThanOrEqual(1)
          expect([...memory.f32.slice(1)].every(Number.isFinite)).toBe(true)
          expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
        },
      ),
      { numRuns: 50 },
    )
  })

  it('stays a probability after counts as large as there can be', () => {
    const memory = learned(() => 3, 50)
    for (let window = 60; window < 70; window += 1) {
      countCall(memory, OFFSET, MONDAY_MS + window * WINDOW_MS, true)
      memory.u32[OFFSET / 4 + 8] = 1e7
      expect(countCall(memory, OFFSET, MONDAY_MS + window * WINDOW_MS, true)).toBe(1e7)
    }
    const tail = callsTail(memory, OFFSET, MONDAY_MS, 5) as number
    expect(tail).toBeGreaterThan(0)
    expect(tail).toBeLessThanOrEqual(1)
    expect([...memory.f32.slice(1, 8)].every(Number.isFinite)).toBe(true)
  })
})

/** An agent that has made so many calls in each of so many windows from Monday on, and one after. */
function learned(callsOf: (window: number) => number, windows: number, startMs = MONDAY_MS): Memory {
  const memory = fresh()
  // The first window is opened whatever it holds: silence before the first call is nobody's.
  memory.u32[OFFSET / 4 + 7] = startMs / WINDOW_MS + 1
  for (let window = 0; window < windows; window += 1) {
    const calls = callsOf(window)
    for (let call = 0; call < calls; call += 1) {
      countCall(memory, OFFSET, startMs + window * WINDOW_MS, true)
    }
  }
  countCall(memory, OFFSET, startMs + windows * WINDOW_MS, true)
  return memory
}

function fresh(): Memory {
  return memoryOf(new ArrayBuffer(OFFSET + rateBlock.bytes + 4))
}
