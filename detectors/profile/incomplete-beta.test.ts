import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { incompleteBeta } from './incomplete-beta.ts'

const shape = fc.double({ min: 0.01, max: 1e5, noNaN: true })
const share = fc.double({ min: 0, max: 1, noNaN: true })

describe('incompleteBeta', () => {
  it('is a polynomial where a shape is whole', () => {
    expect(incompleteBeta(0.3, 1, 1)).toBeCloseTo(0.3, 12)
    expect(incompleteBeta(0.3, 4, 1)).toBeCloseTo(0.3 ** 4, 12)
    expect(incompleteBeta(0.3, 1, 5)).toBeCloseTo(1 - 0.7 ** 5, 12)
    expect(incompleteBeta(0.3, 2, 2)).toBeCloseTo(3 * 0.3 ** 2 - 2 * 0.3 ** 3, 12)
  })

  it('keeps its precision in the far tail', () => {
    expect(incompleteBeta(1e-3, 40, 1) / 1e-120).toBeCloseTo(1, 9)
  })

  it('is a probability that rises, from nothing to all, whatever the shapes', () => {
    fc.assert(
      fc.property(share, share, shape, shape, (one, other, a, b) => {
        const low = incompleteBeta(Math.min(one, other), a, b)
        const high = incompleteBeta(Math.max(one, other), a, b)
        expect(low).toBeGreaterThanOrEqual(-1e-12)
        expect(high).toBeLessThanOrEqual(1 + 1e-12)
        expect(high).toBeGreaterThanOrEqual(low - 1e-9)
      }),
    )
    expect(incompleteBeta(0, 2, 3)).toBe(0)
    expect(incompleteBeta(1, 2, 3)).toBe(1)
  })

  it('is mirrored by swapping the shapes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1024 }), shape, shape, (part, a, b) => {
        const x = part / 1024
        expect(Math.abs(incompleteBeta(x, a, b) + incompleteBeta(1 - x, b, a) - 1)).toBeLessThan(1e-8)
      }),
    )
  })
})
