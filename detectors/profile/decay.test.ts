import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { remaining } from './decay.ts'

describe('remaining', () => {
  it('halves with every half-life and never grows', () => {
    expect(remaining(8, 0, 1000)).toBe(8)
    expect(remaining(8, 3000, 1000)).toBe(1)
    expect(remaining(8, -5000, 1000)).toBe(8)
  })

  it('does not care in how many steps time passes', () => {
    const span = fc.integer({ min: 0, max: 1e9 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), span, span, (count, one, other) => {
        const atOnce = remaining(count, one + other, 1e8)
        expect(remaining(remaining(count, one, 1e8), other, 1e8)).toBeCloseTo(atOnce, 6)
      }),
    )
  })
})
