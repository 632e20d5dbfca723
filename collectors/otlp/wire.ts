/**
 * Reads the protobuf wire format: tags, varints, fixed-width numbers, lengths. Knows nothing of OTLP.
 *
 * Every read is checked against the end of the message it is in, so a length that lies can only spoil its own
 * message. Text is decoded leniently: invalid UTF-8 becomes U+FFFD and is reported, never thrown.
 */
import { isUtf8 } from 'node:buffer'
import { Malformed } from './faults.ts'

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** Attribute keys repeat by the thousand. Recent ones are kept, by hash of their bytes, to spare decoding and hashing. */
const KEY_SLOTS = 2048
const KEY_CACHE_BYTES = 64
const keys: (string | undefined)[] = new Array(KEY_SLOTS).fill(undefined)

export class WireReader {
  pos = 0
  /** Set when the last text read had to be repaired. */
  repaired = false
  private readonly buffer: Buffer

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get size(): number {
    return this.buffer.length
  }

  /** The next tag: field number times 8 plus wire type. */
  tag(end: number): number {
    const tag = this.uint32(end)
    if (tag < 8) {
      throw new Malformed(`field number 0 at byte ${this.pos}`)
    }
    return tag
  }

  /** A varint of which only the lowest 32 bits count: tags, enums, counters. */
  uint32(end: number): number {
    const { buffer } = this
    let result = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) {
        throw new Malformed(`varint cut off at byte ${this.pos}`)
      }
      const byte = buffer[this.pos++] as number
      if (shift < 32) {
        result |= (byte & 0x7f) << shift
      }
      if (byte < 0x80) {
        return result >>> 0
      }
    }
    throw new Malformed(`varint longer than 10 bytes at byte ${this.pos}`)
  }

  /** A signed 64-bit varint; a `bigint` only when a number cannot hold it exactly. */
  int64(end: number): number | bigint {
    const start = this.pos
    const small = this.uint32(end)
    const length = this.pos - start
    if (length <= 4) {
      return small
    }
    if (length <= 7) {
      let sum = 0
      for (let index = length - 1; index >= 0; index--) {
        sum = sum * 128 + ((this.buffer[start + index] as number) & 0x7f)
      }
      return sum
    }
    let value = 0n
    for (let index = length - 1; index >= 0; index--) {
      value = (value << 7n) | BigInt((this.buffer[start + index] as number) & 0x7f)
    }
    value = BigInt.asIntN(64, value)
    return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
  }

  double(end: number): number {
    this.need(8, end)
    const value = this.buffer.readDoubleLE(this.pos)
    this.pos += 8
    return value
  }

  /** Half of a fixed 64-bit number, unsigned: the lower one when it is read first, then the upper. */
  fixedHalf(end: number): number {
    this.need(4, end)
    const { buffer, pos } = this
    this.pos += 4
    return (
      ((buffer[pos] as number) |
        ((buffer[pos + 1] as number) << 8) |
        ((buffer[pos + 2] as number) << 16) |
        ((buffer[pos + 3] as number) << 24)) >>>
      0
    )
  }

  /** Reads a length and gives the position after that many bytes. */
  lengthEnd(end: number): number {
    const length = this.int64(end)
    if (typeof length !== 'number' || length < 0 || length > end - this.pos) {
      throw new Malformed(`length ${length} at byte ${this.pos} runs over its message`)
    }
    return this.pos + length
  }

  /** The text up to `stop`. */
  text(stop: number): string {
    const { pos } = this
    this.pos = stop
    const text = this.buffer.toString('utf8', pos, stop)
    // U+FFFD may have been sent as itself; only then, and when it was not, is the closer look needed.
    this.repaired = text.includes('\ufffd') && !isUtf8(this.buffer.subarray(pos, stop))
    return text
  }

  /** The text up to `stop` without a character that `limit` bytes would cut in two. */
  textCut(stop: number, limit: number): string {
    let cut = this.pos + limit
    while (cut > this.pos && ((this.buffer[cut] as number) & 0xc0) === 0x80) {
      cut--
    }
    const text = this.text(cut)
    this.pos = stop
    return text
  }

  /** A short text that is likely to have been read before. */
  key(stop: number): string {
    const { buffer, pos } = this
    const length = stop - pos
    if (length > KEY_CACHE_BYTES) {
      return this.text(stop)
    }
    let hash = length
    for (let index = pos; index < stop; index++) {
      hash = (Math.imul(hash, 31) + (buffer[index] as number)) | 0
    }
    const slot = (hash ^ (hash >>> 15)) & (KEY_SLOTS - 1)
    const known = keys[slot]
    if (known !== undefined && this.same(known, length)) {
      this.pos = stop
      this.repaired = false
      return known
    }
    const text = this.text(stop)
    if (text.length === length) {
      keys[slot] = text
    }
    return text
  }

  /** A copy, so that a kept value does not keep the whole body in memory. */
  bytes(stop: number): Uint8Array {
    const copy = new Uint8Array(this.buffer.subarray(this.pos, stop))
    this.pos = stop
    return copy
  }

  /** Lower-case hex of the bytes up to `stop`. */
  hex(stop: number): string {
    const { pos } = this
    this.pos = stop
    return this.buffer.toString('hex', pos, stop)
  }

  skip(wireType: number, end: number): void {
    if (wireType === VARINT) {
      this.uint32(end)
    } else if (wireType === BYTES) {
      this.pos = this.lengthEnd(end)
    } else if (wireType === FIXED64 || wireType === FIXED32) {
      const width = wireType === FIXED64 ? 8 : 4
      this.need(width, end)
      this.pos += width
    } else {
      // Groups (3, 4) left protobuf before OTLP was written; 6 and 7 never existed.
      throw new Malformed(`wire type ${wireType} at byte ${this.pos}`)
    }
  }

  private need(width: number, end: number): void {
    if (this.pos + width > end) {
      throw new Malformed(`number cut off at byte ${this.pos}`)
    }
  }

  /** Whether the bytes here are this text, which is ASCII when they are as many as its characters. */
  private same(text: string, length: number): boolean {
    if (text.length !== length) {
      return false
    }
    const { buffer, pos } = this
    for (let index = 0; index < length; index++) {
      if (text.charCodeAt(index) !== buffer[pos + index]) {
        return false
      }
    }
    return true
  }
}
