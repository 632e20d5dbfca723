/**
 * One consumer group over one topic that others write, in this process. Unlike `consumer.ts` there is no state and so no
 * log of it: how far the group is, Kafka keeps, and refuses to hear it from who is out of the group.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OtlpPartition } from '../../../collectors/kafka/otlp-topic.ts'
import { Unavailable } from '../../../schema/errors.ts'
import { aborted } from '../aborted.ts'
import { answerOf } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { ForeignPartition } from './foreign-partition.ts'
import { Link } from './link.ts'
import { Membership } from './membership.ts'
import { Owners, type Ownership } from './owners.ts'
import type { KafkaSettings } from './settings.ts'
import { Trouble } from './trouble.ts'

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
  /** For polls, for membership, and for everything else: each waits for its own answers only. */
  readonly #links: { readonly polls: Link; readonly group: Link; readonly offsets: Link }
  readonly #fetcher: Fetcher
  readonly #membership: Membership
  readonly #owners: Owners
  readonly #trouble: Trouble
  readonly #failed = new AbortController()

  constructor(parts: ForeignConsumerParts) {
    const { settings, groupId, topic, sessionTimeoutMs, lookEveryMs } = parts
    this.#parts = parts
    this.#trouble = new Trouble(parts.onTrouble)
    const onTrouble = ({ message }: Unavailable) => this.#trouble.tell(message)
    this.#links = { polls: new Link(settings), group: new Link(settings), offsets: new Link(settings) }
    this.#fetcher = new Fetcher({ link: this.#links.polls, onTrouble })
    this.#owners = new Owners(
      (ownership) => this.#own(ownership),
      (error) => this.#failed.abort(error),
    )
    this.#membership = new Membership({
      link: this.#links.group,
      commitLink: this.#links.offsets,
      groupId,
      topic,
      sessionTimeoutMs,
      lookEveryMs,
      onTrouble,
      onAssigned: (partitions, isContinuous) => this.#owners.assign(partitions, isContinuous),
    })
  }

  /** Runs until `signal` aborts or an owner throws; then every owner has ended, and the group knows. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([signal, this.#failed.signal])
    setMaxListeners(0, stopped)
    try {
      await this.#open(stopped)
      await Promise.race([this.#membership.run(stopped), aborted(stopped)])
    } finally {
      await this.#owners.stop()
      await this.#membership.leave()
      this.#fetcher.close()
      this.#trouble.over()
      await Promise.all(Object.values(this.#links).map((link) => link.close().catch(() => undefined)))
    }
    if (this.#failed.signal.aborted) {
      throw this.#failed.signal.reason
    }
  }

  /** Waits for brokers and for the topic, which is not ours to make: with how many partitions, its writer knows. */
  async #open(stopped: AbortSignal): Promise<void> {
    const { settings, topic } = this.#parts
    await this.#untilDone(stopped, LOOK_FOR_TOPIC_MS, async () => {
      try {
        await Promise.all([this.#links.polls.open([topic]), this.#links.offsets.open([topic])])
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
    const reader = this.#fetcher.read(topic, partition, start)
    const commit = async (next: number) => {
      await this.#membership.commit(new Map([[partition, next]]))
      this.#trouble.over()
    }
    try {
      await own(new ForeignPartition({ groupId, ownership, reader, commit }), signal)
    } finally {
      this.#fetcher.stop(reader)
    }
  }

  /** Where the group is; at the first message, where it never was. */
  async #startOf(partition: number): Promise<number> {
    const { topic } = this.#parts
    const committed = await this.#membership.committed(partition)
    if (committed !== undefined) {
      return committed
    }
    const { offsets } = this.#links
    if (!offsets.partitions(topic).some(({ partitionId }) => partitionId === partition)) {
      await offsets.refresh()
    }
    const extent = (await offsets.extents(topic)).find((each) => each.partition === partition)
    if (extent === undefined) {
      throw new Unavailable(`the brokers do not know ${topic}/${partition} yet`)
    }
    return extent.start
  }

  /** Repeats `call` until it works; undefined when `signal` aborts meanwhile. */
  async #untilDone<Result>(
    signal: AbortSignal,
    againMs: number,
    call: () => Promise<Result>,
  ): Promise<Result | undefined> {
    while (!signal.aborted) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          throw error
        }
        this.#trouble.tell(error.message)
        await sleep(againMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return undefined
  }
}
