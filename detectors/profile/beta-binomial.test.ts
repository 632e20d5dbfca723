import fc from 'fast-check'
import { binomialDistribution } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { betaBinomialTail, betaMean, strengthFor } from './beta-binomial.ts'

const counts = fc.integer({ min: 1, max: 60 }).chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)))
const shape = fc.double({ min: 0.05, max: 300, noNaN: true })

describe('betaBinomialTail', () => {
  it('agrees with summing exact products', () => {
    fc.assert(
      fc.property(counts, shape, shape, ([x, n], a, b) => {
        const exact = exactTail(x, n, a, b)
        expect(Math.abs(betaBinomialTail(x, n, a, b) - exact)).toBeLessThan(1e-9 + 1e-7 * exact)
      }),
      { numRuns: 500 },
    )
  })

  it('becomes the binomial tail when the rate is known for sure', () => {
    const binomial = binomialDistribution(20, 0.1) ?? []
    // From below: the reference leaves the last ten-thousandth of the far tail out.
    const tail = 1 - binomial.slice(0, 6).reduce((sum, p) => sum + p, 0)
    expect(betaBinomialTail(6, 20, 0.1e6, 0.9e6)).toBeCloseTo(tail, 5)
  })

  it('is uniform when every rate is equally likely', () => {
    expect(betaBinomialTail(8, 9, 1, 1)).toBeCloseTo(0.2, 12)
  })

  it('falls with failures and rises with the learned rate', () => {
    fc.assert(
      fc.property(counts, shape, shape, ([x, n], a, b) => {
        const p = betaBinomialTail(x, n, a, b)
        expect(p).toBeGreaterThanOrEqual(0)
        expect(p).toBeLessThanOrEqual(1)
        expect(betaBinomialTail(x + 1, n, a, b)).toBeLessThanOrEqual(p * (1 + 1e-9))
        expect(betaBinomialTail(x, n, a + 1, b)).toBeGreaterThanOrEqual(p * (1 - 1e-9))
      }),
    )
  })

  it('answers the impossible', () => {
    expect(betaBinomialTail(0, 10, 1, 1)).toBe(1)
    expect(betaBinomialTail(11, 10, 1, 1)).toBe(0)
  })
})

describe('strengthFor', () => {
  it('gives the variance it was asked for', () => {
    for (const dispersion of [1.5, 2, 4]) {
      const n = 20
      const strength = strengthFor(dispersion, n)
      expect(varianceOf(n, 0.2 * strength, 0.8 * strength)).toBeCloseTo(dispersion * n * 0.2 * 0.8, 8)
    }
    expect(strengthFor(1, 20)).toBe(Number.POSITIVE_INFINITY)
    expect(betaMean(2, 6)).toBe(0.25)
  })
})

/** P(X = k) as C(n, k) times the product of Pólya's urn: no gamma function involved. */
function exactTail(x: number, n: number, a: number, b: number): number {
  return massesOf(n, a, b)
    .slice(x)
    .reduce((sum, p) => sum + p, 0)
}

function massesOf(n: number, a: number, b: number): number[] {
  return Array.from({ length: n + 1 }, (_, k) => {
    let p = 1
    for (let i = 0; i < n; i += 1) {
      p *= (i < k ? (a + i) * ((n - i) / (k - i)) : b + i - k) / (a + b + i)
    }
    return p
  })
}

function varianceOf(n: number, a: number, b: number): number {
  const masses = massesOf(n, a, b)
  const mean = masses.reduce((sum, p, k) => sum + p * k, 0)
  return masses.reduce((sum, p, k) => sum + p * (k - mean) ** 2, 0)
}
