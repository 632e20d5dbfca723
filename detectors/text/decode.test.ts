import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEPTH, decodedParts, PIECES, reversed, rot13 } from './decode.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const texts = (text: string) => decodedParts(text).map((part) => part.text)

describe('decoding', () => {
  it('finds readable text in base64, also the variant for URLs and without padding', () => {
    expect(texts(`see ${base64('The weather is fine today?>')} ok`)).toEqual(['The weather is fine today?>'])
    expect(texts(Buffer.from('The weather is fine today?>').toString('base64url'))).toEqual([
      'The weather is fine today?>',
    ])
  })

  it('names the encoding, and every one of nested ones', () => {
    const names = (text: string) => decodedParts(text).map((part) => part.how)
    const hex = Buffer.from('The weather is fine today').toString('hex')
    expect(names(hex)).toEqual(['hexadecimal'])
    expect(names(base64(hex))).toEqual(['hexadecimal in base64'])
    expect(names(base64(base64('The weather is fine today')))).toContain('base64 in base64')
  })

  it('goes no deeper than it says', () => {
    let text = 'The Weather Is Fine Today'
    for (let level = 0; level <= DEPTH; level += 1) {
      text = base64(text)
    }
    expect(texts(text)).not.toContain('The Weather Is Fine Today')
  })

  it('leaves alone what does not decode to text', () => {
    expect(decodedParts('internationalization of /usr/local/lib/node_modules/Something')).toEqual([])
    expect(
      decodedParts(Buffer.from(Array.from({ length: 60 }, (_, index) => (index * 37) % 256)).toString('base64')),
    ).toEqual([])
    expect(decodedParts('d41d8cd98f00b204e9800998ecf8427e 2026-01-05 10 20 30 40 50 60 70 80 90')).toEqual([])
    expect(decodedParts('100 % of it and 50 % more')).toEqual([])
  })

  it('decodes a bounded number of pieces', () => {
    const many = Array.from({ length: 40 }, (_, index) =>
      base64(`Sentence number ${'abcdefghij'[index % 10]} is here`),
    ).join(' ')
    expect(decodedParts(many).length).toBeLessThanOrEqual(PIECES)
  })

  it('finds any sentence of letters in base64, and never throws', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z][a-z]{3,8}( [a-z]{2,9}){4,8}$/), (sentence) => {
        expect(texts(base64(sentence))).toContain(sentence)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => void decodedParts(text)))
  })
})

describe('ciphers', () => {
  it('are their own inverse', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(rot13(rot13(text))).toBe(text)
        expect(reversed(reversed(text))).toBe(text)
      }),
    )
    expect(rot13('prompt')).toBe('cebzcg')
  })
})
