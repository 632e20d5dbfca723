/**
 * From an agent's key to its record. Agents begin with a small record and get a full one when they have been seen often
 * enough; of each size there is a fixed number, and those used least recently leave. So memory is bounded by what is
 * configured, and an invented agent per event pushes out only other agents that were hardly ever seen.
 *
 * Everything follows from the calls made, in their order: no clock, no chance, so the same calls give the same bytes and the
 * same departures. An agent is known by 64 bits of its key (`hashKey` says how rarely two share them).
 *
 * Misses: in which order records were used before a restart (they count as used in the order in which they are restored), and
 * agents that left, unless the caller brings them back before it touches them: then they begin anew.
 *
 * A million full records take 3.9 GiB in all, and a core touches 1,110,000 of 40,000 agents a second, 698,000 of a million
 * (bench/profiles/size.ts).
 */
import { type IdentityIndex, identityIndexOf } from './identity-index.ts'
import { hashKey, type Secret } from './key-hash.ts'
import { type Layout, type Move, migrate, moveParts, movesBetween } from './layout.ts'
import type { Memory } from './memory.ts'
import { type Pool, poolOf } from './pool.ts'
import { identityText, type Records, type Tier, wordAt } from './records.ts'

/** The events that an agent's small record sees; with the next one it becomes a full one. */
export const SMALL_EVENTS = 50

/** What `find` says when there is no record. */
export const NO_RECORD = -1

/** How profiles are kept. */
export interface ProfilesOptions {
  /** Both begin with a part `header`, which is a `HEADER`. Parts that both have are carried over from small to full. */
  readonly small: Layout
  readonly full: Layout
  /** The most records of each size in memory, at least one. Beside each, 10 bytes are for its place and 16 to 32 in the index. */
  readonly smallRecords: number
  readonly fullRecords: number
  readonly secret: Secret
  /**
   * Called with a record that leaves, from within `touch` and `restore`; must not call back. The bytes are newer than what
   * a checkpoint under way holds of that agent: they belong to the next one.
   */
  readonly leave: (records: Records) => void
}

/**
 * The records of all agents of one thread. A record is a number, good until the next `touch` or `restore`: those may move
 * and drop records. Whoever writes to one does it right after the `touch` that gave it.
 */
export interface Profiles {
  /** How many agents are in memory. */
  readonly count: number
  /** The record of an agent, to read; `NO_RECORD` when it is not in memory. Changes nothing, recency included. */
  find(key: string): number
  /**
   * The record of an agent that an event is about, to read and write: counts the event, makes a record where there is none.
   * Who keeps records that left asks `find` before, and restores what it has.
   */
  touch(key: string): number
  tierOf(record: number): Tier
  /** The memory that the record lies in, and where in it the record begins: its parts are at `Layout.offsets` from there. */
  memory(record: number): Memory
  offset(record: number): number
  /** Events seen; stays at 2^32 - 1 once there. */
  eventsOf(record: number): number
  /** By what records are told apart where they are kept (`identitiesOf`). */
  identityOf(key: string): string
  /**
   * Begins a checkpoint: copies of all records that were touched since the last one began, as they are at this moment,
   * whatever happens to them before their slice is asked for. Slices are of at most `sliceBytes` (256 KiB), or one record. They are
   * the caller's to keep: no later checkpoint has them again unless they change. Agents that left are not in it.
   */
  changes(sliceBytes?: number): Iterable<Records>
  /**
   * Takes records in, as a checkpoint or `leave` gave them, those of another layout migrated. They count as used now, in
   * their order, and as unchanged; an agent that is already in memory gets the record that comes. Throws when they
   * are not what they are described to be, or have a header of another version.
   */
  restore(records: Records): void
}

// Small enough to be one message of a bus that takes a megabyte, large enough that there are few of them.
const SLICE_BYTES = 256 * 1024
const EVENTS_MOST = 0xffffffff

/** No agents yet. Throws when layouts or numbers of records cannot be. */
export function openProfiles(options: ProfilesOptions): Profiles {
  const small = poolOf('small', options.small, options.smallRecords)
  const full = poolOf('full', options.full, options.fullRecords)
  const agents: Agents = {
    small,
    full,
    index: identityIndexOf(options.smallRecords + options.fullRecords, (record, high) => {
      return poolFor(agents, record).wordOf(record >>> 1, HIGH) === high
    }),
    promotion: movesBetween(options.small.description, options.full),
    secret: options.secret,
    leave: options.leave,
    identity: new Uint32Array(2),
  }
  return {
    get count() {
      return small.recency.count + full.recency.count
    },
    find: (key) => find(agents, key),
    touch: (key) => touch(agents, key),
    tierOf: (record) => poolFor(agents, record).tier,
    memory: (record) => poolFor(agents, record).slabs.memory(record >>> 1),
    offset: (record) => poolFor(agents, record).slabs.offset(record >>> 1),
    eventsOf: (record) => poolFor(agents, record).wordOf(record >>> 1, EVENTS),
    identityOf: (key) => {
      const { identity } = agents
      hashKey(key, agents.secret, identity)
      return identityText(identity[0] ?? 0, identity[1] ?? 0)
    },
    // Both begin now, not when the first slice is asked for.
    changes: (sliceBytes = SLICE_BYTES) =>
      recordsOf([small, full].map((pool) => ({ pool, slices: pool.changes.take(sliceBytes) }))),
    restore: (records) => restore(agents, records),
  }
}

interface Agents {
  readonly small: Pool
  readonly full: Pool
  readonly index: IdentityIndex
  readonly promotion: readonly Move[]
  readonly secret: Secret
  readonly leave: (records: Records) => void
  /** Of the key looked up last: what returns two numbers makes an object. */
  readonly identity: Uint32Array
}

// The words of a header.
const LOW = 0
const HIGH = 1
const EVENTS = 2

/** Records are even when small and odd when full; the rest is the index in the pool. */
function poolFor({ small, full }: Agents, record: number): Pool {
  return (record & 1) === 0 ? small : full
}

function find({ secret, identity, index }: Agents, key: string): number {
  hashKey(key, secret, identity)
  return index.find(identity[0] ?? 0, identity[1] ?? 0)
}

function touch(agents: Agents, key: string): number {
  let record = find(agents, key)
  if (record === NO_RECORD) {
    record = create(agents)
  } else if ((record & 1) === 0 && agents.small.wordOf(record >>> 1, EVENTS) >= SMALL_EVENTS) {
    record = promote(agents, record)
  }
  const { changes, recency, slabs } = poolFor(agents, record)
  const at = record >>> 1
  changes.mark(at)
  recency.use(at)
  const { u32 } = slabs.memory(at)
  const events = (slabs.offset(at) >>> 2) + EVENTS
  u32[events] = Math.min((u32[events] ?? 0) + 1, EVENTS_MOST)
  return record
}

/** A small record for the key looked up last. */
function create(agents: Agents): number {
  const { small, index, identity } = agents
  const at = place(agents, small)
  const { u32 } = small.slabs.memory(at)
  const word = small.slabs.offset(at) >>> 2
  const low = identity[0] ?? 0
  u32[word + LOW] = low
  u32[word + HIGH] = identity[1] ?? 0
  index.add(low, at * 2)
  return at * 2
}

function promote(agents: Agents, record: number): number {
  const { small, full, index, promotion } = agents
  const to = place(agents, full)
  const from = record >>> 1
  const target = full.slabs.memory(to).u8
  moveParts(promotion, small.slabs.memory(from).u8, small.slabs.offset(from), target, full.slabs.offset(to))
  index.replace(small.wordOf(from, LOW), record, to * 2 + 1)
  small.release(from)
  return to * 2 + 1
}

/** The index of a record of zeros, if need be that of the one used least recently. */
function place(agents: Agents, pool: Pool): number {
  const { tier, layout, recency, slabs, capacity } = pool
  if (recency.count === capacity) {
    const oldest = recency.oldest()
    const start = slabs.offset(oldest)
    const bytes = slabs.memory(oldest).u8.slice(start, start + layout.bytes)
    drop(agents, pool, oldest)
    agents.leave({ tier, description: layout.description, recordBytes: layout.bytes, bytes })
  }
  return slabs.allocate()
}

function drop({ index }: Agents, pool: Pool, at: number): void {
  index.remove(pool.wordOf(at, LOW), at * 2 + pool.odd)
  pool.release(at)
}

function restore(agents: Agents, { tier, description, bytes }: Records): void {
  const { index } = agents
  const pool = agents[tier]
  const { layout, slabs } = pool
  if (movesBetween(description, layout)[0]?.to !== 0) {
    throw new Error(`records without the header of this release: ${description.slice(0, 80)}`)
  }
  const records = migrate(bytes, description, layout)
  for (let start = 0; start < records.length; start += layout.bytes) {
    const low = wordAt(records, start)
    const present = index.find(low, wordAt(records, start + 4))
    if (present !== NO_RECORD) {
      drop(agents, poolFor(agents, present), present >>> 1)
    }
    const at = place(agents, pool)
    slabs.memory(at).u8.set(records.subarray(start, start + layout.bytes), slabs.offset(at))
    index.add(low, at * 2 + pool.odd)
    pool.recency.use(at)
  }
}

function* recordsOf(taken: readonly { pool: Pool; slices: Iterable<Uint8Array> }[]): Generator<Records> {
  for (const { pool, slices } of taken) {
    const { tier, layout } = pool
    for (const bytes of slices) {
      yield { tier, description: layout.description, recordBytes: layout.bytes, bytes }
    }
  }
}
