/**
 * Group commit: whatever is asked for while one transaction is being flushed shares the next one. So a thousand
 * appends at once cost about two flushes, and one append alone waits for nobody. One transaction is under way at a
 * time, which is why offsets can be given out in memory.
 */
import { Unavailable } from '../../../schema/errors.ts'
import { Scratch } from '../../scratch.ts'
import type { BusRecord, StateEntry } from '../bus.ts'
import { recordBytes } from '../record-bytes.ts'
import { cutIntoChunks, encodeChunk } from './chunk.ts'
import { encodeState, logKey, partitionKey, stateKey } from './keys.ts'
import { type Extent, encodeExtent, type PartitionLog } from './partition-log.ts'
import type { Deletion } from './retention.ts'
import type { Entry, Storage } from './storage.ts'

/** Larger transactions gain no throughput and hold up whoever waits behind them. */
const TRANSACTION_BYTES = 8 * 1024 * 1024

/** What must be persisted together. */
export interface Write {
  readonly appends: readonly { readonly log: PartitionLog; readonly records: readonly BusRecord[] }[]
  readonly entries: readonly Entry[]
  /** What changed of the state of places. */
  readonly state?: readonly (StateEntry & { readonly place: Buffer })[]
}

interface Queued extends Write {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface JournalOptions {
  readonly storage: Storage
  readonly now: () => number
  /** Queued beyond this, writes are refused with `Unavailable`: memory is bounded however slow the disk is. */
  readonly maxPendingBytes: number
  /** Chunks that may go, asked before every transaction. */
  readonly expired: () => readonly Deletion[]
}

export class Journal {
  readonly #options: JournalOptions
  #queue: Queued[] = []
  #pendingBytes = 0
  #running: Promise<void> | undefined
  readonly #scratch = new Scratch()

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Resolves when all of it is on disk; rejects with `Unavailable` when none of it is. */
  write(write: Write): Promise<void> {
    const bytes = bytesOf(write)
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#options.maxPendingBytes) {
      const message = `${this.#pendingBytes} bytes already wait for the disk`
      return Promise.reject(new Unavailable(message, { retryAfterMs: 500 }))
    }
    this.#pendingBytes += bytes
    return new Promise<void>((resolve, reject) => {
      this.#queue.push({ ...write, bytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#running
    }
  }

  async #run(): Promise<void> {
    // What else is asked for in this turn of the event loop joins the first transaction.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const writes = this.#take()
      try {
        await this.#transact(writes)
        for (const { resolve } of writes) {
          resolve()
        }
      } catch (error) {
        for (const { reject } of writes) {
          reject(error)
        }
      }
      for (const { bytes } of writes) {
        this.#pendingBytes -= bytes
      }
    }
    this.#running = undefined
  }

  #take(): Queued[] {
    let bytes = 0
    let count = 0
    for (const write of this.#queue) {
      if (count > 0 && bytes + write.bytes > TRANSACTION_BYTES) {
        break
      }
      bytes += write.bytes
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  async #transact(writes: readonly Queued[]): Promise<void> {
    this.#scratch.reset()
    const memory = (bytes: number) => this.#scratch.take(bytes)
    const entries: Entry[] = writes.flatMap((write) => write.entries)
    for (const { place, key, value } of writes.flatMap(({ state }) => state ?? [])) {
      const encoded = value === undefined ? undefined : encodeState(key, value, memory)
      entries.push({ database: 'state', key: stateKey(place, key), value: encoded })
    }
    const extents = new Map<PartitionLog, Extent>()
    for (const { log, chunk, extent } of this.#options.expired()) {
      entries.push({ database: 'log', key: logKey(log.topic, log.partition, chunk), value: undefined })
      extents.set(log, extent)
    }
    const appended = recordsByLog(writes)
    const bases = new Map<PartitionLog, number>()
    for (const [log, records] of appended) {
      bases.set(log, (extents.get(log) ?? log.extent).end)
      let { start, end, bytes } = extents.get(log) ?? log.extent
      for (const run of cutIntoChunks(records)) {
        const chunk = encodeChunk(run, end, this.#options.now(), memory)
        entries.push({ database: 'log', key: logKey(log.topic, log.partition, end), value: chunk })
        end += run.length
        bytes += chunk.length
      }
      extents.set(log, { start, end, bytes })
    }
    for (const [log, extent] of extents) {
      entries.push({ database: 'meta', key: partitionKey(log.topic, log.partition), value: encodeExtent(extent) })
    }
    if (entries.length > 0) {
      await this.#options.storage.write(entries)
    }
    for (const [log, records] of appended) {
      log.tail.push(bases.get(log) as number, records)
    }
    for (const [log, extent] of extents) {
      log.advance(extent)
    }
  }
}

function recordsByLog(writes: readonly Write[]): Map<PartitionLog, BusRecord[]> {
  const byLog = new Map<PartitionLog, BusRecord[]>()
  for (const { appends } of writes) {
    for (const { log, records } of appends) {
      const all = byLog.get(log)
      if (all === undefined) {
        byLog.set(log, [...records])
      } else {
        for (const record of records) {
          all.push(record)
        }
      }
    }
  }
  return byLog
}

function bytesOf(write: Write): number {
  let bytes = 0
  for (const { records } of write.appends) {
    for (const record of records) {
      bytes += recordBytes(record)
    }
  }
  for (const { value } of [...write.entries, ...(write.state ?? [])]) {
    bytes += value?.length ?? 0
  }
  return bytes
}
