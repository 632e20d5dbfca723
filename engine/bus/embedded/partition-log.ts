/** One partition as this process knows it: where it begins and ends, and who waits for more. */
import type { Topic } from '../bus.ts'
import { Tail } from './tail.ts'

/** What of a partition is persisted, in the same transaction as the records it counts. */
export interface Extent {
  /** The first offset still there. */
  readonly start: number
  /** The offset that the next record gets. */
  readonly end: number
  /** What its chunks take. */
  readonly bytes: number
}

/** Of each partition: a second or so at full speed. */
const TAIL_BYTES = 8 * 1024 * 1024

export class PartitionLog {
  readonly topic: Topic
  readonly partition: number
  /** As of the last durable transaction. */
  extent: Extent
  /** Retention need not look again before every group has committed up to here. */
  oldestChunkEnd = 0
  /** What was appended last by this process. */
  readonly tail = new Tail(TAIL_BYTES)
  readonly #waiting = new Set<() => void>()

  constructor(topic: Topic, partition: number, extent: Extent) {
    this.topic = topic
    this.partition = partition
    this.extent = extent
  }

  /** Called by the journal once a transaction is durable. */
  advance(extent: Extent): void {
    const grown = extent.end > this.extent.end
    this.extent = extent
    if (grown) {
      this.wake()
    }
  }

  /** Resolves when a record at `offset` is there, the time is up, the signal aborts, or `wake` is called. */
  async waitFor(offset: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.extent.end > offset || waitMs <= 0 || signal.aborted) {
      return
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
    })
  }

  wake(): void {
    for (const done of [...this.#waiting]) {
      done()
    }
  }
}

const EXTENT_BYTES = 24

export function encodeExtent(extent: Extent): Buffer {
  const bytes = Buffer.allocUnsafe(EXTENT_BYTES)
  bytes.writeDoubleLE(extent.start, 0)
  bytes.writeDoubleLE(extent.end, 8)
  bytes.writeDoubleLE(extent.bytes, 16)
  return bytes
}

export function decodeExtent(bytes: Buffer | undefined): Extent {
  return bytes === undefined
    ? { start: 0, end: 0, bytes: 0 }
    : { start: bytes.readDoubleLE(0), end: bytes.readDoubleLE(8), bytes: bytes.readDoubleLE(16) }
}
