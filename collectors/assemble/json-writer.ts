/**
 * Writes JSON straight into bytes. `JSON.stringify` makes a string first, and for the many small records that are
 * persisted with every batch making and collecting those strings cost more than all the rest.
 */

const INITIAL_BYTES = 64 * 1024
/** A buffer that has grown above this for something unusual is not kept. */
const KEPT_BYTES = 16 * 1024 * 1024
/** Longer strings are faster encoded by the engine. */
const SHORT_CHARACTERS = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const DELETE = 0x7f
const LINE_BREAK = 0x0a
const LETTER_N = 0x6e

/**
 * Writes text after text into one buffer, and with every turn changes over to a second one: what was taken stays as it is
 * until the turn after the next. Arrays of their own for each text would be most of what the collector has to clear.
 */
export class JsonWriter {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #other = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  /** Where the text at hand begins and ends. */
  #start = 0
  #length = 0

  /** Bytes written since `take`. */
  get size(): number {
    return this.#length - this.#start
  }

  /** What was taken before the last turn will be written over. */
  turn(): void {
    const next = this.#other.length > KEPT_BYTES ? Buffer.allocUnsafeSlow(INITIAL_BYTES) : this.#other
    this.#other = this.#buffer
    this.#buffer = next
    this.#start = 0
    this.#length = 0
  }

  /** Writes a value as `JSON.stringify` would; it must hold nothing but plain objects, lists and simple values. */
  value(value: unknown): void {
    if (typeof value === 'string') {
      this.#string(value)
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      // What is no number in JSON is `null` there, too.
      this.text(Number.isFinite(Number(value)) ? String(value) : 'null')
    } else if (value === undefined || value === null) {
      this.text('null')
    } else if (Array.isArray(value)) {
      this.#list(value)
    } else {
      this.#object(value as Readonly<Record<string, unknown>>)
    }
  }

  /** Writes ASCII text as it is. */
  text(piece: string): void {
    this.#reserve(piece.length)
    const buffer = this.#buffer
    let at = this.#length
    for (let index = 0; index < piece.length; index += 1) {
      buffer[at++] = piece.charCodeAt(index)
    }
    this.#length = at
  }

  /** Copies what is JSON in UTF-8 already. */
  bytes(piece: Uint8Array): void {
    this.#reserve(piece.length)
    this.#buffer.set(piece, this.#length)
    this.#length += piece.length
  }

  /** All that was written since the last `take`; the next text begins. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(this.#start, this.#length)
    this.#start = this.#length
    return taken
  }

  #string(value: string): void {
    if (value.length > SHORT_CHARACTERS || !this.#plainString(value)) {
      const quoted = JSON.stringify(value)
      this.#reserve(quoted.length * 3)
      this.#length += this.#buffer.write(quoted, this.#length)
    }
  }

  /** Writes a string of printable ASCII, in which the parts of a key may be divided by line breaks; any other not at all. */
  #plainString(value: string): boolean {
    this.#reserve(value.length * 2 + 2)
    const buffer = this.#buffer
    let at = this.#length
    buffer[at++] = QUOTE
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index)
      if (code >= SPACE && code < DELETE && code !== QUOTE && code !== BACKSLASH) {
        buffer[at++] = code
      } else if (code === LINE_BREAK) {
        buffer[at++] = BACKSLASH
        buffer[at++] = LETTER_N
      } else {
        return false
      }
    }
    buffer[at++] = QUOTE
    this.#length = at
    return true
  }

  #list(list: readonly unknown[]): void {
    this.text('[')
    for (let index = 0; index < list.length; index += 1) {
      if (index > 0) {
        this.text(',')
      }
      this.value(list[index])
    }
    this.text(']')
  }

  #object(object: Readonly<Record<string, unknown>>): void {
    this.text('{')
    let isFirst = true
    // Unlike `Object.keys` this makes no list; the values are plain, so there is nothing to inherit.
    for (const name in object) {
      const value = object[name]
      if (value !== undefined) {
        if (!isFirst) {
          this.text(',')
        }
        isFirst = false
        this.#string(name)
        this.text(':')
        this.value(value)
      }
    }
    this.text('}')
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) {
      // What was taken keeps the old buffer as long as it is needed.
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.size + bytes))
      larger.set(this.#buffer.subarray(this.#start, this.#length))
      this.#buffer = larger
      this.#length = this.size
      this.#start = 0
    }
  }
}
