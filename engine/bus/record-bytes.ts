/**
 * One record as bytes: key bytes u32, value bytes u32 (little endian), key (UTF-8), value. So it lies in the chunks of the
 * embedded bus, whose file format it is part of, and so it crosses between threads.
 */
import type { BusRecord } from './bus.ts'

const HEADER_BYTES = 8

/** What a record takes. */
export function recordBytes(record: BusRecord): number {
  return HEADER_BYTES + Buffer.byteLength(record.key) + record.value.byteLength
}

/** Writes a record at `start`, where there is room for it; returns where it ends. */
export function writeRecord(bytes: Buffer, start: number, { key, value }: BusRecord): number {
  const keyAt = start + HEADER_BYTES
  const keyBytes = bytes.write(key, keyAt)
  bytes.writeUInt32LE(keyBytes, start)
  bytes.writeUInt32LE(value.byteLength, start + 4)
  bytes.set(value, keyAt + keyBytes)
  return keyAt + keyBytes + value.byteLength
}

/** Where the parts of the record at `start` lie. */
export function recordAt(
  bytes: Buffer,
  start: number,
): { readonly keyAt: number; readonly valueAt: number; readonly end: number } {
  const keyAt = start + HEADER_BYTES
  const valueAt = keyAt + bytes.readUInt32LE(start)
  return { keyAt, valueAt, end: valueAt + bytes.readUInt32LE(start + 4) }
}
