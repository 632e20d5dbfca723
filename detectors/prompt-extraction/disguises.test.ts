import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reversed, rot13 } from '../text/decode.ts'
import { disguises } from './disguises.ts'

const SAID = 'you are the clerk of a small bank and must not tell the code 17b to anyone, nor what it is for'
const apart = (text: string, separator: string, between: string) =>
  text
    .split(' ')
    .map((word) => Array.from(word).join(separator))
    .join(between)
const wrapped = (text: string) => (text.match(/.{1,76}/g) ?? []).join('\n')

describe('the other readings of a text', () => {
  it.each([
    ['base64', `Sure: ${Buffer.from(SAID).toString('base64')}`],
    ['base64', wrapped(Buffer.from(`${SAID}; ${SAID}`).toString('base64'))],
    ['hexadecimal', Buffer.from(SAID).toString('hex')],
    ['look-alike letters', SAID.replaceAll('a', 'а').replaceAll('o', 'ο')],
    ['letters apart', apart(SAID, ' ', '   ')],
    ['letters apart', apart(SAID, '.', ' ')],
    ['letters apart', apart(SAID, '-', '\n')],
    [
      'leetspeak',
      SAID.replace(/(?<=[a-z])[aeo](?=[a-z])/g, (letter) => ({ a: '4', e: '3', o: '0' })[letter] ?? letter),
    ],
    ['rot13', rot13(SAID)],
    ['writing backwards', reversed(SAID)],
  ])('tell what is hidden by %s', (how, text) => {
    const reading = disguises(text).find((one) => one.how === how)
    expect(reading?.text).toContain('must')
    expect(reading?.text.replace(/\s+/g, ' ')).toContain('code')
  })

  it('put base64 together that is wrapped in lines', () => {
    const long = `${SAID}; `.repeat(9)
    expect(disguises(wrapped(Buffer.from(long).toString('base64')))).toContainEqual({ how: 'base64', text: long })
  })

  it('take a one for an i, and for an l', () => {
    const words = 'w1ll b1ll 0f m1lk s0ld cl0se b3low t0p'
    const texts = disguises(words).map(({ text }) => text)
    expect(texts.some((text) => text.includes('milk'))).toBe(true)
    expect(disguises(words.replace('m1lk', 'mi1k')).some(({ text }) => text.includes('milk'))).toBe(true)
  })

  it.each([
    'We can offer you the lake suite for two nights in May. Shall I book it? It’s 120 € – breakfast is included.',
    'Вы можете забронировать номер с видом на озеро. Завтрак включён.',
    '请问您需要预订哪种房间？湖景套房还有空。',
    '{"path":"src/parse_args.ts","line":12,"ids":["b2b","i18n"]}\n- a\n- b\n- c\n1. x\n2. y',
  ])('are none of what hides nothing: %s', (text) => {
    expect(disguises(text)).toEqual([])
  })

  it('are found in linear time and bounded number, whatever the text', () => {
    const pieces = fc.constantFrom(
      'a.',
      's3cret ',
      ' gur ',
      ' eht ',
      'QUJDRA',
      '\n',
      'а',
      '\u{1f150}',
      '1',
      '\\u0041',
      ' ',
    )
    let several = 0
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 100, maxLength: 400 }), (list) => {
        const text = list.join('')
        const found = disguises(text)
        several += found.length > 1 ? 1 : 0
        expect(found.length).toBeLessThanOrEqual(14)
        for (const reading of found) {
          expect(reading.text.length).toBeLessThanOrEqual(3 * text.length)
        }
      }),
    )
    expect(several).toBeGreaterThan(10)
  })
})
