import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'
import { kafkajs } from './kafkajs.ts'
import {
  type BatchFacts,
  decodeBatches,
  encodeBatch,
  type NewRecord,
  recordBytes,
  UnknownCompression,
} from './record-batch.ts'
import { decodeHeaders, encodeHeaders } from './record-headers.ts'

/** What kafkajs' encoders give. */
interface Encoded {
  readonly buffer: Buffer
}

const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<Encoded>
}
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoded
const decodeByKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{
  records: readonly { offset: string; key: Buffer; value: Buffer | null; headers: Record<string, Buffer> }[]
  producerId: string
  producerEpoch: number
  firstSequence: number
  firstTimestamp: string
}>

const FACTS: BatchFacts = {
  producerId: 7n,
  producerEpoch: 2,
  baseSequence: 40,
  timestampMs: 1_700_000_000_000,
  compression: 'none',
}

const OFFSET = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 100 })
const RECORDS: fc.Arbitrary<readonly NewRecord[]> = fc.array(
  fc.record({
    key: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.uint8Array({ maxLength: 100 })),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
  }),
  { minLength: 1, maxLength: 200 },
)
const COMPRESSION = fc.constantFrom('none' as const, 'gzip' as const)

/** As the broker stores it: the offset is the broker's, and outside the checksum. */
function at(offset: number, batch: Buffer): Buffer {
  const stored = Buffer.from(batch)
  stored.writeBigInt64BE(BigInt(offset), 0)
  return stored
}

function batchOf(offset: number, values: readonly string[], facts: Partial<BatchFacts> = {}): Buffer {
  const records = values.map((value) => ({ key: 'agent', value: Buffer.from(value) }))
  return at(offset, encodeBatch(records, { ...FACTS, ...facts }))
}

/** What a liar would write: changed, with a checksum that is right. */
function lying(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const changed = Buffer.from(batch)
  change(changed)
  changed.writeUInt32BE(crc32c(changed, 21), 17)
  return changed
}

function withBody(batch: Buffer, body: Buffer, attributes = 0): Buffer {
  const whole = Buffer.concat([batch.subarray(0, 61), body])
  whole.writeInt32BE(whole.length - 12, 8)
  return lying(whole, (changed) => changed.writeInt16BE(attributes, 21))
}

const plain = (records: readonly NewRecord[], base: number) =>
  records.map(({ key, value }, index) => ({
    offset: base + index,
    key: Buffer.from(key as string),
    value: value === null ? undefined : Buffer.from(value),
  }))

function read(bytes: Buffer, from: number) {
  const { records, next } = decodeBatches(bytes, from)
  return {
    next,
    records: records.map(({ offset, key, value, isDamaged }) => {
      const copied = { offset, key: key && Buffer.from(key), value: value && Buffer.from(value) }
      return isDamaged === undefined ? copied : { offset, isDamaged }
    }),
  }
}

const valuesIn = (bytes: Buffer, from: number) =>
  read(bytes, from).records.map((record) => ('value' in record ? `${record.value}` : 'damaged'))

describe('a batch', () => {
  it('gives back what was written, from any offset in it', () => {
    fc.assert(
      fc.property(RECORDS, OFFSET, COMPRESSION, fc.nat(), (records, base, compression, skip) => {
        const batch = at(base, encodeBatch(records, { ...FACTS, compression }))
        const from = base + (skip % records.length)
        expect(read(batch, from)).toEqual({
          next: base + records.length,
          records: plain(records, base).slice(from - base),
        })
      }),
    )
  })

  it('is read by kafkajs', async () => {
    await fc.assert(
      fc.asyncProperty(RECORDS, COMPRESSION, async (records, compression) => {
        const headers = encodeHeaders({ e: Buffer.from('stamp'), f: Buffer.alloc(0) })
        const batch = at(11, encodeBatch(records, { ...FACTS, compression, headers }))
        const found = await decodeByKafkajs(new kafkajs.Decoder(batch))
        expect(found).toMatchObject({
          producerId: '7',
          producerEpoch: 2,
          firstSequence: 40,
          firstTimestamp: '1700000000000',
        })
        expect(
          found.records.map(({ offset, key, value }) => ({ offset: Number(offset), key, value: value ?? undefined })),
        ).toEqual(plain(records, 11))
        for (const record of found.records) {
          expect(record.headers).toEqual({ e: Buffer.from('stamp'), f: Buffer.alloc(0) })
        }
      }),
    )
  })

  it('of kafkajs is read', async () => {
    await fc.assert(
      fc.asyncProperty(RECORDS, OFFSET, COMPRESSION, async (records, base, compression) => {
        const written = await RecordBatch({
          compression: compression === 'gzip' ? 1 : 0,
          firstOffset: base,
          lastOffsetDelta: records.length - 1,
          records: records.map(({ key, value }, index) =>
            encodeRecord({
              offsetDelta: index,
              timestampDelta: index * 1000,
              key: Buffer.from(key as string),
              value: value === null ? null : Buffer.from(value),
              headers: { name: Buffer.from('value') },
            }),
          ),
        })
        expect(read(written.buffer, base)).toEqual({ next: base + records.length, records: plain(records, base) })
        for (const { headers } of decodeBatches(written.buffer, base).records) {
          expect(decodeHeaders(headers)).toEqual(new Map([['name', Buffer.from('value')]]))
        }
      }),
      { numRuns: 50 },
    )
  })

  it('takes no more room than was said, beside its header', () => {
    fc.assert(
      fc.property(RECORDS, (records) => {
        const most = records.reduce((sum, record) => sum + recordBytes(record) + 1, 61)
        expect(encodeBatch(records, FACTS).length).toBeLessThanOrEqual(most)
      }),
    )
  })

  it('holds keys and values whose lengths need every size of number', () => {
    for (const bytes of [0, 63, 64, 8191, 8192, 1_048_575, 1_048_576]) {
      const record = { key: 'k'.repeat(bytes), value: Buffer.alloc(bytes, 'v') }
      const [found] = decodeBatches(encodeBatch([record], FACTS), 0).records
      expect(Buffer.from(record.key).equals(found?.key ?? Buffer.alloc(0))).toBe(true)
      expect(record.value.equals(found?.value ?? Buffer.alloc(0))).toBe(true)
    }
  })
})

describe('the batches of an answer', () => {
  const two = Buffer.concat([batchOf(5, ['a', 'b']), batchOf(9, ['c'])])

  it('are read one after the other, with the gaps that compaction leaves', () => {
    expect(read(two, 5).records.map(({ offset }) => offset)).toEqual([5, 6, 9])
    expect(read(two, 5).next).toBe(10)
  })

  it('begin with the one that holds the offset: what lies before it is left out', () => {
    expect(valuesIn(two, 6)).toEqual(['b', 'c'])
  })

  it('may be cut off at the end: what is whole is read, the rest is left', () => {
    const first = batchOf(5, ['a', 'b']).length
    for (let length = first; length < two.length; length += 1) {
      expect(valuesIn(two.subarray(0, length), 5)).toEqual(['a', 'b'])
      expect(decodeBatches(two.subarray(0, length), 5).next).toBe(7)
    }
  })

  it('hold the marks of transactions, which are not records', () => {
    const control = lying(batchOf(7, ['commit']), (batch) => batch.writeInt16BE(0x20, 21))
    const bytes = Buffer.concat([batchOf(5, ['a', 'b']), control, batchOf(8, ['c'])])
    expect(valuesIn(bytes, 5)).toEqual(['a', 'b', 'c'])
    expect(read(control, 7)).toEqual({ next: 8, records: [] })
  })

  it.each([
    [2, 'snappy'],
    [3, 'lz4'],
    [4, 'zstd'],
    [7, 'codec 7'],
  ])('compressed with codec %i are not damaged, but nothing that this can read: %s', (codec, name) => {
    const batch = lying(batchOf(5, ['a']), (changed) => changed.writeInt16BE(codec, 21))
    expect(() => decodeBatches(batch, 5)).toThrow(UnknownCompression)
    expect(() => decodeBatches(batch, 5)).toThrow(`records are compressed with ${name}, and only gzip and none`)
  })
})

describe('a damaged batch', () => {
  const values = ['one', 'two', 'three']
  const whole = read(batchOf(5, values), 5).records
  const damaged = { next: 8, records: [{ offset: 7, isDamaged: true }] }
  const after = batchOf(8, ['after'])

  it.each(['none', 'gzip'] as const)('is one poisoned record, whichever byte was changed (%s)', (compression) => {
    const batch = batchOf(5, values, { compression })
    for (let byte = 12; byte < batch.length; byte += 1) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        const changed = Buffer.from(batch)
        changed.writeUInt8(changed.readUInt8(byte) ^ mask, byte)
        const said = `byte ${byte} ^ ${mask}`
        if (byte < 16) {
          // The leader's epoch says nothing about the records.
          expect(read(changed, 5).records, said).toEqual(whole)
        } else if ((byte >= 23 && byte < 27) || (byte >= 57 && byte < 61)) {
          // How far it reaches is not known then, and the offsets of others are not given up for it.
          expect(read(changed, 5), said).toEqual({ next: 6, records: [{ offset: 5, isDamaged: true }] })
        } else {
          expect(read(changed, 5), said).toEqual(damaged)
        }
      }
    }
  })

  it('ends what is read of an answer: neither those before nor those behind it are lost', () => {
    const changed = batchOf(5, values)
    changed.writeUInt8(changed.readUInt8(70) ^ 1, 70)
    const before = batchOf(3, ['x', 'y'])
    expect(read(Buffer.concat([before, changed, after]), 3).next).toBe(5)
    expect(valuesIn(Buffer.concat([before, changed, after]), 3)).toEqual(['x', 'y'])
    expect(read(Buffer.concat([changed, after]), 5)).toEqual(damaged)
    expect(valuesIn(after, 8)).toEqual(['after'])
  })

  it('is given as it came', () => {
    const changed = batchOf(5, values)
    changed.writeUInt8(changed.readUInt8(70) ^ 1, 70)
    const [record] = decodeBatches(changed, 5).records
    expect(Buffer.from(record?.value ?? [])).toEqual(changed)
  })

  it('with a length that lies never holds up the reader', () => {
    for (let byte = 8; byte < 12; byte += 1) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        const changed = Buffer.concat([batchOf(5, values), after])
        changed.writeUInt8(changed.readUInt8(byte) ^ mask, byte)
        expect(read(changed, 5), `byte ${byte}`).toEqual(damaged)
        const second = Buffer.concat([batchOf(3, ['x', 'y']), changed])
        expect(read(second, 3).next, `byte ${byte}`).toBe(5)
      }
    }
  })

  it('at an offset that lies never holds up the reader', () => {
    for (const offset of [-1, 0, 97]) {
      expect(read(at(offset, batchOf(5, values)), 100)).toEqual({
        next: 101,
        records: [{ offset: 100, isDamaged: true }],
      })
    }
    expect(read(Buffer.concat([batchOf(5, values), batchOf(2, ['again'])]), 5)).toEqual({ next: 8, records: whole })
  })

  it('of an older format is one, too', () => {
    for (const magic of [0, 1, 3, 255]) {
      const old = batchOf(5, values)
      old.writeUInt8(magic, 16)
      expect(read(old, 5)).toEqual(damaged)
    }
    // As short as they were before headers were 61 bytes: an offset, a size, a checksum, the format, key and value.
    const message = Buffer.alloc(30)
    message.writeBigInt64BE(5n, 0)
    message.writeInt32BE(18, 8)
    const { records, next } = read(Buffer.concat([message, message, message]), 5)
    expect(records).toEqual([{ offset: 5, isDamaged: true }])
    expect(next).toBe(6)
  })

  it.each<[string, (batch: Buffer) => void]>([
    ['more records than there are', (batch) => batch.writeInt32BE(4, 57)],
    ['a thousand million records', (batch) => batch.writeInt32BE(0x7fff_ffff, 57)],
    ['fewer records than none', (batch) => batch.writeInt32BE(-1, 57)],
    ['a record longer than the batch', (batch) => batch.writeUInt8(0x7e, 61)],
    ['a record of no length', (batch) => batch.writeUInt8(0, 61)],
    ['a record of negative length', (batch) => batch.writeUInt8(1, 61)],
    ['a record whose length has no end', (batch) => batch.fill(0xff, 61)],
    ['a record of another offset', (batch) => batch.writeUInt8(20, 64)],
    ['a record before the first', (batch) => batch.writeUInt8(1, 64)],
    ['a key longer than its record', (batch) => batch.writeUInt8(0x7e, 65)],
    ['a key of negative length', (batch) => batch.writeUInt8(3, 65)],
  ])('is one whose checksum is right and that claims %s', (_, change) => {
    expect(read(lying(batchOf(5, values), change), 5)).toEqual(damaged)
  })

  it('is one that reaches less far than its records', () => {
    const short = lying(batchOf(5, values), (batch) => batch.writeInt32BE(0, 23))
    const negative = lying(batchOf(5, values), (batch) => batch.writeInt32BE(-5, 23))
    expect(read(short, 5)).toEqual({ next: 6, records: [{ offset: 5, isDamaged: true }] })
    expect(read(negative, 5)).toEqual({ next: 6, records: [{ offset: 5, isDamaged: true }] })
  })

  it('is one that is not gzip, or only the beginning of it', () => {
    const batch = batchOf(5, values)
    const body = gzipSync(batch.subarray(61))
    expect(valuesIn(withBody(batch, body, 1), 5)).toEqual(values)
    expect(read(withBody(batch, batch.subarray(61), 1), 5)).toEqual(damaged)
    expect(read(withBody(batch, body.subarray(0, -9), 1), 5)).toEqual(damaged)
  })

  it('is one that inflates beyond all bounds, which costs no more than the bound', () => {
    const bomb = withBody(batchOf(5, values), gzipSync(Buffer.alloc(130 * 1024 * 1024), { level: 1 }), 1)
    const before = process.memoryUsage().rss
    expect(read(bomb, 5)).toEqual(damaged)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
  })
})

describe('batches that inflate much', () => {
  it('are read a few at a time', () => {
    const record = { key: '', value: Buffer.alloc(70 * 1024 * 1024) }
    const batch = encodeBatch([record], { ...FACTS, compression: 'gzip' })
    const { records, next } = decodeBatches(Buffer.concat([0, 1, 2].map((offset) => at(offset, batch))), 0)
    expect(records.map(({ offset, isDamaged }) => isDamaged ?? offset)).toEqual([0, 1])
    expect(next).toBe(2)
  })
})

describe('any bytes', () => {
  it('are read to an end, without an error other than of compression', () => {
    const any = fc.uint8Array({ maxLength: 400 })
    // Those that look like a batch come further.
    const likely = fc.tuple(any, fc.nat(3), fc.boolean()).map(([bytes, attributes, isWhole]) => {
      const batch = Buffer.concat([Buffer.alloc(61), bytes])
      batch.writeInt32BE(batch.length - 12, 8)
      batch.writeUInt8(2, 16)
      batch.writeInt32BE(bytes.length, 57)
      return isWhole ? lying(batch, (changed) => changed.writeInt16BE(attributes, 21)) : batch
    })
    fc.assert(
      fc.property(fc.oneof(any, likely), fc.nat(1000), (bytes, from) => {
        try {
          const { records, next } = decodeBatches(bytes, from)
          expect(next > from).toBe(bytes.length > 0)
          expect(records.length).toBeLessThanOrEqual(bytes.length)
          for (const { headers, offset } of records) {
            expect(offset).toBeGreaterThanOrEqual(from)
            expect(offset).toBeLessThan(next)
            decodeHeaders(headers)
          }
        } catch (error) {
          if (!(error instanceof UnknownCompression)) {
            throw error
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
