/**
 * The write stage: what is on the bus into the store, in batches. It is the one stage whose result lies outside the
 * bus, so it cannot be committed with the offset; instead the batch is announced in the state before it is inserted.
 *
 * Whoever comes after a death asks the store for the one batch in doubt: when it is there, it is skipped, else its
 * records are inserted anew under a fresh id. (Deduplication tokens would do this in one step, but lose rows after a
 * kill on the embedded engine.) Should the store show a late insert all the same, rows of one id are one row to
 * readers. Partitions of one table share their inserts (`shared-inserts.ts`, which says why that is safe).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../schema/errors.ts'
import { type RefusedRow, STORE_TABLES, type Store, type StoreTable } from '../store/store.ts'
import type { Assignment, Bus, BusRecord, StoredRecord } from './bus/bus.ts'
import { deadLetterOf, deadLetterRecord, readDeadLetter } from './dead-letter.ts'
import { PoisonWatch } from './poison.ts'
import { encode } from './records.ts'
import { Scratch } from './scratch.ts'
import { type Insertion, SharedInserts } from './shared-inserts.ts'

export interface WriteLimits {
  readonly maxRows: number
  readonly maxBytes: number
  /** How long the first row of a batch waits for company. */
  readonly intervalMs: number
}

export interface WriterRun {
  readonly bus: Bus
  readonly store: Store
  /** Aborted to stop. What was read and not stored is read again by the next owner. */
  readonly signal: AbortSignal
  /** Which topics; default all that the store has a table for. */
  readonly topics?: readonly StoreTable[]
  readonly limits?: Partial<WriteLimits>
  /**
   * The bus has many partitions, perhaps in many processes. Events and findings wait longer for company, and those of all
   * partitions here are ready at the same moment, to be inserted together: small inserts cost the store more than large.
   */
  readonly isPartitioned?: boolean
  /** Told after each insert that the store has confirmed; it may hold batches of several partitions. For metrics. */
  readonly onInsert?: (table: StoreTable, durationMs: number) => void
  /** Told after each batch of one partition that is in the store. For outcomes and metrics. */
  readonly onBatch?: (batch: WrittenBatch) => void
  /** Told when one of them does not answer and the writer waits; once for an insert, whoever shared it. */
  readonly onRetry?: (of: Outside, topic: StoreTable, error: Unavailable) => void
}

/** What a writer waits for. */
export type Outside = 'bus' | 'store'

export interface WrittenBatch {
  readonly table: StoreTable
  readonly partition: number
  readonly rows: number
  readonly bytes: number
  /** Dead-lettered, by reason. Dead letters that are refused themselves are only counted here. */
  readonly refused: ReadonlyMap<string, number>
}

/** The consumer group. */
export const WRITE_GROUP = 'write'
const IN_DOUBT = 'in-doubt'

/** Single rows cost a thousand times as much. Alerts are few and somebody waits for them. */
const DEFAULT_LIMITS: Readonly<Record<StoreTable, WriteLimits>> = {
  events: { maxRows: 10_000, maxBytes: 16 * 1024 * 1024, intervalMs: 500 },
  findings: { maxRows: 10_000, maxBytes: 16 * 1024 * 1024, intervalMs: 500 },
  alerts: { maxRows: 10_000, maxBytes: 16 * 1024 * 1024, intervalMs: 200 },
  dead_letters: { maxRows: 10_000, maxBytes: 16 * 1024 * 1024, intervalMs: 500 },
}
const PARTITIONED_INTERVAL_MS: Partial<Record<StoreTable, number>> = { events: 1000, findings: 1000 }
/** How long an idle partition waits for a first row. */
const IDLE_MS = 1000
/** The same, when what was stored last is not committed yet. */
const COMMIT_AFTER_MS = 50
const MAX_BACKOFF_MS = 30_000

/**
 * Runs until `signal` aborts. A store that is down is waited for, with one more batch in hand: what is unread
 * stays on the bus. Rejects with `TooMuchPoison` when the store refuses most of what it is given, and on a bug.
 */
export async function runWriter(run: WriterRun): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([run.signal, failed.signal])
  const told = new WeakSet<Unavailable>()
  const onRetry: WriterRun['onRetry'] = (of, topic, error) => {
    if (!told.has(error)) {
      told.add(error)
      run.onRetry?.(of, topic, error)
    }
  }
  await Promise.all(
    (run.topics ?? STORE_TABLES).map(async (topic) => {
      const onInsert = (durationMs: number) => run.onInsert?.(topic, durationMs)
      const inserts = new SharedInserts({ store: run.store, table: topic, onInsert })
      try {
        await run.bus.consume(
          { group: WRITE_GROUP, topic, wantsDecoded: false },
          (assignment, owned) => new PartitionWriter({ ...run, onRetry }, inserts, topic, assignment, owned).run(),
          signal,
        )
      } catch (error) {
        // The others stop too: a writer that silently writes half of the topics would go unseen.
        failed.abort(error)
        throw error
      }
    }),
  )
}

/** A batch that was announced, and may or may not be in the store. */
interface InDoubt {
  readonly batch_id: string
  readonly from: number
  readonly to: number
}

class PartitionWriter {
  readonly #run: WriterRun
  readonly #inserts: SharedInserts
  readonly #table: StoreTable
  readonly #assignment: Assignment
  readonly #signal: AbortSignal
  readonly #limits: WriteLimits
  /** Whether batches are ready at the ticks of one clock of the process. */
  readonly #isInStep: boolean
  readonly #watch = new PoisonWatch(WRITE_GROUP)
  /** Of the batch that is collected, and of the one that is stored meanwhile. */
  #memory = new Scratch()
  #otherMemory = new Scratch()
  /** The batch that is being stored, or was last. */
  #storing: Promise<void> = Promise.resolve()
  /** The batch that was in doubt, when it is there and has not been read past. */
  #stored: InDoubt | undefined
  /** Records before it are in the store. */
  #done: number
  /** Whether the state, or `#done` once what is being stored is there, is ahead of the last commit. */
  #uncommitted = false

  constructor(run: WriterRun, inserts: SharedInserts, table: StoreTable, assignment: Assignment, signal: AbortSignal) {
    this.#run = run
    this.#inserts = inserts
    this.#table = table
    this.#assignment = assignment
    this.#signal = signal
    const inStepMs = run.isPartitioned ? PARTITIONED_INTERVAL_MS[table] : undefined
    this.#isInStep = inStepMs !== undefined
    const intervalMs = inStepMs ?? DEFAULT_LIMITS[table].intervalMs
    this.#limits = { ...DEFAULT_LIMITS[table], intervalMs, ...run.limits }
    this.#done = assignment.start
  }

  async run(): Promise<void> {
    this.#inserts.enter()
    const ends = [await errorOf(this.#writeBatches())]
    // The partition may be somebody else's as soon as this returns.
    ends.push(await errorOf(this.#storing))
    this.#inserts.leave()
    // Waiting ends with `Stopped` when we are told to stop. What was not committed is read again.
    const bug = ends.find((error) => error !== undefined && !(error instanceof Stopped))
    if (bug !== undefined) {
      throw bug
    }
  }

  /** While one batch is stored the next is collected: what is read is kept in memory by the bus until all have read it. */
  async #writeBatches(): Promise<void> {
    this.#stored = await this.#settleDoubt()
    for (;;) {
      const records = await this.#collect()
      // Only one batch may be in doubt.
      await this.#storing
      if (this.#signal.aborted) {
        return
      }
      if (records.length > 0) {
        this.#uncommitted = true
        this.#storing = this.#store(records)
        // Awaited in the next turn, or at the end.
        this.#storing.catch(() => undefined)
      } else if (this.#uncommitted) {
        // Under load the next announcement carries the offset along; an idle partition commits it by itself.
        const state = [{ key: IN_DOUBT, value: undefined }]
        await this.#persist('bus', () => this.#assignment.commit({ next: this.#done, outputs: [], state }))
        this.#uncommitted = false
      }
    }
  }

  async #store(records: readonly StoredRecord[]): Promise<void> {
    const stored = this.#stored
    const isStored = (offset: number) => stored !== undefined && offset >= stored.from && offset < stored.to
    const fresh = records.filter(({ offset }) => !isStored(offset))
    if (fresh.length > 0) {
      await this.#write(fresh)
    }
    this.#done = (records.at(-1) as StoredRecord).offset + 1
    // What is read from here on is behind it, or of a log that somebody made anew.
    if (fresh.length > 0) {
      this.#stored = undefined
    }
  }

  /** The batch that is in the store although no commit says so, if there is one. */
  async #settleDoubt(): Promise<InDoubt | undefined> {
    for await (const { key, value } of this.#assignment.restore()) {
      if (key === IN_DOUBT) {
        const inDoubt = JSON.parse(Buffer.from(value).toString('utf8')) as InDoubt
        const isStored = await this.#persist('store', () => this.#run.store.hasBatch(this.#table, inDoubt.batch_id))
        return isStored ? inDoubt : undefined
      }
    }
    return undefined
  }

  /** Records for one batch; empty when none came for a while. */
  async #collect(): Promise<readonly StoredRecord[]> {
    const { maxRows, maxBytes, intervalMs } = this.#limits
    const memory = this.#otherMemory
    this.#otherMemory = this.#memory
    this.#memory = memory
    memory.reset()
    const records: StoredRecord[] = []
    let bytes = 0
    // What is stored and not committed is committed as soon as the partition is idle.
    let waitMs = this.#uncommitted ? COMMIT_AFTER_MS : IDLE_MS
    let deadlineMs: number | undefined
    while (records.length < maxRows && bytes < maxBytes && waitMs > 0 && !this.#signal.aborted) {
      const room = { maxRecords: maxRows - records.length, maxBytes: maxBytes - bytes, waitMs }
      const more = await this.#persist('bus', () => this.#assignment.read(room))
      if (more.length === 0 && deadlineMs === undefined) {
        return []
      }
      for (const { offset, key, value } of more) {
        // It may be a while until the batch is full and stored; what is read must not live so long.
        records.push({ offset, key, value: memory.copy(value) })
        bytes += value.length
      }
      const nowMs = performance.now()
      deadlineMs ??= this.#isInStep ? (Math.floor(nowMs / intervalMs) + 1) * intervalMs : nowMs + intervalMs
      waitMs = Math.ceil(deadlineMs - nowMs)
      // Reads that find records at once never leave the microtask queue; sockets and timers must get their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return records
  }

  /** Stores the records, whatever it takes, without those that never will be. */
  async #write(records: readonly StoredRecord[]): Promise<void> {
    const refused = new Map<string, number>()
    let rest = records
    while (rest.length > 0) {
      const found = await this.#insert(rest)
      if (found.isStored) {
        break
      }
      // None when it was stored for nobody, because of rows of another partition.
      if (found.refused.length > 0) {
        rest = await this.#deadLetter(rest, found.refused, refused)
      }
    }
    this.#run.onBatch?.({
      table: this.#table,
      partition: this.#assignment.partition,
      rows: rest.length,
      bytes: rest.reduce((sum, { value }) => sum + value.length, 0),
      refused,
    })
  }

  /** One batch, tried until it is known to be in the store, or in an insert with refused rows. */
  async #insert(records: readonly StoredRecord[]): Promise<Insertion> {
    const rows = records.map((record) => this.#rowOf(record))
    let inDoubt: string | undefined
    let failing: Outside = 'store'
    return await this.#persist(
      () => failing,
      async () => {
        failing = 'store'
        // A failed try may have stored them, or be storing them still: only the store knows.
        if (inDoubt !== undefined && (await this.#run.store.hasBatch(this.#table, inDoubt))) {
          return { isStored: true, refused: [] }
        }
        return await this.#inserts.insert(rows, (batchId) => {
          inDoubt = batchId
          return this.#announce(batchId, records).catch((error: unknown) => {
            failing = 'bus'
            throw error
          })
        })
      },
    )
  }

  /** What travels is what is stored, but for letters: those of other versions and strangers get the one form. */
  #rowOf(record: StoredRecord): Uint8Array {
    const { topic, partition } = this.#assignment
    return topic === 'dead_letters' ? encode(readDeadLetter(record, partition, Date.now())) : record.value
  }

  /** Once: others may wait for it. */
  async #announce(batchId: string, records: readonly StoredRecord[]): Promise<void> {
    const from = (records[0] as StoredRecord).offset
    const to = (records.at(-1) as StoredRecord).offset + 1
    const inDoubt: InDoubt = { batch_id: batchId, from, to }
    const state = [{ key: IN_DOUBT, value: Buffer.from(JSON.stringify(inDoubt)) }]
    await this.#assignment.commit({ next: this.#done, outputs: [], state })
  }

  /** Before the rest is stored: a death in between repeats the letters, it does not lose them. */
  async #deadLetter(
    records: readonly StoredRecord[],
    refused: readonly RefusedRow[],
    counts: Map<string, number>,
  ): Promise<readonly StoredRecord[]> {
    const poison = refused.map(({ index, reason }) => ({ record: records[index] as StoredRecord, reason }))
    for (const { reason } of poison) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
    }
    // A letter about a letter would be refused like it, for ever; and no letter is worth stopping the engine for.
    if (this.#table !== 'dead_letters') {
      this.#watch.observe(records.length, poison)
      const letters = poison.map(({ record, reason }) => this.#letterAbout(record, reason))
      await this.#persist('bus', () => this.#assignment.append('dead_letters', letters))
    }
    const gone = new Set(refused.map(({ index }) => index))
    return records.filter((_, index) => !gone.has(index))
  }

  #letterAbout(record: StoredRecord, reason: string): BusRecord {
    const { topic, partition } = this.#assignment
    const place = { topic, partition, offset: record.offset }
    return deadLetterRecord(deadLetterOf({ time_ms: Date.now(), stage: WRITE_GROUP, reason, ...place }, record))
  }

  /** Repeats `call` while the store or the bus is unavailable. Throws `Stopped` when told to stop meanwhile. */
  async #persist<Result>(of: Outside | (() => Outside), call: () => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          throw error
        }
        if (this.#signal.aborted) {
          throw new Stopped()
        }
        this.#run.onRetry?.(typeof of === 'string' ? of : of(), this.#table, error)
        const waitMs = Math.min(MAX_BACKOFF_MS, error.retryAfterMs * 2 ** attempt) * (0.5 + Math.random() / 2)
        await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => undefined)
        if (this.#signal.aborted) {
          throw new Stopped()
        }
      }
    }
  }
}

/** What a promise rejected with; `undefined` when it was fulfilled. */
function errorOf(promise: Promise<void>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Unwinds a partition that was told to stop while it waited. */
class Stopped extends Error {}
