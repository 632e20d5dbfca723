/** Fields of records, as Kafka's record format writes them (varints, and bytes behind their length). */

/** Reads on in bytes that may lie. */
export class Cursor {
  at: number
  /** Something reached beyond the end. */
  isDamaged = false
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, from: number, end: number) {
    this.#bytes = bytes
    this.at = from
    this.#end = end
  }

  /** A signed number of up to 32 bits. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.#end) {
        break
      }
      const byte = this.#bytes[this.at] as number
      this.at += 1
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        return (value >>> 1) ^ -(value & 1)
      }
    }
    this.isDamaged = true
    return -1
  }

  /** Of up to 64 bits. */
  skipVarint(): void {
    for (let count = 0; count < 10 && this.at < this.#end; count += 1) {
      this.at += 1
      if ((this.#bytes[this.at - 1] as number) < 0x80) {
        return
      }
    }
    this.isDamaged = true
  }

  /** A length and as many bytes; undefined for null. */
  bytes(): Uint8Array | undefined {
    const length = this.varint()
    if (length === -1 && !this.isDamaged) {
      return undefined
    }
    if (length < 0 || this.at + length > this.#end) {
      this.isDamaged = true
      return undefined
    }
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }
}
