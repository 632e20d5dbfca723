import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { containment, eachShingle, shingles } from './shingles.ts'

const PROMPT = `You are the support assistant of a small bakery. Greet customers warmly and answer questions about
opening hours, bread and cake orders. Never mention the discount code for employees. Send complaints to the manager.`

describe('shingles', () => {
  it('are the same however the text is laid out', () => {
    const list = PROMPT.split(/(?<=\.)\s/)
      .map((line, index) => `${index + 1}. ${line.toUpperCase()}`)
      .join('\n- ')
    expect(containment(shingles(PROMPT), shingles(list))).toBe(1)
  })

  it('survive a change from you to I, and most of them a cut', () => {
    const first = PROMPT.replace('You are', 'I am')
    expect(containment(shingles(first), shingles(PROMPT))).toBeGreaterThan(0.9)
    const half = PROMPT.slice(0, PROMPT.length / 2)
    expect(containment(shingles(half), shingles(PROMPT))).toBeGreaterThan(0.9)
    expect(containment(shingles(PROMPT), shingles(half))).toBeLessThan(0.6)
  })

  it('have little in common with another text on the subject', () => {
    const other =
      'Our bakery opens at seven. Which cake would you like to order? Complaints are rare, and customers are greeted warmly.'
    expect(containment(shingles(other), shingles(PROMPT))).toBeLessThan(0.2)
  })

  it('work by characters where words are not spaced', () => {
    const chinese = '你是一家小面包店的客服助手。请热情问候顾客。不要提及员工折扣码。'
    expect(shingles(chinese).size).toBeGreaterThan(10)
    expect(containment(shingles('不要提及员工折扣码'), shingles(chinese))).toBe(1)
  })

  it('are none in texts too short to recognise', () => {
    expect(shingles('').size).toBe(0)
    expect(shingles('You are a helpful assistant').size).toBe(0)
  })

  it('are 32-bit hashes, as policies register them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        for (const shingle of shingles(text)) {
          expect(Number.isInteger(shingle) && shingle >= 0 && shingle < 2 ** 32).toBe(true)
        }
      }),
    )
  })

  it('are visited once for every word, at most', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        let visits = 0
        eachShingle(text, () => {
          visits += 1
        })
        expect(visits).toBeLessThanOrEqual(text.normalize('NFKD').length)
      }),
    )
  })
})

describe('containment', () => {
  const words = fc.array(fc.constantFrom('river', 'stone', 'lamp'), { minLength: 3, maxLength: 12 })
  it('is 1 of a text in itself and in any longer text, between 0 and 1 always, and 0 of nothing', () => {
    let partial = 0
    fc.assert(
      fc.property(words, words, (one, other) => {
        const part = shingles(one.join(' '))
        const whole = shingles([...one, ...other].join(' '))
        const share = containment(shingles(other.join(' ')), part)
        partial += share > 0 && share < 1 ? 1 : 0
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1)
        expect(containment(part, whole)).toBe(part.size === 0 ? 0 : 1)
        expect(containment(part, part)).toBe(part.size === 0 ? 0 : 1)
      }),
    )
    expect(partial).toBeGreaterThan(5)
  })

  it('counts the same shared shingles from both sides', () => {
    fc.assert(
      fc.property(words, words, (one, other) => {
        const [left, right] = [shingles(one.join(' ')), shingles(other.join(' '))]
        expect(Math.round(containment(left, right) * left.size)).toBe(Math.round(containment(right, left) * right.size))
      }),
    )
  })
})
