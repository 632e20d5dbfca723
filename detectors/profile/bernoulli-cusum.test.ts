import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { cusumStep, cusumTail, ratesFrom } from './bernoulli-cusum.ts'

const rate = fc.double({ min: 0, max: 1, noNaN: true })

describe('ratesFrom', () => {
  it('notices three times the usual rate, at least one in five', () => {
    expect(ratesFrom(0.01)).toEqual({ usual: 0.01, risen: 0.2 })
    expect(ratesFrom(0.2).risen).toBeCloseTo(0.6)
    expect(ratesFrom(0.5).risen).toBe(0.9)
    expect(ratesFrom(0).usual).toBeGreaterThan(0)
  })

  it('keeps the order that the steps need, for any rate', () => {
    fc.assert(
      fc.property(rate, (mean) => {
        const { usual, risen } = ratesFrom(mean)
        expect(usual).toBeGreaterThan(0)
        expect(risen).toBeGreaterThan(usual)
        expect(risen).toBeLessThan(1)
      }),
    )
  })
})

describe('cusumStep', () => {
  it('rises with failures, falls with successes, and forgets at zero', () => {
    const rates = ratesFrom(0.05)
    expect(cusumStep(0, true, rates)).toBeCloseTo(Math.log(0.2 / 0.05))
    expect(cusumStep(1, false, rates)).toBeCloseTo(1 + Math.log(0.8 / 0.95))
    expect(cusumStep(0, false, rates)).toBe(0)
  })

  it('is the largest log likelihood ratio of any stretch that ends now', () => {
    fc.assert(
      fc.property(rate, fc.array(fc.boolean(), { maxLength: 40 }), (mean, trials) => {
        const rates = ratesFrom(mean)
        const sum = trials.reduce((total, failed) => cusumStep(total, failed, rates), 0)
        const ratios = trials.map((_, start) => ratioOf(trials.slice(start), rates))
        expect(sum).toBeCloseTo(Math.max(0, ...ratios), 8)
      }),
    )
  })
})

describe('cusumTail', () => {
  it('bounds how often the sum is that large while nothing has changed', () => {
    const next = seeded(5)
    const rates = ratesFrom(0.1)
    const exceeded = new Map([3, 5, 7].map((sum) => [sum, 0]))
    const trials = 200_000
    let sum = 0
    for (let trial = 0; trial < trials; trial += 1) {
      sum = cusumStep(sum, next() < 0.1, rates)
      for (const [level, times] of exceeded) {
        exceeded.set(level, times + (sum >= level ? 1 : 0))
      }
    }
    for (const [level, times] of exceeded) {
      expect(times / trials).toBeLessThan(cusumTail(level, 1))
      expect(times).toBeGreaterThan(0)
    }
    expect(cusumTail(6, 2)).toBeCloseTo(Math.exp(-3))
  })
})

function ratioOf(trials: readonly boolean[], { usual, risen }: { usual: number; risen: number }): number {
  return trials.reduce((sum, failed) => sum + Math.log(failed ? risen / usual : (1 - risen) / (1 - usual)), 0)
}
