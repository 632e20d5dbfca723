/**
 * A chunk: the records that one transaction appended to one partition, as one value of the store. One value per
 * record costs a tree node each; one per chunk writes pages in a row, is read back with one copy, and is what
 * retention deletes. Every chunk carries a checksum, because the store has none of its own.
 *
 * Layout, little endian: version u8, 3 unused, CRC-32 u32 of everything after it, base offset f64, appended-at f64
 * (ms), record count u32, 4 unused; then the records (`record-bytes.ts`).
 */
import { crc32 } from 'node:zlib'
import type { BusRecord, StoredRecord } from '../bus.ts'
import { recordAt, recordBytes, writeRecord } from '../record-bytes.ts'

const VERSION = 1
const HEADER_BYTES = 32
const CHECKED_FROM = 8

/** Beyond this a chunk is closed and the next begins, so that reading and retention stay fine-grained. */
export const CHUNK_TARGET_BYTES = 1024 * 1024

/** Cuts records into runs of about `CHUNK_TARGET_BYTES`, in order; a larger record is a run of its own. */
export function cutIntoChunks(records: readonly BusRecord[]): readonly (readonly BusRecord[])[] {
  const runs: BusRecord[][] = []
  let run: BusRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = recordBytes(record)
    if (run.length > 0 && bytes + size > CHUNK_TARGET_BYTES) {
      runs.push(run)
      run = []
      bytes = 0
    }
    run.push(record)
    bytes += size
  }
  if (run.length > 0) {
    runs.push(run)
  }
  return runs
}

/** @param memory gives the bytes to write into; by default new ones. */
export function encodeChunk(
  records: readonly BusRecord[],
  base: number,
  appendedMs: number,
  memory: (bytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  let size = HEADER_BYTES
  for (const record of records) {
    size += recordBytes(record)
  }
  const chunk = memory(size)
  chunk.writeUInt32LE(VERSION, 0)
  chunk.writeDoubleLE(base, 8)
  chunk.writeDoubleLE(appendedMs, 16)
  chunk.writeUInt32LE(records.length, 24)
  chunk.writeUInt32LE(0, 28)
  let at = HEADER_BYTES
  for (const record of records) {
    at = writeRecord(chunk, at, record)
  }
  chunk.writeUInt32LE(crc32(chunk.subarray(CHECKED_FROM)), 4)
  return chunk
}

/** What is known of a chunk without reading its records. */
export interface ChunkFacts {
  readonly base: number
  readonly count: number
  readonly appendedMs: number
  readonly bytes: number
}

export function chunkFacts(chunk: Buffer): ChunkFacts {
  return {
    base: chunk.readDoubleLE(8),
    count: chunk.readUInt32LE(24),
    appendedMs: chunk.readDoubleLE(16),
    bytes: chunk.length,
  }
}

/** Reads the records of one chunk, once, in order. Values share the chunk's memory. */
export class ChunkReader {
  /** The offset of the record that `next` returns. */
  position: number
  /** The offset after the last record. */
  readonly end: number
  readonly #chunk: Buffer
  #at = HEADER_BYTES

  /** Throws when the chunk is damaged or is not the one that begins at `base`. */
  constructor(chunk: Buffer, base: number) {
    const fault = faultOf(chunk, base)
    if (fault !== undefined) {
      throw new Error(fault)
    }
    this.#chunk = chunk
    this.position = base
    this.end = base + chunk.readUInt32LE(24)
  }

  /** Moves on to the record at `offset`, which must not lie before `position`. */
  skipTo(offset: number): void {
    while (this.position < offset && this.position < this.end) {
      this.#at += this.nextBytes()
      this.position += 1
    }
  }

  /** What the next record takes; only while `position < end`. */
  nextBytes(): number {
    return recordAt(this.#chunk, this.#at).end - this.#at
  }

  /** Only while `position < end`. */
  next(): StoredRecord {
    const { keyAt, valueAt, end } = recordAt(this.#chunk, this.#at)
    const offset = this.position
    this.#at = end
    this.position += 1
    return {
      offset,
      key: this.#chunk.toString('utf8', keyAt, valueAt),
      value: this.#chunk.subarray(valueAt, end),
    }
  }
}

function faultOf(chunk: Buffer, base: number): string | undefined {
  if (chunk.length < HEADER_BYTES) {
    return 'the chunk is cut short'
  }
  if (chunk.readUInt8(0) !== VERSION) {
    return `the chunk has version ${chunk.readUInt8(0)}, and this Telltale reads version ${VERSION}`
  }
  if (crc32(chunk.subarray(CHECKED_FROM)) !== chunk.readUInt32LE(4)) {
    return 'the checksum does not match'
  }
  return chunk.readDoubleLE(8) === base ? undefined : `the chunk belongs at offset ${chunk.readDoubleLE(8)}`
}
