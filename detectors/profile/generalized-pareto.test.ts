import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { generalizedParetoTail } from './generalized-pareto.ts'

describe('generalizedParetoTail', () => {
  it('is the exponential tail for the moments of an exponential distribution', () => {
    // Scale 2: E[X] = 2, E[X S(X)] = 1/2.
    expect(generalizedParetoTail(6, 2, 0.5)).toBeCloseTo(Math.exp(-3), 9)
  })

  it('finds the tails of what its moments come from', () => {
    for (const shape of [-0.08, 0, 0.3]) {
      const random = seeded(3)
      const quantile = (tail: number) => (shape === 0 ? -Math.log(tail) : (tail ** -shape - 1) / shape)
      const sorted = Array.from({ length: 20_000 }, () => quantile(1 - random())).sort((one, other) => one - other)
      const mean = (weight: (rank: number) => number) =>
        sorted.reduce((sum, value, rank) => sum + value * weight(rank), 0) / sorted.length
      const a0 = mean(() => 1)
      const a1 = mean((rank) => 1 - (rank + 0.5) / sorted.length)
      for (const tail of [0.1, 0.01, 0.001]) {
        expect(generalizedParetoTail(quantile(tail), a0, a1) / tail).toBeGreaterThan(0.7)
        expect(generalizedParetoTail(quantile(tail), a0, a1) / tail).toBeLessThan(1.4)
      }
    }
  })

  it('holds shapes that few excesses suggest, and calls nothing impossible', () => {
    // Evenly over one bin, as a single size looks: its shape would be -1, and nothing above 1.
    expect(generalizedParetoTail(1.5, 0.5, 1 / 6)).toBeGreaterThan(0.01)
    // Mean 1, nearly all of it in a few: the shape would be near 1, and 100 nothing unusual.
    expect(generalizedParetoTail(100, 1, 0.01)).toBeCloseTo(101 ** -2, 9)
    expect(generalizedParetoTail(1000, 0.5, 1 / 6)).toBe(1e-12)
    expect([generalizedParetoTail(0, 1, 0.25), generalizedParetoTail(5, 0, 0)]).toEqual([1, 1])
  })
})
