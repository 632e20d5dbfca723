import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { windows } from './windows.ts'

const MINUTE_MS = 60_000
const NOW_MS = 1_790_000_000_000

describe('windows', () => {
  it('begin with the last minutes and grow', () => {
    const [first, second, ...others] = [...windows({}, NOW_MS)]
    expect(first).toEqual({ fromMs: NOW_MS - 5 * MINUTE_MS })
    expect(second).toEqual({ fromMs: NOW_MS - 35 * MINUTE_MS, toMs: NOW_MS - 5 * MINUTE_MS })
    expect(others.length).toBeLessThan(8)
    expect(others.at(-1)?.fromMs).toBeUndefined()
  })

  it('are one when little is asked for', () => {
    expect([...windows({ fromMs: NOW_MS - 1000 }, NOW_MS)]).toEqual([{ fromMs: NOW_MS - 1000 }])
  })

  it('make up exactly the span, wherever it lies', () => {
    const times = fc.option(fc.integer({ min: 0, max: 2 * NOW_MS }), { nil: undefined })
    let several = 0
    fc.assert(
      fc.property(times, times, (fromMs, toMs) => {
        const span = { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
        const parts = [...windows(span, NOW_MS)]
        several += parts.length > 1 ? 1 : 0
        expect(parts[0]?.toMs).toBe(toMs)
        expect(parts.at(-1)?.fromMs).toBe(fromMs)
        for (const [index, part] of parts.slice(1).entries()) {
          expect(part.toMs).toBe(parts[index]?.fromMs)
        }
      }),
    )
    expect(several).toBeGreaterThan(10)
  })
})
