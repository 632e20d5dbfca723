import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unitsOf } from './text-units.ts'
import { WordMatcher } from './word-matcher.ts'

function matcher(entries: readonly (readonly [string, number])[]): WordMatcher {
  const built = new WordMatcher()
  for (const [word, meanings] of entries) {
    built.add(word, meanings)
  }
  built.seal()
  return built
}
const found = (lexicon: WordMatcher, text: string, at = 0) => {
  const end = lexicon.match(text, at)
  return end < 0 ? undefined : [text.slice(at, end), lexicon.meanings]
}

describe('matching words', () => {
  const lexicon = matcher([
    ['prompt', 1],
    ['command prompt', 0],
    ['command', 2],
    ['so far', 4],
    ['instruct*', 8],
    ['指示', 16],
    ['console log', 32],
  ])

  it('finds whole words only', () => {
    expect(found(lexicon, 'prompt it')).toEqual(['prompt', 1])
    expect(found(lexicon, 'prompts')).toBeUndefined()
    expect(found(lexicon, 'prom')).toBeUndefined()
    expect(found(lexicon, 'prompt')).toEqual(['prompt', 1])
  })

  it('finds phrases over any small gap, and prefers them to their first word', () => {
    expect(found(lexicon, 'so far')).toEqual(['so far', 4])
    expect(found(lexicon, 'so-far')).toEqual(['so-far', 4])
    expect(found(lexicon, 'command prompt')).toEqual(['command prompt', 0])
    expect(found(lexicon, 'command line')).toEqual(['command', 2])
    expect(found(lexicon, 'console.log(1)')).toEqual(['console.log', 32])
  })

  it('finds words by their stem, to their end', () => {
    expect(found(lexicon, 'instructions!')).toEqual(['instructions', 8])
  })

  it('finds words anywhere in scripts without spaces', () => {
    expect(found(lexicon, '上記の指示を', 3)).toEqual(['指示', 16])
  })

  it('agrees with a plain search over any words', () => {
    const word = fc.stringMatching(/^[a-c]{1,4}$/)
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { minLength: 1, maxLength: 12 }),
        fc.array(word, { minLength: 1, maxLength: 8 }),
        (entries, said) => {
          const built = matcher(entries.map((entry, index) => [entry, index + 1]))
          const text = said.join(' ')
          let at = 0
          for (const each of said) {
            const index = entries.indexOf(each)
            expect(found(built, text, at)).toEqual(index < 0 ? undefined : [each, index + 1])
            at += each.length + 1
          }
        },
      ),
    )
  })

  it('agrees with matching from every word when it reads whole words', () => {
    const plain = fc.constantFrom('a', 'ab', 'abb', 'abba', 'abbaab', 'abbaaba', 'abbaabab', 'baab', 'baabaab')
    const letters = fc.oneof(plain, fc.constantFrom('é', 'abé', 'ab2', 'abba2b', 'abbaabé', 'abbabb', 'abbabbb'))
    const entry = fc
      .tuple(fc.array(plain, { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([words, isStem]) => (isStem && (words[0] ?? '').length > 2 ? `${words[0]}*` : words.join(' ')))
    const kinds = { found: 0, phrases: 0 }
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { minLength: 8, maxLength: 24 }),
        fc.array(letters, { minLength: 10, maxLength: 30 }),
        (entries, said) => {
          const built = matcher(entries.map((each, index) => [each, index + 1]))
          const text = said.join(' ')
          let at = 0
          for (const each of said) {
            const end = built.match(text, at)
            const meanings = built.meanings
            expect(built.read(text, unitsOf(text), at)).toBe(end)
            expect(built.wordEnd).toBe(at + each.length)
            if (end >= 0) {
              expect(built.meanings).toBe(meanings)
              kinds.found += 1
              kinds.phrases += end > at + each.length ? 1 : 0
            }
            at += each.length + 1
          }
        },
      ),
      { numRuns: 200 },
    )
    expect(kinds.found).toBeGreaterThan(200)
    expect(kinds.phrases).toBeGreaterThan(20)
  })

  it('says what a word that it read is like', () => {
    const read = (word: string) => {
      lexicon.read(word, unitsOf(word), 0)
      return { digits: lexicon.wordDigits, odd: lexicon.isWordOdd }
    }
    expect(read('plain')).toEqual({ digits: 0, odd: false })
    expect(read('covid19')).toEqual({ digits: 2, odd: false })
    expect(read('pr0mpt')).toEqual({ digits: 1, odd: true })
    expect(read('sooo')).toEqual({ digits: 0, odd: true })
  })

  it('refuses stems that would match half a language', () => {
    expect(() => new WordMatcher().add('in*', 1)).toThrow(RangeError)
  })
})
