import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packRecords, unpackRecords } from './packed.ts'

const record = fc.record({
  key: fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u001f', '😀'), maxLength: 3 }),
  value: fc.uint8Array({ maxLength: 20 }),
})

describe('packed records', () => {
  it('are the same records when they are unpacked, in their order', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const unpacked = unpackRecords(packRecords(records))
        expect(unpacked.map(({ key, value }) => ({ key, value: Uint8Array.from(value) }))).toEqual(records)
      }),
    )
  })

  it('lie alone in their memory, which can be transferred', () => {
    const packed = packRecords([{ key: 'k', value: Buffer.from('v') }])
    expect(packed.byteLength).toBe(packed.buffer.byteLength)
    const moved = structuredClone(packed, { transfer: [packed.buffer] })
    expect(packed.byteLength).toBe(0)
    expect(unpackRecords(moved)).toMatchObject([{ key: 'k' }])
  })
})
