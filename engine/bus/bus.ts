/**
 * The bus: the ordered, partitioned, durable log between stages. Embedded by default, Kafka to scale; both
 * pass `bus.contract.ts`, and nothing above this file knows which one it has.
 *
 * Delivery is at least once. Ids on records are deterministic, so what is seen twice is recognised.
 */

/** What travels on each topic is a schema type, as UTF-8 JSON. */
export const TOPICS = ['fragments', 'events', 'findings', 'alerts', 'dead_letters'] as const
export type Topic = (typeof TOPICS)[number]

/** A record to append. Records with equal keys land in one partition, in the order appended. Keys are well-formed text. */
export interface BusRecord {
  readonly key: string
  readonly value: Uint8Array
  /**
   * What `value` was encoded from. A bus may hand it on to readers in the same process, who are then spared the
   * parsing; nobody changes it, and nobody relies on its being there.
   */
  readonly decoded?: object
}

/**
 * A record as read back. Offsets rise by one within a partition (Kafka may leave gaps). `value` may share memory
 * with its neighbours: copy what outlives the batch.
 */
export interface StoredRecord extends BusRecord {
  readonly offset: number
  /** Its checksum is wrong: whatever `value` looks like, it is poison. */
  readonly isDamaged?: true
}

/** One entry of a stage's state for one partition. `value: undefined` deletes the key. */
export interface StateEntry {
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** What one turn of a stage produced; persisted together, or (Kafka) in an order that loses nothing on a crash. */
export interface Commit {
  /** The offset of the first record not yet included. */
  readonly next: number
  readonly outputs: readonly { readonly topic: Topic; readonly records: readonly BusRecord[] }[]
  readonly state: readonly StateEntry[]
}

/**
 * A partition that this process owns, for a while, in one consumer group. Calls are made one at a time, except that one
 * `read` may be under way beside the others. After ownership is lost every call throws `Unavailable`; what was not
 * committed is seen again by the next owner.
 */
export interface Assignment {
  readonly topic: Topic
  readonly partition: number
  /** Rises with every change of owner; a lower epoch's late commits are refused. */
  readonly epoch: number
  /** The committed offset when the partition was assigned: where the first `read` starts. */
  readonly start: number
  /** The state as of the last commit. Call once, before the first `read`. */
  restore(): AsyncIterable<{ readonly key: string; readonly value: Uint8Array }>
  /**
   * Waits until at least one record is there, or `waitMs` has passed (then empty). Continues after the last
   * record it returned; the first call starts at the committed offset.
   */
  read(options: {
    readonly maxRecords: number
    readonly maxBytes?: number
    readonly waitMs: number
  }): Promise<readonly StoredRecord[]>
  /** Persists outputs, state and offset. Resolves when a process death can no longer undo it. */
  commit(commit: Commit): Promise<void>
  /**
   * Appends outside the commit (ticks, dead letters); durable when it resolves. To the assignment's own topic it
   * appends to its own partition, whatever the key: a tick is for the partition that asked for it.
   */
  append(topic: Topic, records: readonly BusRecord[]): Promise<void>
}

export interface ConsumeOptions {
  readonly group: string
  readonly topic: Topic
  /** Where a group that has never committed starts. Default `earliest`. */
  readonly from?: 'earliest' | 'latest'
  /** `false`: bytes are enough, nothing has to be kept in memory for this reader. Default `true`. */
  readonly wantsDecoded?: boolean
}

export interface PartitionLag {
  readonly group: string
  readonly topic: Topic
  readonly partition: number
  readonly committed: number
  readonly end: number
}

export interface Bus {
  /** Resolves when every record is durable. Throws `Unavailable` when the bus is full or down: refuse the client. */
  append(topic: Topic, records: readonly BusRecord[]): Promise<void>
  /**
   * Runs `own` once for every partition assigned to this process, concurrently, until `signal` aborts. `own`'s
   * signal aborts when the partition is taken away or the bus stops; it should then return soon. If `own`
   * throws, `consume` rejects with that error.
   */
  consume(
    options: ConsumeOptions,
    own: (assignment: Assignment, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>
  /** How far each group is behind. For health, metrics and tests. */
  lag(): Promise<readonly PartitionLag[]>
  close(): Promise<void>
}
