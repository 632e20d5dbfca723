/** A partition that this process owns in one consumer group, until somebody else does. */
import { Unavailable } from '../../../schema/errors.ts'
import type { Assignment, BusRecord, Commit, StoredRecord, Topic } from '../bus.ts'
import type { PartitionReader } from './fetcher.ts'
import type { HandedOn } from './handed-on.ts'
import type { ReadRecord } from './record-batch.ts'
import { Fenced, type StateLog } from './state-log.ts'

export interface AssignmentParts {
  readonly group: string
  readonly topic: Topic
  readonly partition: number
  readonly start: number
  readonly state: ReadonlyMap<string, Uint8Array>
  readonly stateLog: StateLog
  readonly reader: PartitionReader
  readonly handedOn: HandedOn
  /** Ends waiting reads. */
  readonly signal: AbortSignal
  /** Appends to the partitions of the records' keys; `own` names one partition for all of them. */
  readonly append: (topic: Topic, records: readonly BusRecord[], own?: number) => Promise<void>
  readonly onCommitted: (next: number) => void
  /** Told when another owner was met. */
  readonly onFenced: () => void
}

/** What one `read` returns at most when the caller does not say. */
const DEFAULT_READ_BYTES = 8 * 1024 * 1024
const NO_BYTES = new Uint8Array()

export class KafkaAssignment implements Assignment {
  readonly topic: Topic
  readonly partition: number
  readonly epoch: number
  readonly start: number
  readonly #parts: AssignmentParts
  #isRevoked = false
  /** The offset after the last record that was read, and the last that was committed. */
  #position: number
  #committed: number

  constructor(parts: AssignmentParts) {
    this.#parts = parts
    this.topic = parts.topic
    this.partition = parts.partition
    this.epoch = parts.stateLog.epoch
    this.start = parts.start
    this.#position = parts.start
    this.#committed = parts.start
  }

  /** From now on every call throws `Unavailable`. */
  revoke(): void {
    this.#isRevoked = true
  }

  async *restore(): AsyncIterable<{ readonly key: string; readonly value: Uint8Array }> {
    this.#checkOwned()
    for (const [key, value] of this.#parts.state) {
      yield { key, value }
    }
  }

  async read(options: {
    readonly maxRecords: number
    readonly maxBytes?: number
    readonly waitMs: number
  }): Promise<readonly StoredRecord[]> {
    this.#checkOwned()
    const { reader, signal } = this.#parts
    const found = await reader.read({ maxBytes: DEFAULT_READ_BYTES, ...options }, signal)
    this.#checkOwned()
    if (signal.aborted) {
      return []
    }
    const [first] = found
    if (first !== undefined && first.offset < this.#position) {
      // Somebody made the topic anew; the reader has told.
      this.#committed = first.offset
      this.#parts.handedOn.open(this.partition)
    }
    this.#position = (found.at(-1)?.offset ?? this.#position - 1) + 1
    return found.map((record) => this.#stored(record))
  }

  async commit({ next, outputs, state }: Commit): Promise<void> {
    this.#checkOwned()
    if (next < this.#committed || next > this.#position) {
      const range = `between ${this.#committed} (committed) and ${this.#position} (read)`
      throw new Error(`cannot commit ${this.topic}/${this.partition} at ${next}: it must lie ${range}`)
    }
    // Outputs first: a death in between makes them again, with the same ids; the other way round they would be lost.
    await Promise.all(outputs.map(({ topic, records }) => this.#parts.append(topic, records)))
    this.#checkOwned()
    try {
      await this.#parts.stateLog.write(next, state)
    } catch (error) {
      if (error instanceof Fenced) {
        this.revoke()
        this.#parts.onFenced()
      }
      throw error
    }
    this.#committed = next
    this.#parts.onCommitted(next)
  }

  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    this.#checkOwned()
    await this.#parts.append(topic, records, topic === this.topic ? this.partition : undefined)
  }

  #stored({ offset, key, value, isDamaged }: ReadRecord): StoredRecord {
    const decoded = this.#parts.handedOn.take(this.partition, offset)
    return {
      offset,
      key: key === undefined ? '' : Buffer.from(key.buffer, key.byteOffset, key.length).toString(),
      value: value ?? NO_BYTES,
      ...(decoded === undefined ? {} : { decoded }),
      ...(isDamaged === undefined ? {} : { isDamaged }),
    }
  }

  #checkOwned(): void {
    if (this.#isRevoked) {
      const { group } = this.#parts
      throw new Unavailable(`${group} no longer owns ${this.topic}/${this.partition} (epoch ${this.epoch})`)
    }
  }
}
