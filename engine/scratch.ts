/**
 * Memory for what is put together, written somewhere and then needed no more: used again for the next. V8 runs its
 * collector over the whole heap for every 64 MiB of byte arrays that have lived for a while, whatever the heap limit.
 */

const SMALLEST_BYTES = 1024 * 1024
/** Grown beyond this for something unusual, it is not kept. */
const KEPT_BYTES = 32 * 1024 * 1024

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

  /** A copy. */
  copy(bytes: Uint8Array): Buffer {
    const copy = this.take(bytes.byteLength)
    copy.set(bytes)
    return copy
  }

  /** Nobody needs what was given out any more. */
  reset(): void {
    this.#used = 0
    if (this.#memory.length > KEPT_BYTES) {
      this.#memory = Buffer.allocUnsafeSlow(0)
    }
  }
}
