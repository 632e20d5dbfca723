/**
 * Reads partitions ahead of those who ask for records: one long poll at a time at each leader, for all of its partitions
 * that have room. What is read and not asked for is bounded, and a partition whose owner is slow holds up no other.
 */
import { Unavailable } from '../../../schema/errors.ts'
import { grouped } from '../grouped.ts'
import type { FetchAnswer } from './exchanges.ts'
import { kafkajs } from './kafkajs.ts'
import type { Link } from './link.ts'
import { type CutBatch, cutBatches, type ReadRecord, recordsOf, UnknownCompression } from './record-batch.ts'

export interface FetcherOptions {
  /** For this alone: polls wait at the broker. */
  readonly link: Link
  /** Told when a partition can be read again or no longer, and when records were gone before they were read. */
  readonly onTrouble: (error: Unavailable) => void
}

export interface ReadLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly waitMs: number
}

/** How long an idle poll waits; a partition that joins meanwhile waits as long. What comes first comes at once. */
const IDLE = { maxWaitMs: 200, minBytes: 1 }
/** While records keep coming, a poll gathers a little: each costs the broker and us as much as many records. */
const BUSY = { maxWaitMs: 20, minBytes: 64 * 1024 }
const POLL_BYTES = 8 * 1024 * 1024
const PARTITION_BYTES = 1024 * 1024
/** Read ahead, for each partition. */
const AHEAD_BYTES = 4 * 1024 * 1024
/** What waits keeps at most so many times itself in memory; below that, copying costs more. */
const KEPT_SHARE = 8
const AGAIN_MS = 200
/** What a record takes beside its value. */
const RECORD_BYTES = 100
const OUT_OF_RANGE = 'OFFSET_OUT_OF_RANGE'

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #readers = new Set<PartitionReader>()
  readonly #busyNodes = new Set<number>()
  /** Nodes whose last poll brought something. */
  readonly #flowing = new Set<number>()
  /** Refused or unreachable: not polled again before the next look, for brokers refuse at once. */
  readonly #resting = new Set<PartitionReader>()
  #alarm: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** Starts to read a partition. */
  read(topic: string, partition: number, offset: number): PartitionReader {
    const reader = new PartitionReader(topic, partition, offset, () => this.#pump())
    this.#readers.add(reader)
    this.#pump()
    return reader
  }

  stop(reader: PartitionReader): void {
    reader.close()
    this.#readers.delete(reader)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#alarm)
    for (const reader of this.#readers) {
      reader.close()
    }
    this.#readers.clear()
  }

  #pump(): void {
    const isWanting = (reader: PartitionReader) => reader.hasRoom && !this.#resting.has(reader)
    const wanting = this.#isClosed ? [] : [...this.#readers].filter(isWanting)
    const byLeader = grouped(wanting, ({ topic, partition }) => this.#options.link.leaderOf(topic, partition))
    for (const [leader, readers] of byLeader) {
      if (leader === undefined) {
        this.#leaderless(readers)
      } else if (!this.#busyNodes.has(leader)) {
        void this.#poll(leader, readers)
      }
    }
  }

  /** Told once a look, and not whenever something else is read. */
  #leaderless(readers: readonly PartitionReader[]): void {
    if (this.#alarm === undefined) {
      const places = readers.map(({ place }) => place).join(', ')
      this.#options.onTrouble(new Unavailable(`cannot read ${places}: led by nobody at the moment`))
    }
    this.#pumpLater()
  }

  async #poll(leader: number, readers: readonly PartitionReader[]): Promise<void> {
    this.#busyNodes.add(leader)
    try {
      // In another order each time: who stands first may take all of the answer.
      const wanted = shuffled(readers).map(({ topic, partition, fetched }) => {
        return { topic, partition, offset: fetched, maxBytes: PARTITION_BYTES }
      })
      const asked = new Map(readers.map((reader) => [reader, reader.fetched]))
      const patience = this.#flowing.has(leader) ? BUSY : IDLE
      const answers = await this.#options.link.poll(leader, wanted, { ...patience, maxBytes: POLL_BYTES })
      if (answers.some(({ batches }) => batches.length > 0)) {
        this.#flowing.add(leader)
      } else {
        this.#flowing.delete(leader)
      }
      for (const answer of answers) {
        const reader = readers.find((each) => each.partition === answer.partition && each.topic === answer.topic)
        // When the leader changes, two may be asked for one partition. Who answers last repeats what was read meanwhile.
        if (reader !== undefined && reader.fetched === asked.get(reader)) {
          this.#take(reader, answer)
        }
      }
      this.#busyNodes.delete(leader)
      this.#pump()
    } catch (error) {
      this.#busyNodes.delete(leader)
      this.#failed(readers, error)
    }
  }

  #take(reader: PartitionReader, answer: FetchAnswer): void {
    if (answer.errorCode !== 0) {
      const error = kafkajs.errorOf(answer.errorCode)
      if (error.type === OUT_OF_RANGE) {
        this.#skip(reader, answer)
      } else {
        this.#failed([reader], new Unavailable(`cannot read ${reader.place}: ${error.message} (${error.type})`))
      }
      return
    }
    reader.take(answer.batches)
  }

  /** What was to be read next is not there: retention took it, or somebody made the topic anew. */
  #skip(reader: PartitionReader, { topic, partition }: FetchAnswer): void {
    const { link, onTrouble } = this.#options
    const before = reader.fetched
    reader.isWaiting = true
    link
      .extent(topic, partition)
      .then((extent) => {
        const start = extent?.start ?? 0
        const gone = start > before ? `${start - before} records` : `offset ${before}`
        onTrouble(new Unavailable(`${gone} of ${reader.place} are gone, unread: reading goes on at ${start}`))
        reader.skipTo(start)
      })
      .catch((error: unknown) => this.#failed([reader], error))
      .finally(() => {
        reader.isWaiting = false
        this.#pumpLater()
      })
  }

  #failed(readers: readonly PartitionReader[], error: unknown): void {
    if (this.#isClosed) {
      return
    }
    if (error instanceof Unavailable) {
      for (const reader of readers) {
        this.#resting.add(reader)
      }
      this.#options.onTrouble(error)
      this.#pumpLater()
      return
    }
    for (const reader of readers) {
      reader.fail(error)
      this.#readers.delete(reader)
    }
  }

  #pumpLater(): void {
    if (!this.#isClosed && this.#alarm === undefined) {
      this.#options.link.refresh().catch(() => undefined)
      this.#alarm = setTimeout(() => {
        this.#alarm = undefined
        this.#resting.clear()
        this.#pump()
      }, AGAIN_MS)
    }
  }
}

/** One partition, read ahead. */
export class PartitionReader {
  readonly topic: string
  readonly partition: number
  /** The offset that the next poll asks for. */
  fetched: number
  /** Nothing is to be polled until something else is known. */
  isWaiting = false
  readonly #onRoom: () => void
  /** Read from the broker, and not yet taken apart: objects for each record that waits would keep the collector busy. */
  readonly #waiting: CutBatch[] = []
  /** What was taken apart, of which `#next` is the first that nobody has. */
  #records: readonly ReadRecord[] = []
  #next = 0
  /** Of both. */
  #bytes = 0
  /** Of the batch that the records are of. */
  #openBytes = 0
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(topic: string, partition: number, offset: number, onRoom: () => void) {
    this.topic = topic
    this.partition = partition
    this.fetched = offset
    this.#onRoom = onRoom
  }

  get place(): string {
    return `${this.topic}/${this.partition}`
  }

  get hasRoom(): boolean {
    return this.#bytes < AHEAD_BYTES && !this.isWaiting && !this.#isClosed
  }

  /** Waits for a first record; empty when none comes in time, or `signal` aborts. */
  async read({ maxRecords, maxBytes, waitMs }: ReadLimits, signal: AbortSignal): Promise<readonly ReadRecord[]> {
    if (!this.#hasRecords && this.#failure === undefined && !signal.aborted && waitMs > 0) {
      await this.#wait(waitMs, signal)
    }
    const hadRoom = this.hasRoom
    const records: ReadRecord[] = []
    let bytes = 0
    while (records.length < maxRecords && this.#open()) {
      const record = this.#records[this.#next] as ReadRecord
      const size = bytesOf(record)
      if (records.length > 0 && bytes + size > maxBytes) {
        break
      }
      bytes += size
      this.#next += 1
      records.push(record)
    }
    if (records.length === 0 && this.#failure !== undefined) {
      throw this.#failure.error
    }
    if (!hadRoom && this.hasRoom) {
      this.#onRoom()
    }
    return records
  }

  take(bytes: Buffer): void {
    if (bytes.length === 0 || this.#isClosed) {
      return
    }
    // The answer is of all partitions: what waits must not keep much more than itself in memory.
    const isMost = bytes.length * KEPT_SHARE >= bytes.buffer.byteLength
    const { batches, next } = cutBatches(isMost ? bytes : Buffer.from(bytes), this.fetched)
    this.fetched = next
    for (const batch of batches) {
      this.#bytes += batch.bytes.length
      this.#waiting.push(batch)
    }
    if (batches.length > 0) {
      this.#wake?.()
    }
  }

  skipTo(offset: number): void {
    this.fetched = offset
  }

  /** What was read is still given out; then `read` throws. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake?.()
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  get #hasRecords(): boolean {
    return this.#next < this.#records.length || this.#waiting.length > 0
  }

  /** Whether there is a next record; takes apart the next batch when it begins there. */
  #open(): boolean {
    while (this.#next === this.#records.length) {
      this.#bytes -= this.#openBytes
      this.#openBytes = 0
      this.#records = []
      this.#next = 0
      const batch = this.#waiting.shift()
      if (batch === undefined) {
        return false
      }
      this.#openBytes = batch.bytes.length
      try {
        this.#records = recordsOf(batch)
      } catch (error) {
        this.#refuse(error)
      }
    }
    return true
  }

  /** What cannot be read ends the reader there. */
  #refuse(error: unknown): void {
    const remedy = 'set compression.type=gzip on the topic'
    this.#waiting.length = 0
    this.#isClosed = true
    this.fail(
      error instanceof UnknownCompression
        ? new Error(`${this.place}: ${error.message}; ${remedy}`, { cause: error })
        : error,
    )
  }

  #wait(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done, { once: true })
      this.#wake = done
    })
  }
}

function bytesOf({ key, value }: ReadRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + RECORD_BYTES
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const cut = Math.floor(Math.random() * items.length)
  return [...items.slice(cut), ...items.slice(0, cut)]
}
