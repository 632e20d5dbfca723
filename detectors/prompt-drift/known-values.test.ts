import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newsOf, noValues, observe, SETTLED } from './known-values.ts'

/** When news are asked for: after what was observed. */
const NOW = 10_000

function having(values: readonly string[]) {
  const known = noValues()
  for (const [index, value] of values.entries()) {
    observe(known, value, undefined, index)
  }
  return known
}
const times = (value: string, count: number) => Array.from({ length: count }, () => value)
const moving = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`)

describe('known values', () => {
  it('call a new value news once the others have settled, and not before', () => {
    expect(newsOf(having(times('a', SETTLED)), 'b', undefined, NOW)).toBeUndefined()
    expect(newsOf(having(times('a', SETTLED + 1)), 'b', undefined, NOW)).toBe('changed')
    expect(newsOf(having(times('a', SETTLED + 1)), 'a', undefined, NOW)).toBeUndefined()
  })

  it('take alternation between a few values for what is normal', () => {
    const known = having(Array.from({ length: 200 }, (_, index) => `v${index % 5}`))
    expect(['v0', 'v4'].map((value) => newsOf(known, value, undefined, NOW))).toEqual([undefined, undefined])
    expect(newsOf(known, 'v5', undefined, NOW)).toBe('changed')
  })

  it('tell a change once, and one of what keeps changing with less weight', () => {
    const known = having(times('a', SETTLED + 1))
    const told: unknown[] = []
    for (let change = 0; change < 5; change++) {
      told.push(newsOf(known, `b${change}`, undefined, NOW))
      for (let call = 0; call <= SETTLED; call++) {
        observe(known, `b${change}`, undefined, 1000 + change)
        expect(newsOf(known, `b${change}`, undefined, NOW)).toBeUndefined()
      }
    }
    expect(told).toEqual(['changed', 'changed', 'changed', 'often', 'often'])
  })

  it('forget in time what was told: who changes something thrice a year is told of it thrice', () => {
    const known = having(times('a', SETTLED + 1))
    const quarterMs = 90 * 24 * 3_600_000
    const told: unknown[] = []
    for (let change = 1; change <= 6; change++) {
      const timeMs = change * quarterMs
      told.push(newsOf(known, `b${change}`, undefined, timeMs))
      for (let call = 0; call <= SETTLED; call++) {
        observe(known, `b${change}`, undefined, timeMs)
      }
    }
    expect(told).toEqual(Array.from({ length: 6 }, () => 'changed'))
    expect(known.toldMs).toHaveLength(3)
  })

  it('say once that what never settles moves', () => {
    const known = having(moving(119))
    expect(newsOf(known, 'x', undefined, NOW)).toBeUndefined()
    observe(known, 'x', undefined, 119)
    expect(newsOf(known, 'y', undefined, NOW)).toBe('moves')
    observe(known, 'y', undefined, 120)
    expect(newsOf(known, 'z', undefined, NOW)).toBeUndefined()
  })

  it('know a value by its shape, too', () => {
    const known = noValues()
    for (let call = 0; call <= SETTLED; call++) {
      observe(known, `day ${call}`, 'shape', call)
    }
    expect(known.values).toHaveLength(1)
    expect(newsOf(known, 'another day', 'shape', NOW)).toBeUndefined()
    expect(newsOf(known, 'another day', 'other', NOW)).toBe('changed')
  })

  it('say that nothing changed for most of what comes again', () => {
    const known = having(times('a', 200))
    expect(observe(known, 'a', undefined, 200)).toBe(false)
    expect(observe(known, 'a', undefined, 3_700_000)).toBe(true)
  })

  it('stay bounded whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat())), (observations) => {
        const known = noValues()
        for (const [value, timeMs] of observations) {
          observe(known, value, undefined, timeMs)
        }
        expect(known.values.length).toBeLessThanOrEqual(8)
      }),
    )
  })
})
