/**
 * Kafka's record batch, format v2 (https://kafka.apache.org/documentation/#recordbatch), written and read here rather
 * than by kafkajs: its reader ignores checksums and trusts counts, and its writer takes ten times as long a record
 * (`docs/decisions/0011-kafka.md` has the measurement).
 *
 * A batch is what the broker keeps or refuses as a whole: all of its records are there, or none.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { crc32c } from './crc32c.ts'
import { Cursor } from './cursor.ts'

/** A record to write. `value: null` is a tombstone: compaction removes the key. */
export interface NewRecord {
  readonly key: string | Uint8Array
  readonly value: Uint8Array | null
}

/** A record as read. Its bytes share memory with the response that it came in. */
export interface ReadRecord {
  readonly offset: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
  /** Where its batch said so: see `BatchFacts.headers`. Undefined where there are none. */
  readonly headers: Uint8Array | undefined
  /** The batch's checksum or lengths are wrong: `value` is the batch as it came, and one record stands for all of it. */
  readonly isDamaged?: true
}

/** What all records of a batch share. */
export interface BatchFacts {
  /** From `InitProducerId`. */
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the first record; the broker recognises a batch that it has already by it. */
  readonly baseSequence: number
  readonly timestampMs: number
  readonly compression: 'none' | 'gzip'
  /** Headers of every record, as `record-headers.ts` makes them. */
  readonly headers?: Uint8Array
}

const MAGIC = 2
const HEADER_BYTES = 61
/** Where the part begins that the length counts, and the one that the checksum covers. */
const AFTER_LENGTH = 12
const CHECKED_FROM = 21
const COMPRESSION_MASK = 0x07
const GZIP = 1
const CONTROL = 0x20
const NO_HEADERS = Uint8Array.of(0)
/** Inflated; more is a bomb, not a batch. */
const MAX_INFLATED_BYTES = 128 * 1024 * 1024

/** Compression that this reader has no code for: an operator's setting to change, not a damaged record. */
export class UnknownCompression extends Error {
  /** Of the first record that cannot be read. */
  readonly offset: number

  constructor(codec: number, offset: number) {
    super(`records are compressed with ${CODECS[codec] ?? `codec ${codec}`}, and only gzip and none can be read`)
    this.offset = offset
  }
}

const CODECS: Readonly<Record<number, string>> = { 2: 'snappy', 3: 'lz4', 4: 'zstd' }

/** Upper bound of what a record takes in a batch, beside its headers. For cutting batches. */
export function recordBytes({ key, value }: NewRecord): number {
  return (typeof key === 'string' ? key.length * 3 : key.length) + (value?.length ?? 0) + 26
}

/** What `encodeBatch` needs at most. */
export function batchBytes(records: readonly NewRecord[], headers: Uint8Array = NO_HEADERS): number {
  let most = HEADER_BYTES
  for (const record of records) {
    most += recordBytes(record) + headers.length
  }
  return most
}

/** @param memory to write into, of `batchBytes` at least; it is part of the result, unless that is compressed. */
export function encodeBatch(records: readonly NewRecord[], facts: BatchFacts, memory?: Buffer): Buffer {
  const headers = facts.headers ?? NO_HEADERS
  const buffer = memory ?? Buffer.allocUnsafe(batchBytes(records, headers))
  let at = HEADER_BYTES
  for (let index = 0; index < records.length; index += 1) {
    at = writeRecord(buffer, at, records[index] as NewRecord, index, headers)
  }
  const isGzip = facts.compression === 'gzip'
  const batch = isGzip
    ? Buffer.concat([buffer.subarray(0, HEADER_BYTES), gzipSync(buffer.subarray(HEADER_BYTES, at), { level: 1 })])
    : buffer.subarray(0, at)
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - AFTER_LENGTH, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(isGzip ? GZIP : 0, 21)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(facts.timestampMs), 27)
  batch.writeBigInt64BE(BigInt(facts.timestampMs), 35)
  batch.writeBigInt64BE(facts.producerId, 43)
  batch.writeInt16BE(facts.producerEpoch, 51)
  batch.writeInt32BE(facts.baseSequence, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch, CHECKED_FROM), 17)
  return batch
}

function writeRecord(buffer: Buffer, start: number, record: NewRecord, index: number, headers: Uint8Array): number {
  const { key, value } = record
  const keyBytes = typeof key === 'string' ? Buffer.byteLength(key) : key.length
  const valueBytes = value === null ? 0 : value.length
  const size =
    2 +
    varintBytes(index * 2) +
    varintBytes(keyBytes * 2) +
    keyBytes +
    (value === null ? 1 : varintBytes(valueBytes * 2)) +
    valueBytes +
    headers.length
  let at = writeVarint(buffer, start, size * 2)
  buffer[at] = 0
  buffer[at + 1] = 0
  at = writeVarint(buffer, at + 2, index * 2)
  at = writeVarint(buffer, at, keyBytes * 2)
  if (typeof key === 'string') {
    buffer.write(key, at)
  } else {
    buffer.set(key, at)
  }
  at += keyBytes
  if (value === null) {
    at = writeVarint(buffer, at, 1)
  } else {
    at = writeVarint(buffer, at, valueBytes * 2)
    buffer.set(value, at)
    at += valueBytes
  }
  buffer.set(headers, at)
  return at + headers.length
}

/** Of an unsigned number below 2^32; signed ones are "zigzagged" before: non-negative n is 2n, and -1 is 1. */
function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  while (rest >= 0x80) {
    buffer[at] = (rest & 0x7f) | 0x80
    rest >>>= 7
    at += 1
  }
  buffer[at] = rest
  return at + 1
}

/** A batch of a response whose checksum is right, or that is known to be damaged; `recordsOf` reads it. */
export interface CutBatch {
  readonly bytes: Buffer
  /** What lies before is not wanted: a fetch begins with the whole batch that holds its offset. */
  readonly from: number
  /** The offset after its last. */
  readonly reach: number
  readonly isDamaged: boolean
}

/**
 * Cuts one partition's part of a response into its batches, up to the first that is not whole: the next fetch begins with
 * that. Control batches are left out. Brokers send the first batch whole, however large; one that is not is damaged.
 *
 * @returns `next`, the offset to fetch next: beyond `from` whenever there were any bytes.
 */
export function cutBatches(
  bytes: Uint8Array,
  from: number,
): { readonly batches: readonly CutBatch[]; readonly next: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const batches: CutBatch[] = []
  let next = from
  for (let at = 0; at < buffer.length; ) {
    const batch = batchAt(buffer, at)
    const reach = batch === undefined || !isIntact(batch) ? next : reachOf(batch)
    if (batch === undefined || reach <= next) {
      if (at === 0) {
        const damaged = batch ?? buffer
        next = reachOfDamaged(damaged, from)
        batches.push({ bytes: damaged, from, reach: next, isDamaged: true })
      }
      break
    }
    if ((batch.readInt16BE(21) & CONTROL) === 0) {
      batches.push({ bytes: batch, from: next, reach, isDamaged: false })
    }
    next = reach
    at += batch.length
  }
  return { batches, next }
}

/** The records of a batch that are wanted. @throws UnknownCompression */
export function recordsOf(batch: CutBatch): readonly ReadRecord[] {
  const records: ReadRecord[] = []
  readBatch(batch, records)
  return records
}

/** Reads all batches of a part of a response at once, or as many as may be inflated at once. @throws UnknownCompression */
export function decodeBatches(
  bytes: Uint8Array,
  from: number,
): { readonly records: readonly ReadRecord[]; readonly next: number } {
  const { batches, next } = cutBatches(bytes, from)
  const records: ReadRecord[] = []
  let room = MAX_INFLATED_BYTES
  for (const batch of batches) {
    if (room <= 0) {
      return { records, next: batch.from }
    }
    room -= readBatch(batch, records)
  }
  return { records, next }
}

/** The batch that begins there; undefined when it is cut off, or its length lies. */
function batchAt(buffer: Buffer, at: number): Buffer | undefined {
  if (at + HEADER_BYTES > buffer.length) {
    return undefined
  }
  const end = at + AFTER_LENGTH + buffer.readInt32BE(at + 8)
  return end > buffer.length || end < at + HEADER_BYTES ? undefined : buffer.subarray(at, end)
}

function isIntact(batch: Buffer): boolean {
  return batch[16] === MAGIC && crc32c(batch, CHECKED_FROM) === batch.readUInt32BE(17)
}

/** The offset after the last that a batch holds, or held before compaction. */
function reachOf(batch: Buffer): number {
  return baseOf(batch) + Math.max(batch.readInt32BE(23), 0) + 1
}

/** Two fields say how many records there were. When they differ one offset is given up, and not those of a neighbour. */
function reachOfDamaged(batch: Buffer, from: number): number {
  if (batch.length < HEADER_BYTES) {
    return from + 1
  }
  const count = batch.readInt32BE(57)
  const isTold = count > 0 && count <= batch.length && count === batch.readInt32BE(23) + 1
  return isTold ? Math.max(from + 1, baseOf(batch) + count) : from + 1
}

function baseOf(batch: Buffer): number {
  return Number(batch.readBigInt64BE(0))
}

function damagedRecord(batch: Buffer, offset: number): ReadRecord {
  return { offset, key: undefined, value: batch, headers: undefined, isDamaged: true }
}

/** @returns how many bytes its records take, inflated. */
function readBatch({ bytes: batch, from, reach, isDamaged }: CutBatch, into: ReadRecord[]): number {
  if (isDamaged) {
    into.push(damagedRecord(batch, reach - 1))
    return batch.length
  }
  const codec = batch.readInt16BE(21) & COMPRESSION_MASK
  if (codec > GZIP) {
    throw new UnknownCompression(codec, from)
  }
  const before = into.length
  const bytes = codec === GZIP ? inflated(batch) : batch.subarray(HEADER_BYTES)
  const facts = { base: baseOf(batch), count: batch.readInt32BE(57), from, reach }
  if (bytes === undefined || !decodeRecords(bytes, facts, into)) {
    into.length = before
    into.push(damagedRecord(batch, reach - 1))
  }
  return bytes?.length ?? 0
}

function inflated(batch: Buffer): Buffer | undefined {
  try {
    return gunzipSync(batch.subarray(HEADER_BYTES), { maxOutputLength: MAX_INFLATED_BYTES })
  } catch {
    return undefined
  }
}

interface RecordFacts {
  readonly base: number
  readonly count: number
  readonly from: number
  readonly reach: number
}

/** Whether every length was within the batch, and every offset where it belongs. */
function decodeRecords(bytes: Buffer, { base, count, from, reach }: RecordFacts, into: ReadRecord[]): boolean {
  const cursor = new Cursor(bytes, 0, bytes.length)
  let last = base - 1
  for (let index = 0; index < count; index += 1) {
    const size = cursor.varint()
    const end = cursor.at + size
    if (size < 0 || end > bytes.length) {
      return false
    }
    cursor.at += 1
    cursor.skipVarint()
    const offset = base + cursor.varint()
    const key = cursor.bytes()
    const value = cursor.bytes()
    if (cursor.isDamaged || cursor.at > end || offset <= last || offset >= reach) {
      return false
    }
    if (offset >= from) {
      const headers = bytes[cursor.at] === 0 ? undefined : bytes.subarray(cursor.at, end)
      into.push({ offset, key, value, headers })
    }
    last = offset
    cursor.at = end
  }
  return count >= 0
}
