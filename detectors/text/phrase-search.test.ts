import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PhraseSearch } from './phrase-search.ts'

const PHRASES = ['prompt', 'instruction', 'system message', '指示', 'промпт']
const SHORT_PHRASES = ['task', 'rules', "don't say", 'system message']

describe('a search for phrases', () => {
  it.each([
    ['long', PHRASES],
    ['short', SHORT_PHRASES],
  ])('finds what a pattern would find, wherever it stands and however it is written: %s phrases', (_, phrases) => {
    const search = new PhraseSearch(phrases)
    const pattern = new RegExp(phrases.join('|'), 'i')
    const seen = { found: 0, none: 0 }
    const near = ['Prompt', 'SYSTEM MESSAGE', 'promt', 'instruct', 'system', 'rule', 'TASKS', '指', 'é', ' ', '. ']
    const piece = fc.oneof(fc.constantFrom(...phrases, ...near), fc.string({ maxLength: 6 }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('')
        const found = pattern.test(text)
        seen[found ? 'found' : 'none'] += 1
        expect(search.isIn(text)).toBe(found)
      }),
      { numRuns: 2000 },
    )
    expect(Math.min(seen.found, seen.none)).toBeGreaterThan(100)
  })

  it('refuses phrases that it would miss', () => {
    expect(() => new PhraseSearch(['abc'])).toThrow(RangeError)
  })
})
