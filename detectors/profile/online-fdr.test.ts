import { describe, expect, it } from 'vitest'
import { normal } from '../../bench/profiles/synthetic-calls.ts'
import { seeded } from '../../bench/seeded.ts'
import { type Memory, memoryOf } from './memory.ts'
import { gamma, isDiscovery, nextLevel, onlineFdrBlock } from './online-fdr.ts'

const OFFSET = 12

describe('gamma', () => {
  it('falls, and spends no more than there is', () => {
    let sum = 0
    for (let j = 1; j <= 1_000_000; j += 1) {
      sum += gamma(j)
    }
    expect(sum).toBeGreaterThan(0.4)
    expect(sum).toBeLessThan(1)
    // What is left of the integral of log x / (x exp(sqrt(log x))): with v = sqrt(log x), twice that of v^3 exp(-v).
    const v = Math.sqrt(Math.log(1_000_000))
    const whole = sum + 0.07720838 * 2 * Math.exp(-v) * (v ** 3 + 3 * v ** 2 + 6 * v + 6)
    expect(whole).toBeGreaterThan(0.95)
    expect(whole).toBeLessThanOrEqual(1)
    expect([1, 2, 3, 10, 1e6].map((j) => gamma(j) > gamma(j + 1))).toEqual([true, true, true, true, true])
  })
})

describe('isDiscovery', () => {
  it('begins with half of what may be spent, and less with each test', () => {
    const memory = fresh()
    expect(nextLevel(memory, OFFSET)).toBeCloseTo(0.05 * gamma(1), 12)
    isDiscovery(memory, OFFSET, 0.9)
    expect(nextLevel(memory, OFFSET)).toBeCloseTo(0.05 * gamma(2), 12)
  })

  it('earns with every alert: half for the first, the whole for others', () => {
    const memory = fresh()
    expect([0.9, 1e-9, 0.9, 1e-9, 0.9].map((p) => isDiscovery(memory, OFFSET, p))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ])
    expect(nextLevel(memory, OFFSET)).toBeCloseTo(0.05 * gamma(6) + 0.05 * gamma(4) + 0.1 * gamma(2), 9)
  })

  it('raises hardly anything in streams of 200,000 tests without signals', () => {
    const alerts = Array.from({ length: 20 }, (_, seed) => judged(0, seed + 1).alerts)
    // Half of what may be spent before the first alert is: 0.05 * 0.47 * 20 streams = 0.5 alerts.
    expect(alerts.reduce((sum, some) => sum + some, 0)).toBeLessThanOrEqual(2)
  })

  it('finds half of the signals where one test in a thousand is one, and few others', () => {
    const { alerts, found, signals } = judged(1e-3, 1)
    expect(found / signals).toBeGreaterThan(0.45)
    expect((alerts - found) / alerts).toBeLessThan(0.12)
  })

  it('finds most where one in a hundred is', () => {
    const { alerts, found, signals } = judged(1e-2, 1)
    expect(found / signals).toBeGreaterThan(0.7)
    expect((alerts - found) / alerts).toBeLessThan(0.085)
  })

  it('is never more generous than with all alerts kept, and hardly less', () => {
    const memory = fresh()
    const dates: number[] = []
    const next = seeded(4)
    for (let test = 1; test <= 20_000; test += 1) {
      if (isDiscovery(memory, OFFSET, next() < 0.02 ? 1e-12 : 1)) {
        dates.push(test)
      }
      if (test % 500 === 0) {
        const earned = dates.reduce((sum, date, index) => sum + (index === 0 ? 0.05 : 0.1) * gamma(test + 1 - date), 0)
        const exact = 0.05 * gamma(test + 1) + earned
        expect(nextLevel(memory, OFFSET)).toBeLessThanOrEqual(exact * (1 + 1e-6))
        expect(nextLevel(memory, OFFSET)).toBeGreaterThan(0.9 * exact)
      }
    }
    expect(dates.length).toBeGreaterThan(300)
  })

  it('counts as far as it can, and takes what is no number for no alert', () => {
    const memory = fresh()
    expect(isDiscovery(memory, OFFSET, Number.NaN)).toBe(false)
    memory.u32[OFFSET / 4] = 2 ** 32 - 1
    expect(isDiscovery(memory, OFFSET, 0)).toBe(true)
    expect(isDiscovery(memory, OFFSET, 0.5)).toBe(false)
    expect(memory.u32[OFFSET / 4]).toBe(2 ** 32 - 1)
    expect(nextLevel(memory, OFFSET)).toBeGreaterThan(0)
    expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
  })
})

/** 200,000 tests, of which a share are signals, whose p is 10^-e with e normal of mean 5 and deviation 2. */
function judged(share: number, seed: number): { alerts: number; found: number; signals: number } {
  const memory = fresh()
  const next = seeded(seed)
  const tally = { alerts: 0, found: 0, signals: 0 }
  for (let test = 0; test < 200_000; test += 1) {
    const isSignal = next() < share
    const isAlert = isDiscovery(memory, OFFSET, isSignal ? 10 ** -(5 + 2 * normal(next)) : next())
    tally.signals += isSignal ? 1 : 0
    tally.alerts += isAlert ? 1 : 0
    tally.found += isSignal && isAlert ? 1 : 0
  }
  return tally
}

function fresh(): Memory {
  return memoryOf(new ArrayBuffer(OFFSET + onlineFdrBlock.bytes + 4))
}
