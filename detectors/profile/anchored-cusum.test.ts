import fc from 'fast-check'
import { sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { normal } from '../../bench/profiles/heavy-tails.ts'
import { daysToDetection, falseAlarmsPerYear, gainUnderThreshold } from '../../bench/profiles/slow-ramp.ts'
import { seeded } from '../../bench/seeded.ts'
import {
  ANCHORED_ALARM,
  addToAnchoredCusum,
  anchorDays,
  anchorDeviation,
  anchoredCusum,
  anchoredFall,
  anchoredRise,
  anchoredTail,
  anchorMean,
  anchorSinceMs,
  reanchor,
} from './anchored-cusum.ts'
import { type Memory, memoryOf } from './memory.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
const weeks = Array.from({ length: 28 }, (_, day) => 10 + Math.sin(day))

describe('the anchor', () => {
  it('is the mean and the deviation of the first 28 days, and frozen after', () => {
    const memory = stateOf(weeks)
    expect(anchorMean(memory, 0)).toBeCloseTo(weeks.reduce((sum, value) => sum + value, 0) / 28, 4)
    expect(anchorDeviation(memory, 0)).toBeCloseTo(sampleStandardDeviation(weeks), 4)
    expect(anchorSinceMs(memory, 0)).toBe(START_MS)
    const later = stateOf([...weeks, 15, 15, 15, 15])
    expect([anchorMean(later, 0), anchorDeviation(later, 0), anchorDays(later, 0)]).toEqual([
      anchorMean(memory, 0),
      anchorDeviation(memory, 0),
      28,
    ])
  })

  it('is not widened by outliers, as a free variance would be', () => {
    const outliers = weeks.map((value, day) => (day > 7 && day % 5 === 0 ? value + 50 : value))
    expect(sampleStandardDeviation(outliers)).toBeGreaterThan(15)
    expect(anchorDeviation(stateOf(outliers), 0)).toBeLessThan(3)
    expect(anchorMean(stateOf(outliers), 0)).toBeLessThan(11.5)
  })

  it('is taken anew on demand only', () => {
    const memory = stateOf([...weeks, ...weeks.map(() => 20)])
    expect(anchoredRise(memory, 0)).toBe(2 * ANCHORED_ALARM)
    reanchor(memory, 0)
    expect([anchoredRise(memory, 0), anchorDays(memory, 0), anchorSinceMs(memory, 0)]).toEqual([0, 0, 0])
    addToAnchoredCusum(memory, 0, 20, START_MS + 55 * DAY_MS)
    expect(anchorDays(memory, 0)).toBe(0)
    addToAnchoredCusum(memory, 0, 20, START_MS + 56 * DAY_MS)
    expect([anchorDays(memory, 0), anchorMean(memory, 0)]).toEqual([1, 20])
  })
})

describe('the sums', () => {
  it('judge nothing before there are 14 days', () => {
    const young = stateOf([...weeks.slice(0, 7), ...weeks.slice(0, 7).map(() => 20)])
    expect([anchoredRise(young, 0), anchoredFall(young, 0)]).toEqual([0, 0])
    expect(anchoredRise(stateOf([...weeks.slice(0, 14), 20]), 0)).toBeGreaterThan(1)
  })

  it('rise and fall by what exceeds the allowance, and forget at zero', () => {
    const allowance = 0.5 + 1.6 / Math.sqrt(28)
    const memory = stateOf(weeks)
    const [mean, deviation, before] = [anchorMean(memory, 0), anchorDeviation(memory, 0), anchoredRise(memory, 0)]
    const higher = stateOf([...weeks, mean + 2 * deviation])
    expect(anchoredRise(higher, 0)).toBeCloseTo(before + 2 - allowance, 4)
    expect(anchoredFall(higher, 0)).toBe(0)
    const lower = stateOf([...weeks, ...weeks.map(() => mean), ...[1, 2, 3].map(() => mean - 2 * deviation)])
    expect(anchoredFall(lower, 0)).toBeCloseTo(3 * (2 - allowance), 3)
    expect(anchoredRise(lower, 0)).toBe(0)
  })

  it('do not alarm for a single day, whatever it is', () => {
    expect(anchoredRise(stateOf([...weeks, 1e9]), 0)).toBeLessThan(ANCHORED_ALARM / 2)
  })

  it('come back when the agent does', () => {
    const memory = stateOf([...weeks, ...weeks.map(() => 20), ...weeks])
    expect(anchoredRise(memory, 0)).toBeLessThan(ANCHORED_ALARM)
  })

  it('are rarely as large as their tail probability bounds', () => {
    const random = seeded(6)
    const days = 100_000
    const memory = stateOf(Array.from({ length: 28 }, (_, day) => (day % 2 === 0 ? 1 : -1)))
    const center = anchorMean(memory, 0)
    let exceeded = 0
    for (let day = 0; day < days; day += 1) {
      addToAnchoredCusum(
        memory,
        0,
        center + anchorDeviation(memory, 0) * normal(random),
        START_MS + (day + 28) * DAY_MS,
      )
      exceeded += anchoredRise(memory, 0) >= 3 ? 1 : 0
    }
    expect(exceeded).toBeGreaterThan(0)
    expect(exceeded / days).toBeLessThan(anchoredTail(3))
  })
})

describe('slow ramps', () => {
  for (const noise of ['normal', 'thick tails'] as const) {
    it(`of 1 % a day are found within 60 days, at 0.05 false alarms per agent-year, in ${noise} values`, () => {
      expect(daysToDetection(noise, 0.01, 200)[100]).toBeLessThanOrEqual(60)
      expect(falseAlarmsPerYear(noise, 600).rise).toBeLessThanOrEqual(0.05)
    })
  }

  it('just under the alarm gain less than a factor of 2 in 60 days', () => {
    for (const anchoredDays of [14, 28]) {
      const { volume, detection } = gainUnderThreshold(anchoredDays, 100)
      expect(volume).toBeLessThan(2)
      expect(detection).toBeLessThan(2)
    }
  })
})

describe('hostile input', () => {
  it('gives and takes nothing: no numbers, days again, days of the past, no time', () => {
    const memory = stateOf(weeks)
    const before = memory.u8.slice()
    addToAnchoredCusum(memory, 0, Number.NaN, START_MS + 40 * DAY_MS)
    addToAnchoredCusum(memory, 0, Number.POSITIVE_INFINITY, START_MS + 40 * DAY_MS)
    for (const timeMs of [START_MS + 27.9 * DAY_MS, START_MS, 0, -1, Number.NaN]) {
      addToAnchoredCusum(memory, 0, 50, timeMs)
    }
    expect(memory.u8).toEqual(before)
  })

  it('leaves numbers, whatever comes', () => {
    const value = fc.oneof(fc.double(), fc.double({ min: 0, max: 30, noNaN: true }))
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => {
        const memory = stateOf(values)
        for (const sum of [anchoredRise(memory, 0), anchoredFall(memory, 0)]) {
          expect(sum).toBeGreaterThanOrEqual(0)
          expect(sum).toBeLessThanOrEqual(2 * ANCHORED_ALARM)
        }
        expect(Number.isFinite(anchorMean(memory, 0))).toBe(true)
        expect(anchorDeviation(memory, 0)).toBeGreaterThan(0)
      }),
    )
  })

  it('keeps to its block', () => {
    const memory = memoryOf(new ArrayBuffer(3 * anchoredCusum.bytes))
    memory.u8.fill(7)
    memory.u8.fill(0, 28, 56)
    for (const [day, value] of [...weeks, 50, 50].entries()) {
      addToAnchoredCusum(memory, anchoredCusum.bytes, value, START_MS + day * DAY_MS)
    }
    reanchor(memory, anchoredCusum.bytes)
    const outside = [...memory.u8.subarray(0, 28), ...memory.u8.subarray(56)]
    expect(outside.every((byte) => byte === 7)).toBe(true)
  })
})

/** A new state after a value on each day. */
function stateOf(values: readonly number[]): Memory {
  const memory = memoryOf(new ArrayBuffer(anchoredCusum.bytes))
  for (const [day, value] of values.entries()) {
    addToAnchoredCusum(memory, 0, value, START_MS + day * DAY_MS)
  }
  return memory
}
