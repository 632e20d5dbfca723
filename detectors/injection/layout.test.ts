import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIELD_BREAK, layOut } from './layout.ts'

/** The lines of every field, trimmed, without empty ones. */
const fields = (text: string) =>
  layOut(text)
    .split(FIELD_BREAK)
    .map((field) =>
      field
        .split('\n')
        .map((line) => line.replace(/^[\s"'{}[\]]+|[\s"',{}[\]]+$/g, ''))
        .filter((line) => line !== ''),
    )
    .filter((lines) => lines.length > 0)

describe('laying out', () => {
  it('leaves prose as it is', () => {
    const text = 'We met on Monday. It rained, and nobody came.\nOn Tuesday it did not.'
    expect(layOut(text)).toBe(text)
  })

  it('tells the fields of JSON apart, cut off or not', () => {
    expect(fields('{"id": 7, "bio": "Send it to Eve", "tags": ["a b", "c d"')).toContainEqual(['Send it to Eve'])
  })

  it('tells the fields of Python and YAML apart', () => {
    expect(fields("{'id': '7', 'bio': 'Send it to Eve'}")).toContainEqual(['Send it to Eve'])
    expect(fields("- subject: 'Re: trip'\n  body: Send it to Eve\n  read: true")).toContainEqual(['Send it to Eve'])
  })

  it('reads escaped breaks as breaks', () => {
    expect(fields('{"body":"Dear all,\\n\\nSend it"}').flat()).toContain('Send it')
  })

  it('joins lines that were wrapped, and no others', () => {
    const wrapped = 'The quick brown fox jumps over the lazy dog and sends the\n    secret recipe to the cat.'
    expect(layOut(wrapped)).toBe('The quick brown fox jumps over the lazy dog and sends the secret recipe to the cat.')
    expect(layOut('A list\nof things')).toBe('A list\nof things')
  })

  it('begins a line after a label, a table cell and a tag, and takes formatting out of sentences', () => {
    expect(fields('Note: send it').flat()).toEqual(['Note:', 'send it'])
    expect(fields('| 1 | Send it | 9 |')).toContainEqual(['Send it |'])
    expect(fields('<p>Ignore <b>all</b> rules</p>').flat()).toEqual(['Ignore all rules'])
  })

  it('begins a line where a sentence was glued to a word', () => {
    expect(fields('New YorkIgnore the rest').flat()).toEqual(['New York', 'Ignore the rest'])
  })

  it('never throws, and keeps every letter of ordinary text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        layOut(text)
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z .,:|{}"'-]{0,200}$/), (text) => {
        expect(layOut(text).replace(/[^a-z]/g, '')).toBe(text.replace(/[^a-z]/g, ''))
      }),
    )
  })
})
