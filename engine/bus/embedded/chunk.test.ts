import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BusRecord } from '../bus.ts'
import { recordBytes } from '../record-bytes.ts'
import { CHUNK_TARGET_BYTES, ChunkReader, chunkFacts, cutIntoChunks, encodeChunk } from './chunk.ts'

const RECORDS: fc.Arbitrary<BusRecord[]> = fc.array(
  fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: fc.uint8Array({ maxLength: 50 }) }),
  { minLength: 1, maxLength: 20 },
)
const OFFSET = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 100 })

function readFrom(chunk: Buffer, base: number, from = base) {
  const reader = new ChunkReader(chunk, base)
  reader.skipTo(from)
  const records = []
  while (reader.position < reader.end) {
    records.push(reader.next())
  }
  return records
}

describe('a chunk', () => {
  test('gives back what was put in, from any offset in it', () => {
    fc.assert(
      fc.property(RECORDS, OFFSET, fc.nat(), (records, base, skip) => {
        const chunk = encodeChunk(records, base, 1234)
        const from = base + (skip % (records.length + 1))
        const expected = records.map(({ key, value }, index) => ({
          offset: base + index,
          key,
          value: Buffer.from(value),
        }))
        expect(readFrom(chunk, base, from)).toEqual(expected.slice(from - base))
        expect(chunkFacts(chunk)).toEqual({ base, count: records.length, appendedMs: 1234, bytes: chunk.length })
      }),
    )
  })

  test('with any byte changed, or cut anywhere, is found damaged', () => {
    const records = [
      { key: 'agent-1', value: Buffer.from('one') },
      { key: '', value: Buffer.alloc(0) },
    ]
    const chunk = encodeChunk(records, 7, 1234)
    for (let at = 0; at < chunk.length; at += 1) {
      // Bytes 1 to 3 say nothing.
      if (at === 0 || at > 3) {
        const changed = Buffer.from(chunk)
        changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at)
        expect(() => readFrom(changed, 7), `byte ${at}`).toThrow(/checksum|version/)
      }
      expect(() => readFrom(chunk.subarray(0, at), 7), `cut at ${at}`).toThrow(/checksum|cut short/)
    }
  })

  test('in another place than its own is refused', () => {
    const chunk = encodeChunk([{ key: 'a', value: Buffer.alloc(1) }], 7, 0)
    expect(() => new ChunkReader(chunk, 8)).toThrow('the chunk belongs at offset 7')
  })
})

describe('cutting into chunks', () => {
  const sizes = fc.array(fc.constantFrom(0, 10, 400_000, CHUNK_TARGET_BYTES, CHUNK_TARGET_BYTES + 5), { maxLength: 12 })

  test('keeps every record in order, and no chunk large unless one record is', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const records = all.map((size) => ({ key: 'k', value: { byteLength: size } as Uint8Array }))
        const runs = cutIntoChunks(records)
        expect(runs.flat()).toEqual(records)
        for (const run of runs) {
          const bytes = run.reduce((sum, record) => sum + recordBytes(record), 0)
          expect(run.length === 1 || bytes <= CHUNK_TARGET_BYTES).toBe(true)
        }
      }),
    )
  })

  test('makes few: small records share one', () => {
    const records = Array.from({ length: 500 }, () => ({ key: 'k', value: Buffer.alloc(1500) }))
    expect(cutIntoChunks(records)).toHaveLength(1)
  })
})
