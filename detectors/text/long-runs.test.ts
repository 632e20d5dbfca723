import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextRun, runEnd, unitsIn } from './long-runs.ts'
import { unitsOf } from './text-units.ts'

const LEAST = 5
const units = unitsIn(/[a-z]/)

function runsIn(text: string): string[] {
  const found: string[] = []
  const searched = { units: unitsOf(text), size: text.length }
  let start = nextRun(searched, 0, LEAST, units)
  while (start >= 0) {
    const end = runEnd(searched, start, units)
    found.push(text.slice(start, end))
    start = nextRun(searched, end, LEAST, units)
  }
  return found
}

describe('long runs', () => {
  it('are those that a pattern would find', () => {
    const piece = fc.oneof(fc.constantFrom('a', 'bcd', 'abcdefgh', ' ', '.', 'é', 'Z', 'hello'), fc.string())
    let found = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const expected = text.match(/[a-z]{5,}/g) ?? []
        found += expected.length
        expect(runsIn(text)).toEqual([...expected])
      }),
      { numRuns: 1000 },
    )
    expect(found).toBeGreaterThan(200)
  })
})
