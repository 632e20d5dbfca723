import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partitionOf } from '../partition-of.ts'
import { decodeState, encodeState, logKey, offsetOf, placeKey, stateKey } from './keys.ts'

const OFFSET = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

describe('keys of the log', () => {
  test('sort as their offsets do, and give them back', () => {
    fc.assert(
      fc.property(OFFSET, OFFSET, (left, right) => {
        const order = Buffer.compare(logKey('events', 3, left), logKey('events', 3, right))
        expect(order).toBe(Math.sign(left - right))
        expect(offsetOf(logKey('events', 3, left))).toBe(left)
      }),
    )
  })

  test('of one partition lie together', () => {
    const last = logKey('events', 0, Number.MAX_SAFE_INTEGER)
    expect(Buffer.compare(last, logKey('events', 1, 0))).toBe(-1)
    expect(Buffer.compare(logKey('events', 1023, 0), logKey('findings', 0, 0))).toBe(-1)
  })
})

describe('keys of state', () => {
  const place = placeKey(1, 'events', 0)

  test('are told apart however long and alike they are, and fit the store', () => {
    const long = 'x'.repeat(100_000)
    const keys = ['', 'x', 'x\0', long, `${long}y`, 'é'.repeat(3000)].map((key) => stateKey(place, key))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length)
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(1978)
  })

  test('come back with their values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), (key, value) => {
        expect(decodeState(encodeState(key, value))).toEqual({ key, value: Buffer.from(value) })
      }),
    )
  })
})

describe('the partition of a key', () => {
  test('never changes: data directories depend on it', () => {
    const keys = ['', 'a', 'tenant\u001fagent-1', 'tenant\u001fagent-2', '😀']
    expect(keys.map((key) => partitionOf(key, 16))).toMatchInlineSnapshot(`
      [
        11,
        3,
        1,
        1,
        6,
      ]
    `)
    expect(keys.map((key) => partitionOf(key, 1))).toEqual([0, 0, 0, 0, 0])
  })

  test('spreads keys that are much alike', () => {
    for (const partitions of [2, 3, 8, 12]) {
      const counts = new Array<number>(partitions).fill(0)
      for (let agent = 0; agent < 12_000; agent += 1) {
        const partition = partitionOf(`tenant\u001fagent-${agent}`, partitions)
        counts[partition] = (counts[partition] ?? 0) + 1
      }
      expect(Math.min(...counts)).toBeGreaterThan((12_000 / partitions) * 0.85)
    }
  })
})
