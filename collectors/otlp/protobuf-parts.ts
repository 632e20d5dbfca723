/** The parts that every OTLP message is made of, from protobuf: attributes, values, texts, times, ids. */
import { InvalidRecord } from './faults.ts'
import type { AttributeValue } from './records.ts'
import type { Tally } from './tally.ts'
import { millisecondsFromHalves } from './times.ts'
import { BYTES, FIXED64, VARINT, WireReader } from './wire.ts'

/** The tag of a field. Comparing whole tags makes a field of the wrong wire type an unknown one, as protobuf wants. */
export const field = (number: number, wireType: number): number => number * 8 + wireType

interface KeyValue {
  key: string
  keyBytes: number
  valueStart: number
  valueEnd: number
}

/** Reads parts at the position of its `reader`. Limits and repairs are counted in `tally`. */
export class PartReader {
  readonly reader: WireReader
  readonly tally: Tally

  constructor(body: Uint8Array, tally: Tally) {
    this.reader = new WireReader(body)
    this.tally = tally
  }

  /** Calls `read` for every field with this tag, at its content; it must leave the reader anywhere up to `stop`. */
  eachField(end: number, wanted: number, read: (stop: number) => void): void {
    const { reader } = this
    while (reader.pos < end) {
      const tag = reader.tag(end)
      if (tag === wanted) {
        const stop = reader.lengthEnd(end)
        read(stop)
        reader.pos = stop
      } else {
        reader.skip(tag & 7, end)
      }
    }
  }

  /** One `KeyValue`. The value is read last, because only the key says whether it is wanted. */
  attribute(end: number, attributes: Map<string, AttributeValue>): void {
    const { tally } = this
    const entry = this.keyValue(end)
    if (tally.admitsAttribute(attributes, entry.key, entry.keyBytes)) {
      attributes.set(entry.key, this.valueAt(entry, 1))
    }
    this.reader.pos = end
  }

  private keyValue(end: number): KeyValue {
    const { reader } = this
    const entry: KeyValue = { key: '', keyBytes: 0, valueStart: 0, valueEnd: 0 }
    while (reader.pos < end) {
      const tag = reader.tag(end)
      if (tag === field(1, BYTES)) {
        const stop = reader.lengthEnd(end)
        entry.keyBytes = stop - reader.pos
        entry.key = entry.keyBytes > this.tally.limits.keyBytes ? '' : reader.key(stop)
        reader.pos = stop
        if (reader.repaired) {
          this.tally.cut('utf8')
        }
      } else if (tag === field(2, BYTES)) {
        entry.valueEnd = reader.lengthEnd(end)
        entry.valueStart = reader.pos
        reader.pos = entry.valueEnd
      } else {
        reader.skip(tag & 7, end)
      }
    }
    return entry
  }

  private valueAt(entry: KeyValue, depth: number): AttributeValue {
    this.reader.pos = entry.valueStart
    return this.value(entry.valueEnd, depth)
  }

  /** One `AnyValue`. The last alternative that is set wins; none set is `undefined`. */
  value(end: number, depth: number): AttributeValue {
    const { reader } = this
    let value: AttributeValue
    while (reader.pos < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case field(1, BYTES):
          value = this.text(end)
          break
        case field(2, VARINT):
          value = reader.int64(end) !== 0
          break
        case field(3, VARINT):
          value = reader.int64(end)
          break
        case field(4, FIXED64):
          value = reader.double(end)
          break
        case field(5, BYTES):
          value = this.nested(reader.lengthEnd(end), depth, (stop) => this.list(stop, depth + 1))
          break
        case field(6, BYTES):
          value = this.nested(reader.lengthEnd(end), depth, (stop) => this.map(stop, depth + 1))
          break
        case field(7, BYTES):
          value = this.bytes(end)
          break
        default:
          reader.skip(tag & 7, end)
      }
    }
    return value
  }

  private nested(stop: number, depth: number, read: (stop: number) => AttributeValue): AttributeValue {
    if (depth < this.tally.limits.valueDepth) {
      return read(stop)
    }
    this.reader.pos = stop
    this.tally.cutAttributes++
    this.tally.cut('depth')
    return undefined
  }

  private list(end: number, depth: number): AttributeValue {
    const items: AttributeValue[] = []
    this.eachField(end, field(1, BYTES), (stop) => {
      if (this.tally.admitsValue()) {
        items.push(this.value(stop, depth))
      }
    })
    return items
  }

  private map(end: number, depth: number): AttributeValue {
    const entries = new Map<string, AttributeValue>()
    this.eachField(end, field(1, BYTES), (stop) => {
      const entry = this.keyValue(stop)
      if (this.tally.admitsEntry(entry.keyBytes)) {
        entries.set(entry.key, this.valueAt(entry, depth))
      }
    })
    return entries
  }

  text(end: number): string {
    const { reader, tally } = this
    const stop = reader.lengthEnd(end)
    const limit = tally.limits.valueBytes
    let text: string
    if (stop - reader.pos > limit) {
      text = reader.textCut(stop, limit)
      tally.cutText()
    } else {
      text = reader.text(stop)
    }
    if (reader.repaired) {
      tally.cut('utf8')
    }
    return text
  }

  private bytes(end: number): Uint8Array {
    const { reader, tally } = this
    const stop = reader.lengthEnd(end)
    const cut = Math.min(stop, reader.pos + tally.limits.valueBytes)
    if (cut < stop) {
      tally.cutText()
    }
    const value = reader.bytes(cut)
    reader.pos = stop
    return value
  }

  /** Milliseconds from a `fixed64`. */
  time(end: number): number {
    const low = this.reader.fixedHalf(end)
    return millisecondsFromHalves(this.reader.fixedHalf(end), low, this.tally)
  }

  /** A trace or span id as hex; `undefined` when empty or all zero. Throws `InvalidRecord` for any other length. */
  id(end: number, bytes: number, what: string): string | undefined {
    const stop = this.reader.lengthEnd(end)
    const length = stop - this.reader.pos
    if (length === bytes) {
      const hex = this.reader.hex(stop)
      return /^0+$/.test(hex) ? undefined : hex
    }
    if (length !== 0) {
      throw new InvalidRecord(`invalid-${what}`)
    }
    return undefined
  }
}
