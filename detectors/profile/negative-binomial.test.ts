import fc from 'fast-check'
import { poissonDistribution } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { negativeBinomialLogMass, negativeBinomialTail } from './negative-binomial.ts'

const mean = fc.double({ min: 0.01, max: 50, noNaN: true })
const dispersion = fc.double({ min: 0.01, max: 5, noNaN: true })

describe('negativeBinomialTail', () => {
  it('is geometric when the dispersion is one', () => {
    expect(negativeBinomialTail(9, 2, 1)).toBeCloseTo((2 / 3) ** 9, 12)
    expect(negativeBinomialTail(200, 2, 1) / (2 / 3) ** 200).toBeCloseTo(1, 9)
  })

  it('becomes the Poisson tail without dispersion', () => {
    const below = (poissonDistribution(4) ?? []).slice(0, 10).reduce((sum, p) => sum + p, 0)
    expect(negativeBinomialTail(10, 4, 0)).toBeCloseTo(1 - below, 5)
  })

  it('is the sum of the masses above', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), mean, dispersion, (count, mu, alpha) => {
        const below = Array.from({ length: count }, (_, x) => Math.exp(negativeBinomialLogMass(x, mu, alpha)))
        const sum = below.reduce((total, p) => total + p, 0)
        expect(negativeBinomialTail(count, mu, alpha)).toBeCloseTo(1 - sum, 9)
      }),
    )
  })

  it('has the mean and the variance it was asked for', () => {
    const masses = Array.from({ length: 2000 }, (_, x) => Math.exp(negativeBinomialLogMass(x, 6, 1.5)))
    const first = masses.reduce((sum, p, x) => sum + p * x, 0)
    const second = masses.reduce((sum, p, x) => sum + p * x * x, 0)
    expect(first).toBeCloseTo(6, 6)
    expect(second - first ** 2).toBeCloseTo(6 + 1.5 * 36, 4)
  })

  it('is a probability for any count, however far', () => {
    for (const [count, mu, alpha] of [
      [1e7, 1e-4, 1e4],
      [1e7, 1e7, 0],
      [1, 1e-4, 1e4],
      [1e7, 1, 1e-6],
    ] as const) {
      const tail = negativeBinomialTail(count, mu, alpha)
      expect(tail).toBeGreaterThanOrEqual(0)
      expect(tail).toBeLessThanOrEqual(1)
      expect(negativeBinomialLogMass(count, mu, alpha)).toBeLessThanOrEqual(0)
    }
    expect(negativeBinomialTail(0, 3, 1)).toBe(1)
  })
})
