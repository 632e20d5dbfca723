import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, takeUnits, type Unit } from './lane.ts'
import { type NewRecord, recordBytes } from './record-batch.ts'

const BATCH_BYTES = 900_000

const bytesOf = (records: readonly NewRecord[]) => records.reduce((sum, record) => sum + recordBytes(record), 0)

/** Records of which some are larger than a batch. Their memory is shared: only its length matters. */
const memory = new Uint8Array(2_000_000)
const records = fc.array(
  fc
    .oneof(fc.nat(1000), fc.nat(400_000), fc.integer({ min: 800_000, max: 2_000_000 }))
    .map((bytes): NewRecord => ({ key: 'agent', value: memory.subarray(0, bytes) })),
  { maxLength: 20 },
)

describe('cut', () => {
  it('keeps every record, in order, in parts that a batch can hold, or alone', () => {
    fc.assert(
      fc.property(records, (all) => {
        const parts = cut(all)
        expect(parts.flat()).toEqual(all)
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0)
          expect(part.length === 1 || bytesOf(part) <= BATCH_BYTES).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('makes no part that would have fitted into the one before', () => {
    fc.assert(
      fc.property(records, (all) => {
        const parts = cut(all)
        for (const [index, part] of parts.slice(1).entries()) {
          expect(bytesOf(parts[index] as NewRecord[]) + recordBytes(part[0] as NewRecord)).toBeGreaterThan(BATCH_BYTES)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('makes nothing of nothing', () => {
    expect(cut([])).toEqual([])
  })
})

describe('takeUnits', () => {
  const unit = (bytes: number, isAlone = false): Unit => ({
    records: [],
    headers: undefined,
    isAlone,
    bytes,
    sinceMs: 0,
    done: () => undefined,
    fail: () => undefined,
  })

  it('takes as much as a batch can hold, from the front', () => {
    const queue = [unit(400_000), unit(500_000), unit(1)]
    expect(takeUnits(queue).map(({ bytes }) => bytes)).toEqual([400_000, 500_000])
    expect(queue.map(({ bytes }) => bytes)).toEqual([1])
  })

  it('takes one that is larger than a batch by itself', () => {
    const queue = [unit(5_000_000), unit(1)]
    expect(takeUnits(queue).map(({ bytes }) => bytes)).toEqual([5_000_000])
    expect(queue).toHaveLength(1)
  })

  it('lets nothing before and nothing behind one that must be alone', () => {
    const queue = [unit(1), unit(2, true), unit(3), unit(4)]
    const taken = [takeUnits(queue), takeUnits(queue), takeUnits(queue)]
    expect(taken.map((units) => units.map(({ bytes }) => bytes))).toEqual([[1], [2], [3, 4]])
  })

  it('takes nothing from nothing', () => {
    expect(takeUnits([])).toEqual([])
  })

  it('takes everything in the end, in order, each time something', () => {
    const units = fc.array(fc.record({ bytes: fc.nat(1_200_000), isAlone: fc.boolean() }), { maxLength: 30 })
    fc.assert(
      fc.property(units, (wanted) => {
        const queue = wanted.map(({ bytes, isAlone }) => unit(bytes, isAlone))
        const all = [...queue]
        const taken: Unit[] = []
        while (queue.length > 0) {
          const batch = takeUnits(queue)
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length === 1 || batch.every(({ isAlone }) => !isAlone)).toBe(true)
          taken.push(...batch)
        }
        expect(taken).toEqual(all)
      }),
    )
  })
})
