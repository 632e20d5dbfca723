/**
 * Memory of batches that have gone out, for the next ones: to the store, and to other processes. V8 collects the young
 * generation for every 32 MiB of byte arrays that are made, and the whole heap for 64 MiB that have lived for a while.
 * Here, because store and bus share nothing else.
 */

const SMALLEST_BYTES = 64 * 1024
/** Grown beyond this for something unusual, it is not kept. */
const KEPT_BYTES = 32 * 1024 * 1024

export class BatchMemory {
  /** Smallest first. */
  #spares: Buffer[] = []
  readonly #most: number

  /** @param spares how many are kept: as many as are in use at one time under load. */
  constructor(spares: number) {
    this.#most = spares
  }

  /** At least that many bytes with any content: the smallest spare that has room, so that large ones stay for large batches. */
  take(bytes: number): Buffer {
    const index = this.#spares.findIndex((spare) => spare.length >= bytes)
    if (index >= 0) {
      return this.#spares.splice(index, 1)[0] as Buffer
    }
    // Batches differ a little in size: with room above, the next one fits, too.
    return Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_BYTES))))
  }

  /** Takes back memory, or any part of it, that nobody reads any more. */
  give(bytes: Buffer): void {
    if (bytes.buffer.byteLength <= KEPT_BYTES) {
      this.#spares.push(Buffer.from(bytes.buffer))
      this.#spares.sort((a, b) => a.length - b.length)
      this.#spares = this.#spares.slice(-this.#most)
    }
  }
}
