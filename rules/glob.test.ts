import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob, globsIntersect, literalLength } from './glob.ts'

describe('compileGlob', () => {
  it.each([
    ['crm.*', 'crm.read', true],
    ['crm.*', 'crm.', true],
    ['crm.*', 'crmXread', false],
    ['*', '', true],
    ['*.read', 'crm.read', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*bc*c', 'abc', false],
    ['shell.exec', 'shell.exec', true],
    ['shell.exec', 'shellXexec', false],
    ['', '', true],
  ])('%s against %s is %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected)
  })

  it('agrees with the regular expression that says the same', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 })
    const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 })
    let matched = 0
    fc.assert(
      fc.property(letters, texts, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
        matched += expected ? 1 : 0
        expect(compileGlob(pattern)(text)).toBe(expected)
      }),
      { numRuns: 3000, seed: 1 },
    )
    expect(matched).toBeGreaterThan(100)
  })
})

describe('globsIntersect', () => {
  it.each([
    ['a*', '*b', true],
    ['support-*', 'support-bot', true],
    ['support-*', 'research-*', false],
    ['*', '', true],
    ['a*c', 'ab*', true],
    ['a', 'b', false],
    ['a**', 'a', true],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(globsIntersect(one, other)).toBe(expected)
    expect(globsIntersect(other, one)).toBe(expected)
  })

  it('agrees with trying every short text', () => {
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 4 })
    const texts = allTexts(8)
    let apart = 0
    fc.assert(
      fc.property(patterns, patterns, (one, other) => {
        const both = texts.some((text) => compileGlob(one)(text) && compileGlob(other)(text))
        apart += both ? 0 : 1
        expect(globsIntersect(one, other)).toBe(both)
      }),
      { numRuns: 400, seed: 1 },
    )
    expect(apart).toBeGreaterThan(50)
  })
})

describe('literalLength', () => {
  it('counts what is fixed', () => {
    expect(literalLength('support-*')).toBe(8)
    expect(literalLength('*')).toBe(0)
  })
})

function allTexts(longest: number): string[] {
  const texts = ['']
  for (let at = 0; at < texts.length; at += 1) {
    const text = texts[at] ?? ''
    if (text.length < longest) {
      texts.push(`${text}a`, `${text}b`)
    }
  }
  return texts
}
