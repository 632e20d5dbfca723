/** A partition owned by one group in this process: reading on from where the group stands, and committing. */
import { Unavailable } from '../../../schema/errors.ts'
import type { Assignment, BusRecord, Commit, StoredRecord, Topic } from '../bus.ts'
import { ChunkReader } from './chunk.ts'
import { type Place, placeEntry } from './groups.ts'
import type { Journal, Write } from './journal.ts'
import { decodeState, logKey, offsetOf } from './keys.ts'
import type { Storage } from './storage.ts'
import type { RunReader } from './tail.ts'

/** What one `read` returns at most when the caller does not say. */
const DEFAULT_READ_BYTES = 8 * 1024 * 1024

/** How much state is read before others get a turn of the event loop. */
const RESTORE_PAGE = 500

export interface AssignmentParts {
  readonly place: Place
  readonly storage: Storage
  readonly journal: Journal
  readonly now: () => number
  /** Aborts a waiting `read`. */
  readonly signal: AbortSignal
  /** Told after reading that `place.read` has moved on. */
  readonly onRead: () => void
  /** Finds the partitions that records belong to; throws `Unavailable` when a topic is full. */
  readonly route: (topic: Topic, records: readonly BusRecord[]) => Write['appends']
}

export class EmbeddedAssignment implements Assignment {
  readonly topic: Topic
  readonly partition: number
  readonly epoch: number
  readonly start: number
  readonly #parts: AssignmentParts
  #revoked = false
  /** The offset that the next `read` begins at. */
  #position: number
  #chunk: ChunkReader | RunReader | undefined

  constructor(parts: AssignmentParts) {
    this.#parts = parts
    this.topic = parts.place.log.topic
    this.partition = parts.place.log.partition
    this.epoch = parts.place.epoch
    this.start = parts.place.committed
    this.#position = this.start
  }

  /** From now on every call throws `Unavailable`. */
  revoke(): void {
    this.#revoked = true
  }

  async *restore(): AsyncIterable<{ readonly key: string; readonly value: Uint8Array }> {
    const { place, storage } = this.#parts
    const end = Buffer.from(place.key)
    end.writeUInt16BE(place.log.partition + 1, end.length - 2)
    let start: Buffer = place.key
    for (;;) {
      this.#checkOwned()
      const page = [...storage.state.getRange({ start, end, limit: RESTORE_PAGE })]
      for (const { value } of page) {
        yield decodeState(value)
      }
      const last = page.at(-1)
      if (last === undefined || page.length < RESTORE_PAGE) {
        return
      }
      start = Buffer.concat([last.key, Buffer.alloc(1)])
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async read(options: {
    readonly maxRecords: number
    readonly maxBytes?: number
    readonly waitMs: number
  }): Promise<readonly StoredRecord[]> {
    this.#checkOwned()
    const { log } = this.#parts.place
    await log.waitFor(this.#position, options.waitMs, this.#parts.signal)
    this.#checkOwned()
    if (this.#parts.signal.aborted) {
      return []
    }
    const records: StoredRecord[] = []
    let bytesLeft = options.maxBytes ?? DEFAULT_READ_BYTES
    while (this.#position < log.extent.end && records.length < options.maxRecords) {
      const chunk = this.#chunkAtPosition()
      const bytes = chunk.nextBytes()
      if (bytes > bytesLeft && records.length > 0) {
        break
      }
      records.push(chunk.next())
      bytesLeft -= bytes
      this.#position = chunk.position
    }
    this.#parts.place.read = this.#position
    this.#parts.onRead()
    return records
  }

  async commit(commit: Commit): Promise<void> {
    this.#checkOwned()
    const { place, journal, now, route } = this.#parts
    if (commit.next < place.committed || commit.next > this.#position) {
      const range = `between ${place.committed} (committed) and ${this.#position} (read)`
      throw new Error(`cannot commit ${this.topic}/${this.partition} at ${commit.next}: it must lie ${range}`)
    }
    const next = { committed: commit.next, epoch: place.epoch, seenMs: now() }
    const state = commit.state.map((entry) => ({ place: place.key, ...entry }))
    const appends = commit.outputs.flatMap(({ topic, records }) => route(topic, records))
    await journal.write({ appends, state, entries: [placeEntry(place, next)] })
    Object.assign(place, next)
  }

  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    this.#checkOwned()
    const { place, journal, route } = this.#parts
    // Routed all the same when they stay here: that is where a full topic refuses.
    const appends = route(topic, records)
    await journal.write({ appends: topic === this.topic ? [{ log: place.log, records }] : appends, entries: [] })
  }

  #checkOwned(): void {
    if (this.#revoked) {
      const { group } = this.#parts.place
      throw new Unavailable(`${group} no longer owns ${this.topic}/${this.partition} (epoch ${this.epoch})`)
    }
  }

  #chunkAtPosition(): ChunkReader | RunReader {
    if (this.#chunk === undefined || this.#chunk.position >= this.#chunk.end) {
      const { tail } = this.#parts.place.log
      this.#chunk = tail.readerAt(this.#position) ?? this.#openChunk(this.#position)
    }
    return this.#chunk
  }

  /** The chunk that holds `offset`, moved on to it. Nearly always one begins there. */
  #openChunk(offset: number): ChunkReader {
    const { log } = this.#parts.storage
    const key = logKey(this.topic, this.partition, offset)
    const exact = log.get(key)
    if (exact !== undefined) {
      return this.#reader(exact, offset)
    }
    const end = logKey(this.topic, this.partition, 0)
    for (const found of log.getRange({ start: key, end, reverse: true, inclusiveEnd: true, limit: 1 })) {
      const reader = this.#reader(found.value, offsetOf(found.key))
      reader.skipTo(offset)
      if (reader.position < reader.end) {
        return reader
      }
    }
    throw new Error(`the bus is damaged: ${this.topic}/${this.partition} has no record at offset ${offset}`)
  }

  #reader(chunk: Buffer, base: number): ChunkReader {
    try {
      return new ChunkReader(chunk, base)
    } catch (cause) {
      const place = `${this.topic}/${this.partition}, records from offset ${base}`
      throw new Error(`the bus is damaged: ${place}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
}
