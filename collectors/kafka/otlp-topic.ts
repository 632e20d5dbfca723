/**
 * Somebody else's Kafka topics, as the collector of this folder needs them: read in order, committed by hand. What
 * implements it has the client, the brokers and the consumer group; nothing here knows which client that is.
 */

/** A message as it lies on the topic. A tombstone has no value. Keys are not told: they mean nothing here. */
export interface OtlpTopicRecord {
  readonly offset: number
  /** May share memory with its neighbours: copy what outlives the batch. */
  readonly value: Uint8Array | undefined
  readonly headers: ReadonlyMap<string, Uint8Array>
  /** Its record batch cannot be read: `value` is the batch as it came, and this stands for all messages of it. */
  readonly isDamaged?: true
}

/**
 * A partition that this process owns, for a while, in the consumer group. Calls are made one at a time. After ownership
 * is lost every call throws `Unavailable`; what was not committed is read again by the next owner.
 */
export interface OtlpPartition {
  readonly topic: string
  readonly partition: number
  /**
   * Waits until at least one message is there, or `waitMs` has passed (then empty). Continues after the last message it
   * returned; the first call starts at the committed offset, or at the first message when nothing is committed. One
   * message always comes, even if it is larger than `maxBytes`. Empty while the brokers are away, and when `own`'s signal
   * aborts. Throws `Misconfigured` at messages that cannot be read as they are compressed.
   */
  read(options: {
    readonly maxRecords: number
    readonly maxBytes?: number
    readonly waitMs: number
  }): Promise<readonly OtlpTopicRecord[]>
  /** Everything before offset `next` is done with. Throws `Unavailable` while the brokers are away or deal the group anew. */
  commit(next: number): Promise<void>
}

/** Told what keeps messages of a topic from coming, once for each thing, and `undefined` when it is over. */
export type OnTopicTrouble = (topic: string, message: string | undefined) => void

export interface OtlpTopics {
  /**
   * Runs `own` once for every partition assigned to this process, concurrently, until `signal` aborts. `own`'s signal
   * aborts when the partition is taken away or everything stops; it then returns soon. If `own` throws, `consume`
   * rejects with that error. Topics that do not exist are waited for, and brokers that are away.
   */
  consume(
    topics: readonly string[],
    own: (partition: OtlpPartition, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    onTrouble: OnTopicTrouble,
  ): Promise<void>
}
