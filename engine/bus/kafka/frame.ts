/**
 * A request as it goes over the wire, in parts: what is large is written to the socket as it is. kafkajs copies every
 * request three times, into zeroed buffers of up to twice its size.
 */

/** Fields of one request; batches are parts of their own. */
export class FrameWriter {
  readonly #parts: Buffer[] = []
  #buffer = Buffer.allocUnsafe(FIELD_BYTES)
  #from = 0
  #at = 0

  int8(value: number): this {
    this.#room(1)
    this.#at = this.#buffer.writeInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#room(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#room(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
    return this
  }

  int64(value: number): this {
    this.#room(8)
    this.#at = this.#buffer.writeBigInt64BE(BigInt(value), this.#at)
    return this
  }

  /** `null` as Kafka's nullable string. */
  string(value: string | null): this {
    const bytes = value === null ? 0 : Buffer.byteLength(value)
    this.int16(value === null ? -1 : bytes)
    this.#room(bytes)
    this.#at += this.#buffer.write(value ?? '', this.#at)
    return this
  }

  /** With its length before it, and not copied: it must not change until the request is answered. */
  bytes(value: Buffer): this {
    this.int32(value.length)
    this.#cut()
    this.#parts.push(value)
    return this
  }

  parts(): readonly Buffer[] {
    this.#cut()
    return this.#parts
  }

  #cut(): void {
    if (this.#at > this.#from) {
      this.#parts.push(this.#buffer.subarray(this.#from, this.#at))
      this.#from = this.#at
    }
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) {
      this.#cut()
      this.#buffer = Buffer.allocUnsafe(Math.max(FIELD_BYTES, bytes))
      this.#from = 0
      this.#at = 0
    }
  }
}

const FIELD_BYTES = 1024
