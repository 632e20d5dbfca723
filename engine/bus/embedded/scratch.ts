/**
 * Memory for what a transaction writes, used again by the next one. Fresh arrays of that size for every transaction
 * would drive the garbage collector to run over the whole heap several times a second.
 */

const SMALLEST_BYTES = 1024 * 1024
/** Grown beyond this for something unusual, it is not kept. */
const KEPT_BYTES = 16 * 1024 * 1024

export class Scratch {
  #memory = Buffer.allocUnsafeSlow(0)
  #used = 0

  /** That many bytes with any content, untouched by others until `reset`. */
  take(bytes: number): Buffer {
    if (this.#used + bytes > this.#memory.length) {
      // What was given out before keeps the old memory alive as long as it is needed.
      this.#memory = Buffer.allocUnsafeSlow(Math.max(bytes, this.#memory.length * 2, SMALLEST_BYTES))
      this.#used = 0
    }
    this.#used += bytes
    return this.#memory.subarray(this.#used - bytes, this.#used)
  }

  /** Nobody needs what was given out any more. */
  reset(): void {
    this.#used = 0
    if (this.#memory.length > KEPT_BYTES) {
      this.#memory = Buffer.allocUnsafeSlow(0)
    }
  }
}
