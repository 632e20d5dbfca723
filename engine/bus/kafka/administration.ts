/** What the bus asks of a cluster beside records: its topics, its groups, and how far they are. */
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { Misconfigured } from '../../../schema/errors.ts'
import { type ConsumeOptions, TOPICS } from '../bus.ts'
import { isRefusal, unavailable } from './errors.ts'
import { clientOptions } from './link.ts'
import type { KafkaSettings } from './settings.ts'
import { ensureTopics, type TopicOptions, type TopicPlan } from './topics.ts'

/** Of topics that are made, and of what is appended to them. */
export interface TopicSettings {
  /** Default 3, or as many as there are brokers. */
  readonly replication?: number
  /** Default `none`: brokers and network have more room than processors have time. */
  readonly compression?: 'none' | 'gzip'
  /** How long and how much of each is kept, read or not. Default 7 days, 64 GiB. */
  readonly retention?: { readonly maxAgeMs?: number; readonly maxBytes?: number }
}

const DAY_MS = 86_400_000
const GIBIBYTE = 1024 ** 3
/** Groups come and go rarely. */
const GROUPS_FRESH_MS = 5000

/** A connection of kafkajs, and how many calls are under way on it. */
interface Opened {
  readonly admin: Promise<Admin>
  calls: number
}

/** kafkajs' own administration, opened anew after it failed. */
export class Administration {
  readonly #options: KafkaSettings & TopicSettings
  #opened: Opened | undefined
  #groups: { readonly atMs: number; readonly found: readonly ConsumeOptions[] } | undefined

  constructor(options: KafkaSettings & TopicSettings) {
    this.#options = options
  }

  ensure(plans: readonly TopicPlan[]): Promise<ReadonlyMap<string, number>> {
    const { replication, compression, retention } = this.#options
    const options: TopicOptions = {
      ...(replication === undefined ? {} : { replication }),
      compression: compression ?? 'none',
      retention: { maxAgeMs: retention?.maxAgeMs ?? 7 * DAY_MS, maxBytes: retention?.maxBytes ?? 64 * GIBIBYTE },
    }
    return this.#try((admin) => ensureTopics(admin, plans, options))
  }

  /** Groups of ours, in whatever process they run. */
  async groups(prefix: string): Promise<readonly ConsumeOptions[]> {
    if (this.#groups !== undefined && performance.now() - this.#groups.atMs < GROUPS_FRESH_MS) {
      return this.#groups.found
    }
    const { groups } = await this.#try((admin) => admin.listGroups())
    const found = groups.flatMap(({ groupId }) => {
      const topic = TOPICS.find((each) => groupId.endsWith(`.${each}`))
      const isOurs = groupId.startsWith(prefix) && topic !== undefined
      return isOurs ? [{ group: groupId.slice(prefix.length, -topic.length - 1), topic }] : []
    })
    this.#groups = { atMs: performance.now(), found }
    return found
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const found = await this.#try((admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
    return new Map(
      (found[0]?.partitions ?? []).flatMap(({ partition, offset }) =>
        Number(offset) < 0 ? [] : [[partition, Number(offset)] as const],
      ),
    )
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened?.calls === 0) {
      await disconnect(opened)
    }
  }

  async #try<Result>(call: (admin: Admin) => Promise<Result>): Promise<Result> {
    this.#opened ??= { admin: this.#connect(), calls: 0 }
    const opened = this.#opened
    opened.calls += 1
    try {
      return await call(await opened.admin)
    } catch (error) {
      this.#opened = this.#opened === opened ? undefined : this.#opened
      if (isRefusal(error)) {
        const message = `Kafka refuses us: ${(error as Error).message}`
        throw new Misconfigured([{ file: 'bus.kafka.sasl', message, suggestion: 'check mechanism and credentials' }])
      }
      throw unavailable(error, `ask Kafka at ${this.#options.brokers.join(', ')}`)
    } finally {
      opened.calls -= 1
      // Whoever is still asking would find the metadata gone from under him, and end with a TypeError of kafkajs.
      if (opened !== this.#opened && opened.calls === 0) {
        void disconnect(opened)
      }
    }
  }

  async #connect(): Promise<Admin> {
    const { brokers } = this.#options
    const kafka = new Kafka({
      brokers: [...brokers],
      ...clientOptions(this.#options),
      retry: { retries: 2 },
      logLevel: logLevel.NOTHING,
    })
    const admin = kafka.admin()
    await admin.connect()
    return admin
  }
}

async function disconnect({ admin }: Opened): Promise<void> {
  await admin.then((each) => each.disconnect()).catch(() => undefined)
}
