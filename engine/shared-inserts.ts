/**
 * The inserts of one table, shared by the partitions that this process writes: every insert makes parts, which the store
 * merges later, so many small inserts cost it far more than a few large ones.
 *
 * A partition that has a batch joins the gathering that is open, learns its id and announces it. From then on its rows are
 * in for good. After a death the next owner of each partition asks the store for the id announced last, and skips its own
 * batch when the id is there. So an insert must never lack rows of somebody who may have announced its id: not when the
 * announcement failed, for it may be there all the same, nor when the partition was taken away meanwhile. The other way
 * round does no harm: rows that are inserted twice are one row to readers.
 *
 * When rows are refused, nothing is stored under the id, and it stays so: everybody comes again, under a new id. Were the
 * rest inserted under the old one, those whose rows are left out would be skipped with it after a death.
 */
import { Unavailable } from '../schema/errors.ts'
import type { RefusedRow, Store, StoreTable } from '../store/store.ts'
import { newBatchId } from './batch-id.ts'

export interface SharedInsertsOptions {
  readonly store: Pick<Store, 'insert'>
  readonly table: StoreTable
  /** Told after each insert that the store has confirmed, however many partitions shared it, and how long it took. */
  readonly onInsert?: (durationMs: number) => void
}

/** What became of an insert, for one of those who shared it. */
export interface Insertion {
  /** `false`: nothing of it is stored, and its id is void. Come again, without the refused rows. */
  readonly isStored: boolean
  /** By their index in what this partition gave; none when only rows of others were refused. */
  readonly refused: readonly RefusedRow[]
}

/** How long the first of a gathering waits for the others. They collect in step, so it is for the stragglers of one tick. */
const GATHER_MS = 50
/** How long the rest waits for somebody whose announcement is not answered. */
const PATIENCE_MS = 1000
/** The store keeps memory for one insert of that size, and makes one part of it: there whole or not at all. */
const MAX_BYTES = 32 * 1024 * 1024
/** What the store writes around each row, rounded up. */
const ROW_OVERHEAD_BYTES = 64

/** Made by `runWriter`, one for each table; used by the writers of its partitions. */
export class SharedInserts {
  readonly #options: SharedInsertsOptions
  #partitions = 0
  #open: Gathering | undefined
  /** The end of the insert that was begun last; never rejects. */
  #last: Promise<void> = Promise.resolve()

  constructor(options: SharedInsertsOptions) {
    this.#options = options
  }

  /** A partition is written from now on. Each has one `insert` under way at most. */
  enter(): void {
    this.#partitions += 1
  }

  /** It no longer is. Nobody waits for it any more. */
  leave(): void {
    this.#partitions -= 1
    this.#closeWhenAllJoined()
  }

  /**
   * Inserts the rows together with those of other partitions, under an id that `announce` is told at once. Resolves or
   * rejects when nothing reads the rows any more and `announce` has ended. It may resolve although the announcement failed.
   *
   * @throws Unavailable when it is not known whether they were stored: ask for the id before coming again. What `announce`
   *   threw, when nobody could announce the id, which then is never inserted, or when that is a bug.
   */
  async insert(rows: readonly Uint8Array[], announce: (batchId: string) => Promise<void>): Promise<Insertion> {
    const bytes = rows.reduce((sum, row) => sum + row.length + ROW_OVERHEAD_BYTES, 0)
    const gathering = this.#gatheringFor(bytes)
    // At once, both: nothing can close it in between.
    const announced = announce(gathering.batchId)
    const outcome = gathering.join(rows, bytes, announced)
    this.#closeWhenAllJoined()
    const [ended, told] = await Promise.allSettled([outcome, announced])
    if (told.status === 'rejected' && !(told.reason instanceof Unavailable)) {
      throw told.reason
    }
    if (ended.status === 'rejected') {
      throw ended.reason
    }
    return ended.value
  }

  #gatheringFor(bytes: number): Gathering {
    if (this.#open !== undefined && this.#open.bytes + bytes > MAX_BYTES) {
      this.#close(this.#open)
    }
    if (this.#open === undefined) {
      this.#open = new Gathering()
      if (this.#partitions > 1) {
        void this.#closeInTime(this.#open)
      }
    }
    return this.#open
  }

  #closeWhenAllJoined(): void {
    if (this.#open !== undefined && this.#open.seats.length >= this.#partitions) {
      this.#close(this.#open)
    }
  }

  /** While the insert before is under way this one cannot begin, so it gathers on. */
  async #closeInTime(gathering: Gathering): Promise<void> {
    await Promise.all([new Promise((resolve) => setTimeout(resolve, GATHER_MS)), this.#last])
    // Those who took part in the insert before may have had their next batch ready: they come now.
    await new Promise((resolve) => setImmediate(resolve))
    this.#close(gathering)
  }

  #close(gathering: Gathering): void {
    if (this.#open === gathering) {
      this.#open = undefined
      this.#last = this.#insertAfter(this.#last, gathering)
    }
  }

  async #insertAfter(before: Promise<void>, gathering: Gathering): Promise<void> {
    const [isAnnounced] = await Promise.all([gathering.isAnnounced(), before])
    if (!isAnnounced) {
      gathering.giveUp()
      return
    }
    const { batchId, seats } = gathering
    const { store, table, onInsert } = this.#options
    try {
      const began = performance.now()
      const refused = await store.insert({ batchId, table, rows: seats.flatMap(({ rows }) => rows) })
      if (refused.length === 0) {
        onInsert?.(performance.now() - began)
      }
      gathering.end(refused)
    } catch (error) {
      gathering.fail(error)
    }
  }
}

/** One partition's part in a gathering. */
interface Seat {
  readonly rows: readonly Uint8Array[]
  readonly announced: Promise<void>
  readonly resolve: (insertion: Insertion) => void
  readonly reject: (error: unknown) => void
}

/** What goes into one insert: rows are added until it is closed, and none is ever taken out. */
class Gathering {
  readonly batchId = newBatchId(Date.now())
  readonly seats: Seat[] = []
  bytes = 0

  join(rows: readonly Uint8Array[], bytes: number, announced: Promise<void>): Promise<Insertion> {
    this.bytes += bytes
    return new Promise((resolve, reject) => this.seats.push({ rows, announced, resolve, reject }))
  }

  /**
   * Whether anybody has announced it, once all have tried. Who takes long is not waited for when another has: his rows are
   * in either way, and at worst come twice after a death.
   */
  async isAnnounced(): Promise<boolean> {
    const announcements = this.seats.map(({ announced }) => announced)
    const all = Promise.allSettled(announcements)
    try {
      await Promise.any(announcements)
    } catch {
      return false
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS)
      void all.then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    return true
  }

  /** Nobody could announce it, so it is not inserted; each learns why he could not. */
  giveUp(): void {
    for (const { announced, reject } of this.seats) {
      announced.catch(reject)
    }
  }

  /** All of it is stored, or nothing when rows were refused. */
  end(refused: readonly RefusedRow[]): void {
    let first = 0
    for (const { rows, resolve } of this.seats) {
      const from = first
      const to = from + rows.length
      first = to
      const mine = refused.filter(({ index }) => index >= from && index < to)
      resolve({
        isStored: refused.length === 0,
        refused: mine.map(({ index, reason }) => ({ index: index - from, reason })),
      })
    }
  }

  fail(error: unknown): void {
    for (const { reject } of this.seats) {
      reject(error)
    }
  }
}
