import fc from 'fast-check'
import { gammaln } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { logBeta, logGamma } from './log-gamma.ts'

describe('logGamma', () => {
  it('is exact where factorials are', () => {
    let factorial = 1
    for (let n = 1; n <= 20; n += 1) {
      expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 10)
      factorial *= n
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12)
  })

  it('agrees with simple-statistics', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 1e5, noNaN: true }), (x) => {
        expect(Math.abs(logGamma(x) - gammaln(x))).toBeLessThan(1e-9 * Math.max(1, Math.abs(gammaln(x))))
      }),
    )
  })

  it('satisfies x Γ(x) = Γ(x + 1), small arguments included', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e4, noNaN: true }), (x) => {
        const difference = logGamma(x + 1) - logGamma(x) - Math.log(x)
        expect(Math.abs(difference)).toBeLessThan(1e-9 * Math.max(1, Math.abs(logGamma(x))))
      }),
    )
  })
})

describe('logBeta', () => {
  it('is the integral it stands for', () => {
    const steps = 20_000
    let area = 0
    for (let index = 0; index < steps; index += 1) {
      const t = (index + 0.5) / steps
      area += (t ** 1.5 * (1 - t) ** 3) / steps
    }
    expect(Math.exp(logBeta(2.5, 4))).toBeCloseTo(area, 6)
  })
})
