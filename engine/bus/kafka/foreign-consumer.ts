/**
 * One consumer group over one topic that others write, in this process. Unlike `consumer.ts` there is no state and so no
 * log of it: how far the group is, Kafka keeps, and refuses to hear it from who is out of the group.
 */
import type { OtlpPartition } from '../../../collectors/kafka/otlp-topic.ts'
import { Unavailable } from '../../../schema/errors.ts'
import { Trouble } from '../../trouble.ts'
import { untilAvailable } from '../../until-available.ts'
import { answerOf } from './errors.ts'
import { ForeignPartition } from './foreign-partition.ts'
import { GroupReader } from './group-reader.ts'
import type { Ownership } from './owners.ts'
import type { KafkaSettings } from './settings.ts'

export interface ForeignConsumerParts {
  readonly settings: KafkaSettings
  readonly groupId: string
  readonly topic: string
  readonly sessionTimeoutMs: number
  readonly lookEveryMs: number
  readonly own: (partition: OtlpPartition, signal: AbortSignal) => Promise<void>
  readonly onTrouble: (message: string | undefined) => void
}

const MISSING = 'UNKNOWN_TOPIC_OR_PARTITION'
const LOOK_FOR_TOPIC_MS = 1000
const AGAIN_MS = 500

export class ForeignConsumer {
  readonly #parts: ForeignConsumerParts
  readonly #reader: GroupReader
  readonly #trouble: Trouble

  constructor(parts: ForeignConsumerParts) {
    const { settings, groupId, topic, sessionTimeoutMs, lookEveryMs } = parts
    this.#parts = parts
    this.#trouble = new Trouble(parts.onTrouble)
    this.#reader = new GroupReader({
      ...{ settings, groupId, topic, sessionTimeoutMs, lookEveryMs },
      work: (ownership) => this.#own(ownership),
      onTrouble: ({ message }) => this.#trouble.tell(message),
    })
  }

  /** Runs until `signal` aborts or an owner throws; then every owner has ended, and the group knows. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#reader.run(
        signal,
        (stopped) => this.#open(stopped),
        async () => undefined,
      )
    } finally {
      this.#trouble.over()
    }
  }

  /** Waits for brokers and for the topic, which is not ours to make: with how many partitions, its writer knows. */
  async #open(stopped: AbortSignal): Promise<void> {
    const { settings, topic } = this.#parts
    const { polls, rest } = this.#reader.links
    await this.#untilDone(stopped, LOOK_FOR_TOPIC_MS, async () => {
      try {
        await Promise.all([polls.open([topic]), rest.open([topic])])
      } catch (error) {
        if (answerOf(error) === MISSING) {
          const where = settings.brokers.join(', ')
          throw new Unavailable(`there is no topic ${topic} at ${where} yet: it is read as soon as somebody makes it`)
        }
        throw error
      }
    })
    this.#trouble.over()
  }

  async #own(ownership: Ownership): Promise<void> {
    const { groupId, topic, own } = this.#parts
    const { partition, signal } = ownership
    const start = await this.#untilDone(signal, AGAIN_MS, () => this.#startOf(partition))
    if (start === undefined) {
      return
    }
    const reader = this.#reader.fetcher.read(topic, partition, start)
    const commit = async (next: number) => {
      await this.#reader.membership.commit(new Map([[partition, next]]))
      this.#trouble.over()
    }
    try {
      await own(new ForeignPartition({ groupId, ownership, reader, commit }), signal)
    } finally {
      this.#reader.fetcher.stop(reader)
    }
  }

  /** Where the group is; at the first message, where it never was. */
  async #startOf(partition: number): Promise<number> {
    const { topic } = this.#parts
    const committed = await this.#reader.membership.committed(partition)
    if (committed !== undefined) {
      return committed
    }
    const { rest } = this.#reader.links
    if (!rest.partitions(topic).some(({ partitionId }) => partitionId === partition)) {
      await rest.refresh()
    }
    const extent = await rest.extent(topic, partition)
    if (extent === undefined) {
      throw new Unavailable(`the brokers do not know ${topic}/${partition} yet`)
    }
    return extent.start
  }

  #untilDone<Result>(signal: AbortSignal, mostMs: number, call: () => Promise<Result>): Promise<Result | undefined> {
    return untilAvailable(call, signal, ({ message }) => this.#trouble.tell(message), mostMs)
  }
}
