import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCutJson } from './cut-json.ts'

describe('JSON that was cut', () => {
  it.each([
    ['[{"role":"user","content":"hello wor', [{ role: 'user', content: 'hello wor' }]],
    ['[{"role":"user","content":"hi"},{"ro', [{ role: 'user', content: 'hi' }]],
    ['[{"role":"user","content":"hi"},{"role":', [{ role: 'user', content: 'hi' }]],
    ['[{"role":"user","content":"hi"}', [{ role: 'user', content: 'hi' }]],
    ['{"a":[1,2,{"b":tr', { a: [1, 2] }],
    ['["a\\', ['a']],
    ['["a\\u00e', ['a']],
    ['["a\\\\', ['a\\']],
    ['["a\\"', ['a"']],
  ])('%s', (text, read) => {
    expect(readCutJson(text)).toEqual(read)
  })

  it.each(['', 'hello', '[1,2]', '[user] hello', '[hello, wor', '{"a"', `${'['.repeat(100)}1`])(
    'is not: %s',
    (text) => {
      expect(readCutJson(text)).toBeUndefined()
    },
  )

  it('is read as far as it goes, wherever it is cut', () => {
    const list = fc.array(fc.record({ role: fc.string(), content: fc.string({ unit: 'binary' }) }), { minLength: 2 })
    const reached = { members: 0 }
    fc.assert(
      fc.property(list, fc.nat(), (messages, where) => {
        const written = JSON.stringify(messages)
        const cut = 1 + (where % (written.length - 1))
        const read = (readCutJson(written.slice(0, cut)) ?? []) as readonly unknown[]
        const complete = messages.filter((_, index) => JSON.stringify(messages.slice(0, index + 1)).length <= cut)
        expect(read.slice(0, complete.length)).toEqual(complete)
        expect(read.length).toBeLessThanOrEqual(complete.length + 1)
        reached.members += complete.length
      }),
    )
    expect(reached.members).toBeGreaterThan(50)
  })
})
