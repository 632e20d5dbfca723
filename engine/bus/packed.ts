/**
 * Records as one array of bytes, to be handed to another thread without copying: per record key bytes u32, value bytes
 * u32 (little endian), key (UTF-8), value.
 */
import type { BusRecord } from './bus.ts'

const RECORD_HEADER_BYTES = 8

/** The array is alone in its memory, so that it can be transferred. */
export function packRecords(records: readonly BusRecord[]): Uint8Array<ArrayBuffer> {
  let bytes = 0
  for (const { key, value } of records) {
    bytes += RECORD_HEADER_BYTES + Buffer.byteLength(key) + value.byteLength
  }
  const packed = Buffer.from(new ArrayBuffer(bytes))
  let at = 0
  for (const { key, value } of records) {
    const keyBytes = packed.write(key, at + RECORD_HEADER_BYTES)
    packed.writeUInt32LE(keyBytes, at)
    packed.writeUInt32LE(value.byteLength, at + 4)
    at += RECORD_HEADER_BYTES + keyBytes
    packed.set(value, at)
    at += value.byteLength
  }
  return packed
}

/** What was packed, in order. Values share the memory of `packed`. */
export function unpackRecords(packed: Uint8Array): readonly BusRecord[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const records: BusRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const keyAt = at + RECORD_HEADER_BYTES
    const valueAt = keyAt + bytes.readUInt32LE(at)
    at = valueAt + bytes.readUInt32LE(at + 4)
    records.push({ key: key(bytes, keyAt, valueAt), value: bytes.subarray(valueAt, at) })
  }
  return records
}

/** Runs of records have one key; it is read once. */
let lastKey = ''
let lastBytes = Buffer.alloc(0)

function key(bytes: Buffer, from: number, to: number): string {
  if (lastBytes.compare(bytes, from, to) !== 0) {
    lastBytes = Buffer.from(bytes.subarray(from, to))
    lastKey = bytes.toString('utf8', from, to)
  }
  return lastKey
}
