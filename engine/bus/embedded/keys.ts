/** The keys of the embedded store: fixed-width and big endian, so that byte order is offset order. */
import { createHash } from 'node:crypto'
import type { Topic } from '../bus.ts'

/** Part of the file format: never change or reuse a number. */
const TOPIC_CODES: Readonly<Record<Topic, number>> = {
  fragments: 1,
  events: 2,
  findings: 3,
  alerts: 4,
  dead_letters: 5,
}

/** More partitions than this are refused; the key has room for 65,535. */
export const MAX_PARTITIONS = 1024

/** The store allows 1,978 bytes; longer state keys are cut and told apart by their hash. */
const MAX_STATE_KEY_BYTES = 1024

const HIGH = 2 ** 32

export function logKey(topic: Topic, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(11)
  key.writeUInt8(TOPIC_CODES[topic], 0)
  key.writeUInt16BE(partition, 1)
  key.writeUInt32BE(Math.floor(offset / HIGH), 3)
  key.writeUInt32BE(offset % HIGH, 7)
  return key
}

/** The offset in a key that `logKey` made. */
export function offsetOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  return view.getUint32(3) * HIGH + view.getUint32(7)
}

export function partitionKey(topic: Topic, partition: number): Buffer {
  const key = Buffer.allocUnsafe(4)
  key.write('p', 0)
  key.writeUInt8(TOPIC_CODES[topic], 1)
  key.writeUInt16BE(partition, 2)
  return key
}

export function groupKey(group: string): Buffer {
  return Buffer.from(`g${group}`)
}

/** The place of one group in one partition; also the prefix of that partition's state. */
export function placeKey(groupId: number, topic: Topic, partition: number): Buffer {
  const key = Buffer.allocUnsafe(7)
  key.writeUInt32BE(groupId, 0)
  key.writeUInt8(TOPIC_CODES[topic], 4)
  key.writeUInt16BE(partition, 5)
  return key
}

/** State keys may be agent-supplied text of any length; the value keeps the key as it was. */
export function stateKey(place: Buffer, key: string): Buffer {
  const bytes = Buffer.from(key)
  if (bytes.length <= MAX_STATE_KEY_BYTES) {
    return Buffer.concat([place, bytes])
  }
  return Buffer.concat([place, bytes.subarray(0, MAX_STATE_KEY_BYTES), createHash('sha256').update(bytes).digest()])
}

export function encodeState(
  key: string,
  value: Uint8Array,
  memory: (bytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  const keyBytes = Buffer.byteLength(key)
  const entry = memory(4 + keyBytes + value.byteLength)
  entry.writeUInt32LE(keyBytes, 0)
  entry.write(key, 4)
  entry.set(value, 4 + keyBytes)
  return entry
}

export function decodeState(entry: Buffer): { readonly key: string; readonly value: Uint8Array } {
  const valueAt = 4 + entry.readUInt32LE(0)
  return { key: entry.toString('utf8', 4, valueAt), value: entry.subarray(valueAt) }
}
