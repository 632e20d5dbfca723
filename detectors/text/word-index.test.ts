import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_KEY, FULL_KEY, KEY_LETTERS, longerKey, NOTHING, WordIndex } from './word-index.ts'

const keyOf = (word: string) =>
  Array.from(word).reduce((key, letter) => longerKey(key, letter.charCodeAt(0)), EMPTY_KEY)
const word = fc.stringMatching(/^[a-z]{0,6}$/)

describe('keys of words', () => {
  it('differ for different words, and tell which are full', () => {
    fc.assert(
      fc.property(word, word, (one, other) => {
        expect(keyOf(one) === keyOf(other)).toBe(one === other)
        expect(keyOf(one) >= FULL_KEY).toBe(one.length === KEY_LETTERS)
        expect(keyOf(one)).toBeGreaterThan(0)
      }),
    )
  })
})

describe('an index of words', () => {
  it('finds what was put in, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { maxLength: 200 }), fc.array(word), (entries, asked) => {
        const index = new WordIndex(new Map(entries.map((entry, place) => [keyOf(entry), place])))
        for (const each of [...entries, ...asked]) {
          const place = entries.indexOf(each)
          expect(index.get(keyOf(each))).toBe(place < 0 ? NOTHING : place)
        }
      }),
    )
  })
})
