/** The spool's log on the local disk: what waits in it, how much it may be, and reading it once, in order. */
import { Unavailable } from '../../schema/errors.ts'
import type { Assignment, BusRecord, Topic } from '../bus/bus.ts'
import { type EmbeddedBus, openEmbeddedBus } from '../bus/embedded.ts'
import { recordBytes } from '../bus/record-bytes.ts'
import { spooled } from './spooled-record.ts'

/** One partition of one topic, whatever topic its records are for: so they have one order. */
const TOPIC: Topic = 'fragments'
const GROUP = 'drain'

const FULL_RETRY_MS = 5000

export interface SpoolLogOptions {
  readonly directory: string
  readonly maxBytes: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told after every change of what waits. */
  readonly onChange: () => void
}

export class SpoolLog {
  /** What waits, durably. */
  records: number
  /** What that takes, and what is on its way to the disk. */
  bytes: number
  /** When the oldest of it was appended; whoever reads knows. */
  oldestMs: number | undefined
  /** Appends begun since the start, and those not yet ended. */
  begun = 0
  open = 0
  /** Set while the disk refuses to note what was drained: that is what makes room, so nothing else may take it. */
  refusal: Unavailable | undefined
  readonly #options: SpoolLogOptions
  readonly #bus: EmbeddedBus

  private constructor(options: SpoolLogOptions, bus: EmbeddedBus, records: number) {
    this.#options = options
    this.#bus = bus
    this.records = records
    // What was drained and is not yet deleted counts as well, until all is drained.
    this.bytes = records === 0 ? 0 : bus.heldBytes
  }

  /** Throws `Misconfigured` when another process has the directory, or its file is damaged. */
  static async open(options: SpoolLogOptions): Promise<SpoolLog> {
    const bus = await openEmbeddedBus({
      directory: options.directory,
      // What was drained is of no use to anybody.
      retention: { maxAgeMs: 0, maxBytes: 0 },
      // `append` here has the bound. Each transaction deletes more of what was drained than it adds, so that is near the truth.
      maxBacklogBytes: Number.POSITIVE_INFINITY,
      sweepEveryMs: 1000,
    })
    const place = (await bus.lag()).find(({ group, topic }) => group === GROUP && topic === TOPIC)
    return new SpoolLog(options, bus, place === undefined ? 0 : place.end - place.committed)
  }

  /** Resolves when the records are on disk. Throws `Unavailable` when the log is full or the disk refuses. */
  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    if (this.refusal !== undefined) {
      throw this.refusal
    }
    const { maxBytes, now, onChange } = this.#options
    const nowMs = now()
    const entries = records.map((record) => spooled(topic, nowMs, record))
    const bytes = bytesOf(entries)
    if (this.bytes + bytes > maxBytes) {
      const message = `the bus is away and the spool is full: ${this.bytes} of ${maxBytes} bytes wait to be drained`
      throw new Unavailable(message, { retryAfterMs: FULL_RETRY_MS })
    }
    this.bytes += bytes
    this.oldestMs ??= nowMs
    this.begun += 1
    this.open += 1
    try {
      await this.#bus.append(TOPIC, entries)
      this.records += entries.length
    } catch (error) {
      this.bytes -= bytes
      throw error
    } finally {
      this.open -= 1
      onChange()
    }
  }

  /** Runs `own` as the one reader, until `signal` aborts; rejects with what it throws. */
  consume(own: (assignment: Assignment, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#bus.consume({ group: GROUP, topic: TOPIC }, own, signal)
  }

  /** So much was drained. */
  drained(records: readonly BusRecord[]): void {
    this.records -= records.length
    this.bytes -= bytesOf(records)
    this.#options.onChange()
  }

  /** All was drained: what was counted too much, over a restart, is gone too. */
  emptied(): void {
    this.records = 0
    this.bytes = 0
    this.oldestMs = undefined
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}

/** What records take in the log, and about what they take in memory. */
export function bytesOf(records: readonly BusRecord[]): number {
  return records.reduce((sum, record) => sum + recordBytes(record), 0)
}
