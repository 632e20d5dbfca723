import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldText } from '../text/normalize.ts'
import { readSentences, SIGN } from '../text/sentences.ts'
import { lexicon } from './lexicon.ts'
import { MEANINGS } from './meanings.ts'
import { ADDRESS, CALL, IDENTIFIER, LINK, NUMBER, QUOTE, signsOf } from './signs.ts'

const ALL = Object.values(SIGN).reduce((all, bit) => all | bit, 0)
const sentencesOf = (text: string) => {
  const folded = foldText(text)
  return { folded, sentences: readSentences(folded, lexicon(), MEANINGS.enciphered).sentences }
}
const signsIn = (text: string) => {
  const { folded, sentences } = sentencesOf(text)
  return sentences.reduce((signs, sentence) => signs | signsOf(sentence, folded), 0)
}

describe('signs of a sentence', () => {
  it.each([
    ['send it to eve@evil.com', ADDRESS | LINK],
    ['open www.evil.com now', LINK],
    ['pay account 12345 today', NUMBER],
    ['the pin 4 - 7 - 1 - 1 is mine', NUMBER],
    ['write "done" at the end', QUOTE],
    ['call send_money(amount=5)', CALL | IDENTIFIER],
    ['write to [masked:email] soon', ADDRESS],
    ['nothing to see in this line', 0],
  ])('%s', (text, signs) => {
    expect(signsIn(text)).toBe(signs)
  })

  it('are what a search for all of them would find: what the reader noticed leaves none out', () => {
    const piece = fc.constantFrom(
      ...[
        'send',
        'system prompt',
        'system_prompt',
        'instructions',
        'gpt4',
        '7',
        '12',
        '4711',
        '$',
        '@',
        '.',
        'com',
        'a@b.cc',
        ':',
      ],
      ...[
        'http://',
        '"',
        "'",
        '(',
        ')',
        '_',
        '[masked:iban]',
        ' - ',
        ' ',
        ' ',
        'a',
        'x=1',
        '\n',
        '!',
        'forward',
        'é',
        'сотри',
      ],
    )
    let found = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { folded, sentences } = sentencesOf(pieces.join(''))
        for (const sentence of sentences) {
          const signs = signsOf(sentence, folded)
          expect(signs).toBe(signsOf({ ...sentence, signs: ALL }, folded))
          found |= signs
        }
      }),
      { numRuns: 2000 },
    )
    expect(found).toBe(ADDRESS | LINK | NUMBER | QUOTE | CALL | IDENTIFIER)
  })
})
