import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextMemory } from './text-memory.ts'

/** A memory that counts how often each text was judged. */
function counting(limit: number) {
  const judged = new Map<string, number>()
  const memory = new TextMemory((text) => {
    judged.set(text, (judged.get(text) ?? 0) + 1)
    return text.toUpperCase()
  }, limit)
  return { memory, judged }
}

/** The same characters in another string, as a text that was decoded anew. */
const anew = (text: string) => Buffer.from(text, 'utf16le').toString('utf16le')

describe('a memory of texts', () => {
  it('judges a text once', () => {
    const { memory, judged } = counting(1000)
    for (let time = 0; time < 10; time += 1) {
      expect(memory.of(anew('what the user asked'))).toBe('WHAT THE USER ASKED')
    }
    expect(judged.get('what the user asked')).toBe(1)
  })

  it('tells texts apart that differ in one character, wherever it is', () => {
    const { memory } = counting(1_000_000)
    const base = 'x'.repeat(500)
    for (let round = 0; round < 2; round += 1) {
      for (let at = 0; at < base.length; at += 1) {
        const text = `${base.slice(0, at)}y${base.slice(at + 1)}`
        expect(memory.of(anew(text))).toBe(text.toUpperCase())
      }
    }
  })

  it('never keeps more than its limit, and no text that would take most of it', () => {
    const { memory, judged } = counting(1000)
    for (let text = 0; text < 300; text += 1) {
      memory.of(`${text} `.repeat(20))
      expect(memory.units).toBeLessThanOrEqual(1000)
    }
    expect(memory.units).toBeGreaterThan(500)
    const long = 'long '.repeat(100)
    memory.of(long)
    memory.of(long)
    expect(judged.get(long)).toBe(2)
  })

  it('answers as judging does, whatever comes in whatever order', () => {
    let remembered = 0
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 4 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (texts, limit) => {
          const { memory, judged } = counting(limit)
          for (const text of texts) {
            expect(memory.of(text)).toBe(text.toUpperCase())
          }
          remembered += texts.length - [...judged.values()].reduce((sum, count) => sum + count, 0)
        },
      ),
      { numRuns: 200 },
    )
    expect(remembered).toBeGreaterThan(50)
  })
})
