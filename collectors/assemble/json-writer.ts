/** Builds one JSON text out of pieces, some of which are encoded already. */

const INITIAL_BYTES = 64 * 1024
/** A buffer that has grown above this for something unusual is not kept. */
const KEPT_BYTES = 1024 * 1024
/** Characters are gathered up to this before they are encoded, for each encoding has a price of its own. */
const GATHERED_CHARACTERS = 16 * 1024

/** Writes pieces into a buffer that is used again for every text. */
export class JsonWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  #length = 0
  #gathered = ''

  /** About how much was written since `take`: bytes, where characters were not encoded yet counted as one each. */
  get size(): number {
    return this.#length + this.#gathered.length
  }

  text(piece: string): void {
    this.#gathered += piece
    if (this.#gathered.length > GATHERED_CHARACTERS) {
      this.#encode()
    }
  }

  /** Copies a piece of UTF-8 as it is. */
  bytes(piece: Uint8Array): void {
    this.#encode()
    this.#reserve(piece.length)
    this.#buffer.set(piece, this.#length)
    this.#length += piece.length
  }

  /** All that was written, in an array of its own; the next text begins. */
  take(): Uint8Array {
    this.#encode()
    const taken = Buffer.from(this.#buffer.subarray(0, this.#length))
    this.#length = 0
    if (this.#buffer.length > KEPT_BYTES) {
      this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES)
    }
    return taken
  }

  #encode(): void {
    if (this.#gathered === '') {
      return
    }
    this.#reserve(this.#gathered.length * 3)
    this.#length += this.#buffer.write(this.#gathered, this.#length)
    this.#gathered = ''
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
      larger.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = larger
    }
  }
}
