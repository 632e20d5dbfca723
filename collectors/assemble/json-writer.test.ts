import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonWriter } from './json-writer.ts'

const texts = (writer: JsonWriter) => Buffer.from(writer.take()).toString('utf8')

function written(value: unknown): string {
  const writer = new JsonWriter()
  writer.value(value)
  return texts(writer)
}

describe('JSON writer', () => {
  it('writes what JSON.stringify writes', () => {
    let escaped = 0
    const value = fc.jsonValue({ maxDepth: 4 })
    const string = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(fc.oneof(value, string, fc.dictionary(string, value)), (any) => {
        const expected = JSON.stringify(any)
        expect(written(any)).toBe(Buffer.from(expected).toString('utf8'))
        escaped += expected.includes('\\') ? 1 : 0
      }),
    )
    expect(escaped).toBeGreaterThan(10)
  })

  it.each([
    ['a member that is undefined', { a: undefined, b: 1 }, '{"b":1}'],
    ['an undefined place in a list', [undefined, 1], '[null,1]'],
    ['what is no number', [Number.NaN, Number.POSITIVE_INFINITY], '[null,null]'],
    ['a lone surrogate', ['\ud800'], '["\\ud800"]'],
    ['the parts of a key', ['call\ndefault\n'], '["call\\ndefault\\n"]'],
    ['delete', ['\u007f'], '["\u007f"]'],
    ['hostile names', JSON.parse('{"__proto__":"x"}'), '{"__proto__":"x"}'],
  ])('treats %s as JSON does', (_, value, expected) => {
    expect(written(value)).toBe(expected)
    expect(written(value)).toBe(JSON.stringify(value))
  })

  it('writes texts longer than its buffer, one after the other', () => {
    const writer = new JsonWriter()
    const long = 'ä"'.repeat(700_000)
    writer.value(long)
    const first = writer.take()
    writer.text('[')
    writer.bytes(Buffer.from('{"ö":1}'))
    writer.text(']')
    expect(writer.size).toBe(10)
    expect(texts(writer)).toBe('[{"ö":1}]')
    expect(Buffer.from(first).toString('utf8')).toBe(JSON.stringify(long))
  })

  it('leaves what was taken as it is when it needs a larger buffer', () => {
    const writer = new JsonWriter()
    writer.value('first')
    const first = writer.take()
    writer.value('x'.repeat(500_000))
    const second = writer.take()
    writer.value('y'.repeat(900_000))
    writer.take()
    expect(Buffer.from(first).toString()).toBe('"first"')
    expect(Buffer.from(second).toString()).toBe(`"${'x'.repeat(500_000)}"`)
  })

  it('leaves what was taken as it is until the turn after the next', () => {
    const writer = new JsonWriter()
    const take = (text: string) => {
      writer.turn()
      writer.value(text)
      return writer.take()
    }
    const first = take('one')
    const second = take('two')
    expect(Buffer.from(first).toString()).toBe('"one"')
    take('six')
    expect(Buffer.from(first).toString()).toBe('"six"')
    expect(Buffer.from(second).toString()).toBe('"two"')
  })
})
