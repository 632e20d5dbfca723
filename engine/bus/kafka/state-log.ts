/**
 * The state of one partition of a stage, in a compacted topic: the changelog of its keys, with the offset that they
 * include. The log itself decides who owns it. A new owner first writes a marker, whose offset is the owner's epoch, and
 * then reads what lies before it; whatever an earlier owner writes after that marker comes too late and counts for
 * nothing, and the earlier owner is told so by the gap before its own records. Nobody has to trust a clock or a group.
 *
 * Each commit is one batch, which the broker takes as a whole: state and offset cannot come apart.
 */
import { randomUUID } from 'node:crypto'
import { Unavailable } from '../../../schema/errors.ts'
import type { StateEntry } from '../bus.ts'
import type { Appender } from './appender.ts'
import type { Link } from './link.ts'
import { decodeBatches, type NewRecord, type ReadRecord } from './record-batch.ts'
import { encodeHeaders } from './record-headers.ts'

/** Somebody else has claimed the partition since: whatever this owner says, it says too late. */
export class Fenced extends Unavailable {}

export interface StateLogOptions {
  readonly link: Link
  readonly appender: Appender
  readonly topic: string
  readonly partition: number
}

/** What a claim found. */
export interface Claimed {
  /** Where the stage goes on; undefined when nobody has ever committed. */
  readonly next: number | undefined
  readonly state: ReadonlyMap<string, Uint8Array>
}

/** Keys of the log: one letter, and for state the stage's own key. */
const MARKER = 'o'
const POSITION = 'p'
const STATE = 's'
const STAMP = 'e'
/** Epoch and number of the commit, eight bytes each, behind the header's name: as `encodeHeaders` writes them. */
const STAMP_AT = 4
const STAMP_BYTES = 20
const FETCH_BYTES = 8 * 1024 * 1024

export class StateLog {
  readonly #options: StateLogOptions
  readonly #place: string
  /** The offset of our marker. Undefined before `claim`. */
  #epoch: number | undefined
  /** Rises with every commit, so that one that was given up and comes late is known to be older. */
  #commits = 0
  /** The highest of them that is there, before `#end`: a lower one behind it comes too late. */
  #counted = 0
  /** The offset after the last record that was looked at. What is ours follows it without a gap. */
  #end = 0
  #isFenced = false
  #before: Promise<void> = Promise.resolve()

  constructor(options: StateLogOptions) {
    this.#options = options
    this.#place = `${options.topic}/${options.partition}`
  }

  get epoch(): number {
    return this.#epoch ?? -1
  }

  /** Becomes the owner, and reads what is there. Call once. @throws Unavailable */
  async claim(): Promise<Claimed> {
    const { appender, topic, partition } = this.#options
    const marker = { key: MARKER, value: Buffer.from(JSON.stringify({ owner: randomUUID(), pid: process.pid })) }
    const epoch = await appender.append(topic, partition, [marker])
    if (epoch < 0) {
      throw new Unavailable(`the broker does not know where the marker in ${this.#place} is`, { retryAfterMs: 100 })
    }
    const found = await this.#scan(0, epoch + 1)
    this.#epoch = epoch
    await this.#goOn(found)
    return { next: positionIn(found), state: stateIn(found) }
  }

  /**
   * Writes state and the offset that it includes.
   *
   * @throws Fenced when somebody else owns the partition now; Unavailable when it may be there or not: write it again.
   */
  write(next: number, entries: readonly StateEntry[]): Promise<void> {
    return this.#inTurn(() => this.#write(next, entries))
  }

  /** Looks whether somebody else has written meanwhile. For owners that have nothing to write. */
  check(): Promise<void> {
    return this.#inTurn(() => this.#look(undefined))
  }

  /** One at a time: what is mended must not be older than what is being written. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#before = this.#before.catch(() => undefined).then(act)
    return this.#before
  }

  async #write(next: number, entries: readonly StateEntry[]): Promise<void> {
    this.#refuseFenced()
    const records = [
      { key: POSITION, value: Buffer.from(JSON.stringify({ next })) },
      ...entries.map(({ key, value }) => ({ key: STATE + key, value: value ?? null })),
    ]
    const base = await this.#append(records)
    if (this.#landed(base, records.length)) {
      return
    }
    if (base >= 0 && base < this.#end) {
      // Made anew, or cut back by a cluster that chose a leader who lacked the end: what is known of it no longer holds.
      this.#isFenced = true
      throw new Fenced(`${this.#place} ends before what was written to it: it is claimed anew`)
    }
    await this.#look(base < 0 ? undefined : base)
  }

  #append(records: readonly NewRecord[]): Promise<number> {
    const { appender, topic, partition } = this.#options
    this.#commits += 1
    const stamp = Buffer.alloc(16)
    stamp.writeBigUInt64BE(BigInt(this.epoch))
    stamp.writeBigUInt64BE(BigInt(this.#commits), 8)
    return appender.append(topic, partition, records, { headers: encodeHeaders({ [STAMP]: stamp }), isAtomic: true })
  }

  /**
   * Reads what lies between our records. A newer marker ends our ownership, and the commit at `base`, when it comes
   * before it. What earlier owners wrote is put right: to compaction the newest record of a key is the true one.
   */
  async #look(base: number | undefined): Promise<void> {
    const found = await this.#scan(this.#end, undefined, { epoch: this.epoch, commit: this.#counted })
    if (found.newerMarker !== undefined) {
      this.#isFenced = true
      if (base === undefined || found.newerMarker < base) {
        this.#refuseFenced()
      }
      return
    }
    const { values } = found.disturbed.size > 0 ? await this.#scan(0, undefined) : found
    await this.#goOn({ ...found, values })
  }

  /** Writes the true values of disturbed keys again, and what was found counts as looked at. */
  async #goOn({ values, disturbed, commit, end }: Scanned): Promise<void> {
    const records = [...disturbed].map((key) => ({ key, value: values.get(key) ?? null }))
    const base = records.length === 0 ? -1 : await this.#append(records)
    this.#end = end
    this.#counted = commit
    // If somebody has written in between, the next write or check sees the gap, and looks again.
    this.#landed(base, records.length)
  }

  /** Whether the newest commit lies right behind what was looked at: then nobody else has written. */
  #landed(base: number, count: number): boolean {
    if (base !== this.#end) {
      return false
    }
    this.#end = base + count
    this.#counted = this.#commits
    return true
  }

  #refuseFenced(): void {
    if (this.#isFenced) {
      throw new Fenced(`somebody else has taken over ${this.#place} (epoch ${this.epoch} is over)`)
    }
  }

  /** Reads from `from` to `to`, or to the end as it is, and keeps what counts. */
  async #scan(from: number, to: number | undefined, since = { epoch: -1, commit: 0 }): Promise<Scanned> {
    const { link, topic, partition } = this.#options
    const extent = await link.extent(topic, partition)
    const end = to ?? extent?.end ?? 0
    const reading = new Reading(since, this.#epoch)
    let at = Math.max(from, extent?.start ?? 0)
    while (at < end) {
      const answer = await link.fetch({ topic, partition, offset: at, maxBytes: FETCH_BYTES })
      const { records, next } = decodeBatches(answer.batches, at)
      if (next === at) {
        throw new Unavailable(`${this.#place} ends at ${at}, and ${end} was promised`, { retryAfterMs: 100 })
      }
      for (const record of records) {
        if (record.isDamaged) {
          const remedy =
            'without what it holds a stage would judge wrongly; move the topic aside to begin without state'
          throw new Error(`the state in ${this.#place} is damaged at offset ${record.offset}: ${remedy}`)
        }
        if (record.offset < end) {
          reading.take(record)
        }
      }
      at = Math.min(next, end)
    }
    return { ...reading, end: at }
  }
}

interface Scanned {
  readonly values: ReadonlyMap<string, Uint8Array>
  /** Keys whose newest record does not count. */
  readonly disturbed: ReadonlySet<string>
  /** The first marker after ours. */
  readonly newerMarker: number | undefined
  /** The highest commit of the last epoch. */
  readonly commit: number
  readonly end: number
}

/** What counts, in the order of the log. */
class Reading {
  readonly values = new Map<string, Uint8Array>()
  readonly disturbed = new Set<string>()
  newerMarker: number | undefined = undefined
  commit: number
  #epoch: number
  /** An epoch that no marker here has given: of a log that had this name before. */
  #foreign: number | undefined
  readonly #own: number | undefined

  constructor(since: { readonly epoch: number; readonly commit: number }, own: number | undefined) {
    this.#epoch = since.epoch
    this.commit = since.commit
    this.#own = own
  }

  take(record: ReadRecord): void {
    const key = record.key === undefined ? '' : Buffer.from(record.key).toString()
    if (key === MARKER) {
      this.#epoch = record.offset
      this.#foreign = undefined
      this.commit = 0
      if (this.#own !== undefined && record.offset > this.#own) {
        this.newerMarker ??= record.offset
      }
      return
    }
    const stamp = stampOf(record.headers)
    if (stamp !== undefined && stamp.epoch >= record.offset) {
      // A marker lies before what its owner writes; the rest of the batch may lie behind where it was.
      this.#foreign = stamp.epoch
    }
    if (
      stamp === undefined ||
      stamp.epoch === this.#foreign ||
      stamp.epoch < this.#epoch ||
      (stamp.epoch === this.#epoch && stamp.commit < this.commit)
    ) {
      // A zombie's, one that comes late, one from a topic that is no more, or a stranger's.
      if (key.startsWith(STATE) || key === POSITION) {
        this.disturbed.add(key)
      }
      return
    }
    this.#epoch = stamp.epoch
    this.commit = stamp.commit
    this.disturbed.delete(key)
    if (record.value === undefined) {
      this.values.delete(key)
    } else {
      // Not a view of the response: a few bytes would keep all of it in memory.
      this.values.set(key, Buffer.from(record.value))
    }
  }
}

function stampOf(headers: Uint8Array | undefined): { readonly epoch: number; readonly commit: number } | undefined {
  if (headers?.length !== STAMP_BYTES || headers[2] !== STAMP.charCodeAt(0)) {
    return undefined
  }
  const view = new DataView(headers.buffer, headers.byteOffset + STAMP_AT)
  return { epoch: Number(view.getBigUint64(0)), commit: Number(view.getBigUint64(8)) }
}

function positionIn({ values }: Scanned): number | undefined {
  const value = values.get(POSITION)
  return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString()) as { next: number }).next
}

function stateIn({ values }: Scanned): ReadonlyMap<string, Uint8Array> {
  const state = new Map<string, Uint8Array>()
  for (const [key, value] of values) {
    if (key.startsWith(STATE)) {
      state.set(key.slice(STATE.length), value)
    }
  }
  return state
}
