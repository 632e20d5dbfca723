/** A partition that is read ahead, without a broker: what is taken from answers and given to who asks. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionReader } from './fetcher.ts'
import { encodeBatch } from './record-batch.ts'

const MEBIBYTE = 1024 * 1024
const FACTS = { producerId: -1n, producerEpoch: -1, baseSequence: -1, timestampMs: 0, compression: 'none' } as const
const alive = new AbortController().signal

function batch(base: number, sizes: readonly number[]): Buffer {
  const bytes = encodeBatch(
    sizes.map((size) => ({ key: 'k', value: Buffer.alloc(size) })),
    FACTS,
  )
  bytes.writeBigInt64BE(BigInt(base), 0)
  return bytes
}

function reading(onRoom = () => undefined): PartitionReader {
  return new PartitionReader('events', 0, 0, onRoom)
}

describe('what is read ahead', () => {
  it('is given out once, in order, within the limits of each read, however answers were cut', async () => {
    const answers = fc.array(fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1 })), { maxLength: 5 })
    const limits = fc.record({
      maxRecords: fc.integer({ min: 1, max: 12 }),
      maxBytes: fc.integer({ min: 1, max: 2000 }),
      waitMs: fc.constant(0),
    })
    let between = 0
    await fc.assert(
      fc.asyncProperty(answers, fc.array(limits, { minLength: 1 }), async (taken, reads) => {
        const reader = reading()
        const offsets: number[] = []
        let written = 0
        const readOnce = async (index: number) => {
          const limit = reads[index % reads.length] as (typeof reads)[number]
          const found = await reader.read(limit, alive)
          expect(found.length).toBeLessThanOrEqual(limit.maxRecords)
          const bytes = found.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
          expect(found.length === 1 || bytes <= limit.maxBytes).toBe(true)
          offsets.push(...found.map(({ offset }) => offset))
          return found.length
        }
        for (const [index, batches] of taken.entries()) {
          const encoded = batches.map((sizes) => {
            written += sizes.length
            return batch(written - sizes.length, sizes)
          })
          reader.take(Buffer.concat(encoded))
          expect(reader.fetched).toBe(written)
          between += (await readOnce(index)) > 0 && offsets.length < written ? 1 : 0
        }
        for (let index = 0; (await readOnce(index)) > 0; index += 1) {}
        expect(offsets).toEqual(Array.from({ length: written }, (_, offset) => offset))
      }),
      { numRuns: 200 },
    )
    expect(between).toBeGreaterThan(50)
  })

  it('has a bound, and asks for more as soon as there is room again', async () => {
    let asked = 0
    const reader = reading(() => {
      asked += 1
    })
    for (let base = 0; base < 4; base += 1) {
      expect(reader.hasRoom).toBe(true)
      reader.take(batch(base, [MEBIBYTE]))
    }
    expect(reader.hasRoom).toBe(false)
    await reader.read({ maxRecords: 1, maxBytes: MEBIBYTE, waitMs: 0 }, alive)
    expect([reader.hasRoom, asked]).toEqual([false, 0])
    // The first is given out when the second is asked for.
    await reader.read({ maxRecords: 1, maxBytes: MEBIBYTE, waitMs: 0 }, alive)
    expect([reader.hasRoom, asked]).toEqual([true, 1])
  })
})
