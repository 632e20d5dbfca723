import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { falseAlarms, histogram, learned, peersOf } from '../../bench/profiles/bytes-per-call.ts'
import { HEAVY_TAILS, sizesOf } from '../../bench/profiles/heavy-tails.ts'
import { seeded } from '../../bench/seeded.ts'
import { logHistogramQuantile, mergeLogHistogram } from './log-histogram.ts'
import { logHistogramTail, peerShift } from './log-histogram-tail.ts'

const none = histogram()
const usual = learned(sizesOf('log-normal', seeded(4)), 2000)
const peers = peersOf('log-normal', 'median', seeded(5))

describe('logHistogramTail', () => {
  for (const kind of HEAVY_TAILS) {
    it(`raises about as many false alarms as it promises for ${kind} sizes`, () => {
      for (const calls of [10, 30, 100, 1000]) {
        const [hundredth, thousandth] = falseAlarms(kind, calls, [1e-2, 1e-3], 'upper', 120, 250)
        for (const ratio of [hundredth, thousandth]) {
          expect(ratio).toBeGreaterThan(0.3)
          expect(ratio).toBeLessThan(3)
        }
      }
    })
  }

  it('does so for sizes too small', () => {
    for (const calls of [10, 100, 1000]) {
      const [hundredth, thousandth] = falseAlarms('log-normal', calls, [1e-2, 1e-3], 'lower', 120, 250)
      expect(Math.min(hundredth ?? 0, thousandth ?? 0)).toBeGreaterThan(0.3)
      expect(Math.max(hundredth ?? 9, thousandth ?? 9)).toBeLessThan(3)
    }
  })

  it('knows after ten calls what is enormous for this agent and not for another', () => {
    const [small, large] = [learned(() => 500, 10), learned(() => 500_000, 10)]
    expect(logHistogramTail(small, 0, peers, 0, 500_000, 'upper')).toBeLessThan(1e-3)
    expect(logHistogramTail(large, 0, peers, 0, 500_000, 'upper')).toBeGreaterThan(0.1)
    expect(logHistogramTail(large, 0, peers, 0, 500, 'lower')).toBeLessThan(1e-3)
  })

  it('follows the own history where there is much of it', () => {
    let call = 0
    const nightly = learned(() => {
      call += 1
      return call % 20 === 0 ? 1e8 : 1000
    }, 2000)
    expect(logHistogramTail(nightly, 0, peers, 0, 1e8, 'upper')).toBeCloseTo(0.05, 2)
    expect(logHistogramTail(usual, 0, peers, 0, 1e8, 'upper')).toBeLessThan(1e-4)
  })

  it('never finds rare what is always the same', () => {
    for (const value of [1000, 1023, 1024, 1400]) {
      const constant = learned(() => value, 1000)
      for (const side of ['upper', 'lower'] as const) {
        expect(logHistogramTail(constant, 0, none, 0, value, side)).toBe(1)
        expect(logHistogramTail(constant, 0, peers, 0, value, side)).toBeGreaterThan(0.9)
      }
    }
  })

  it('sees deeper than one in n by the form of the tail', () => {
    const median = logHistogramQuantile(usual, 0, 0.5) ?? 0
    const beyond = [50, 100, 200].map((times) => logHistogramTail(usual, 0, none, 0, times * median, 'upper'))
    expect(beyond[0]).toBeLessThan(1 / 2001)
    expect(beyond[1]).toBeLessThan(1e-4)
    expect(beyond[2]).toBeLessThan(beyond[1] ?? 0)
    const few = learned(sizesOf('log-normal', seeded(4)), 200)
    expect(logHistogramTail(few, 0, none, 0, 1e9, 'upper')).toBe(1 / 201)
  })

  it('is a tail: never larger for what is more extreme, above 0 and at most 1', () => {
    const value = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e10, noNaN: true }))
    const seed = fc.integer({ min: 0, max: 50 })
    fc.assert(
      fc.property(
        seed,
        fc.integer({ min: 1, max: 800 }),
        fc.boolean(),
        value,
        value,
        (from, calls, alone, one, other) => {
          const own = learned(sizesOf('two modes', seeded(from)), calls)
          const p = (size: number, side: 'upper' | 'lower') =>
            logHistogramTail(own, 0, alone ? none : peers, 0, size, side)
          for (const side of ['upper', 'lower'] as const) {
            expect(p(one, side)).toBeGreaterThan(0)
            expect(p(one, side)).toBeLessThanOrEqual(1)
          }
          if (one <= other) {
            expect(p(other, 'upper')).toBeLessThanOrEqual(p(one, 'upper') + 1e-12)
            expect(p(one, 'lower')).toBeLessThanOrEqual(p(other, 'lower') + 1e-12)
          }
        },
      ),
    )
  })

  it('says nothing of agents without values, and of what is not a number', () => {
    expect(logHistogramTail(histogram(), 0, peers, 0, 1e9, 'upper')).toBe(1)
    expect(logHistogramTail(usual, 0, peers, 0, Number.NaN, 'upper')).toBe(1)
    expect(logHistogramTail(usual, 0, peers, 0, Number.NaN, 'lower')).toBe(1)
  })
})

describe('peerShift', () => {
  it('makes medians meet', () => {
    const met = histogram()
    for (const size of [10, 1e4, 1e7]) {
      const one = learned(() => size, 100)
      mergeLogHistogram(met, 0, one, 0, peerShift(one, 0), 100)
    }
    expect(met.u16.subarray(0, 64).filter((count) => count > 0)).toHaveLength(1)
  })
})
