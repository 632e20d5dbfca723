/** Records as one array of bytes, one behind the other, to be handed to another thread without copying. */
import type { BusRecord } from './bus.ts'
import { recordAt, recordBytes, writeRecord } from './record-bytes.ts'

/** The array is alone in its memory, so that it can be transferred. */
export function packRecords(records: readonly BusRecord[]): Uint8Array<ArrayBuffer> {
  let bytes = 0
  for (const record of records) {
    bytes += recordBytes(record)
  }
  const packed = Buffer.from(new ArrayBuffer(bytes))
  let at = 0
  for (const record of records) {
    at = writeRecord(packed, at, record)
  }
  return packed
}

/** What was packed, in order. Values share the memory of `packed`. */
export function unpackRecords(packed: Uint8Array): readonly BusRecord[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const records: BusRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const { keyAt, valueAt, end } = recordAt(bytes, at)
    records.push({ key: key(bytes, keyAt, valueAt), value: bytes.subarray(valueAt, end) })
    at = end
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
