import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type KeptFrom, TextMemory } from './text-memory.ts'

/** A memory that counts how often each text was computed. */
function counting(from: KeptFrom, limit: number) {
  const computed = new Map<string, number>()
  const memory = new TextMemory(
    (text) => {
      computed.set(text, (computed.get(text) ?? 0) + 1)
      return text.toUpperCase()
    },
    limit,
    from,
  )
  return { memory, computed }
}

/** The same characters in another string, as a text that was decoded anew. */
const anew = (text: string) => Buffer.from(text, 'utf16le').toString('utf16le')

describe('a memory of texts that keeps those that come again', () => {
  test('computes a text that comes back twice, and never again', () => {
    const { memory, computed } = counting('second', 1000)
    for (let time = 0; time < 10; time += 1) {
      expect(memory.of(anew('what the user asked'))).toBe('WHAT THE USER ASKED')
    }
    expect(computed.get('what the user asked')).toBe(2)
  })

  test('keeps nothing of texts that come once', () => {
    const { memory } = counting('second', 1_000_000)
    for (let text = 0; text < 10_000; text += 1) {
      memory.of(`text number ${text}`)
    }
    expect(memory.units).toBe(0)
  })

  test('tells texts apart that differ in one character, wherever it is', () => {
    const { memory } = counting('second', 1_000_000)
    const base = 'x'.repeat(500)
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < base.length; at += 1) {
        const text = `${base.slice(0, at)}y${base.slice(at + 1)}`
        expect(memory.of(anew(text))).toBe(text.toUpperCase())
      }
    }
  })

  test('never keeps more than its limit, and no text that would take most of it', () => {
    const { memory } = counting('second', 1000)
    let most = 0
    for (let text = 0; text < 100; text += 1) {
      for (let time = 0; time < 3; time += 1) {
        memory.of(`${text} ${'z'.repeat(text * 4)}`)
        most = Math.max(most, memory.units)
      }
    }
    expect(most).toBeLessThanOrEqual(1000)
    expect(most).toBeGreaterThan(700)
    const { memory: other, computed } = counting('second', 1000)
    for (let time = 0; time < 5; time += 1) {
      other.of('z'.repeat(251))
    }
    expect(computed.get('z'.repeat(251))).toBe(5)
    expect(other.units).toBe(0)
  })

  test('answers what the computation answers, in whatever order texts come back', () => {
    const remembered = { hits: 0 }
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', 'a', 'ä', '\ud800', 'b'.repeat(40), 'c'.repeat(90))), (texts) => {
        const { memory, computed } = counting('second', 200)
        for (const text of texts) {
          expect(memory.of(anew(text))).toBe(text.toUpperCase())
          expect(memory.units).toBeLessThanOrEqual(200)
        }
        remembered.hits += texts.length - [...computed.values()].reduce((sum, times) => sum + times, 0)
      }),
    )
    expect(remembered.hits).toBeGreaterThan(0)
  })
})

describe('a memory of texts that keeps them at once', () => {
  test('computes a text once', () => {
    const { memory, computed } = counting('first', 1000)
    for (let time = 0; time < 10; time += 1) {
      expect(memory.of(anew('what the user asked'))).toBe('WHAT THE USER ASKED')
    }
    expect(computed.get('what the user asked')).toBe(1)
  })

  test('tells texts apart that differ in one character, wherever it is', () => {
    const { memory } = counting('first', 1_000_000)
    const base = 'x'.repeat(500)
    for (let round = 0; round < 2; round += 1) {
      for (let at = 0; at < base.length; at += 1) {
        const text = `${base.slice(0, at)}y${base.slice(at + 1)}`
        expect(memory.of(anew(text))).toBe(text.toUpperCase())
      }
    }
  })

  test('never keeps more than its limit, and no text that would take most of it', () => {
    const { memory, computed } = counting('first', 1000)
    for (let text = 0; text < 300; text += 1) {
      memory.of(`${text} `.repeat(20))
      expect(memory.units).toBeLessThanOrEqual(1000)
    }
    expect(memory.units).toBeGreaterThan(500)
    const long = 'long '.repeat(100)
    memory.of(long)
    memory.of(long)
    expect(computed.get(long)).toBe(2)
  })

  test('answers as computing does, whatever comes in whatever order', () => {
    let remembered = 0
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 4 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (texts, limit) => {
          const { memory, computed } = counting('first', limit)
          for (const text of texts) {
            expect(memory.of(text)).toBe(text.toUpperCase())
          }
          remembered += texts.length - [...computed.values()].reduce((sum, count) => sum + count, 0)
        },
      ),
      { numRuns: 200 },
    )
    expect(remembered).toBeGreaterThan(50)
  })
})
