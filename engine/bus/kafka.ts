/**
 * The bus on Kafka, for more than one process: topics, consumer groups and state as compacted topics
 * (`kafka/state-log.ts`). A commit appends outputs, then state and offset as one batch: a death in between makes the
 * outputs again, with the ids they had, and loses nothing.
 */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { Misconfigured, Unavailable } from '../../schema/errors.ts'
import {
  type Assignment,
  type Bus,
  type BusRecord,
  type ConsumeOptions,
  type PartitionLag,
  TOPICS,
  type Topic,
} from './bus.ts'
import { grouped } from './grouped.ts'
import { Administration, type TopicSettings } from './kafka/administration.ts'
import { Appender } from './kafka/appender.ts'
import { Consumer } from './kafka/consumer.ts'
import { Link } from './kafka/link.ts'
import { type KafkaSettings, SESSION_TIMEOUT_MS } from './kafka/settings.ts'
import { partitionOf } from './partition-of.ts'

export interface KafkaBusOptions extends KafkaSettings, TopicSettings {
  /** Before the name of every topic and group. Default `telltale.`. */
  readonly topicPrefix?: string
  /** Of topics that are made; topics that are there must have as many. Default: what is there, else 12. */
  readonly partitions?: number
  /** Default `SESSION_TIMEOUT_MS`. */
  readonly sessionTimeoutMs?: number
  /** How long an append is tried before it is given up. Default 30 s. */
  readonly appendDeadlineMs?: number
  /** What may wait in memory for the brokers before appends are refused. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /** Told after each durable append from outside a stage: how long it took. For metrics. */
  readonly onAppend?: (topic: Topic, durationMs: number) => void
  /** Told what goes wrong between us and Kafka and is tried again: `trouble` is where (`bus`, or the group). */
  readonly onTrouble?: (trouble: string, message: string) => void
}

const PREFIX = /^[A-Za-z0-9._-]{0,100}$/
const SAFE_NAME = /^[A-Za-z0-9._-]{1,100}$/

/**
 * Connects, makes the topics that are missing, and checks the others.
 *
 * @throws Misconfigured when the cluster refuses us or the topics are unfit; Unavailable when no broker answers.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const prefix = options.topicPrefix ?? 'telltale.'
  if (!PREFIX.test(prefix)) {
    const message = `${JSON.stringify(prefix)} cannot begin a topic's name: letters, digits, dot, dash and underscore can`
    throw new Misconfigured([{ file: 'bus.kafka.topic_prefix', message }])
  }
  const administration = new Administration(options)
  const link = new Link(options)
  try {
    const plans = TOPICS.map((topic) => ({
      name: prefix + topic,
      kind: 'records' as const,
      partitions: options.partitions,
    }))
    const found = await administration.ensure(plans)
    await link.open(plans.map(({ name }) => name))
    return new KafkaBus({ options, prefix, partitions: found, administration, link })
  } catch (error) {
    await Promise.all([administration.close(), link.close()])
    throw error
  }
}

interface BusParts {
  readonly options: KafkaBusOptions
  readonly prefix: string
  /** By the name of the topic at Kafka. */
  readonly partitions: ReadonlyMap<string, number>
  readonly administration: Administration
  /** For appends. */
  readonly link: Link
}

class KafkaBus implements Bus {
  readonly #parts: BusParts
  readonly #appender: Appender
  readonly #consumers = new Map<Consumer, { readonly options: ConsumeOptions; readonly ended: Promise<unknown> }>()
  readonly #stop = new AbortController()
  #closed: Promise<void> | undefined

  constructor(parts: BusParts) {
    this.#parts = parts
    const { compression, maxPendingBytes, appendDeadlineMs } = parts.options
    setMaxListeners(0, this.#stop.signal)
    this.#appender = new Appender({
      link: parts.link,
      compression: compression ?? 'none',
      maxPendingBytes: maxPendingBytes ?? 64 * 1024 * 1024,
      deadlineMs: appendDeadlineMs ?? 30_000,
    })
  }

  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    this.#checkOpen()
    const beganMs = performance.now()
    await this.#append(topic, records)
    this.#parts.options.onAppend?.(topic, performance.now() - beganMs)
  }

  async consume(
    options: ConsumeOptions,
    own: (assignment: Assignment, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#checkOpen()
    const { options: settings, prefix, administration } = this.#parts
    const topicName = prefix + options.topic
    const stateTopic = stateTopicOf(prefix, options)
    const stopped = AbortSignal.any([signal, this.#stop.signal])
    setMaxListeners(0, stopped)
    const groupId = groupOf(prefix, options)
    const statePlan = { name: stateTopic, kind: 'state' as const, partitions: this.#partitionsOf(options.topic) }
    const consumer = new Consumer({
      settings,
      appender: this.#appender,
      options,
      groupId,
      topicName,
      stateTopic,
      sessionTimeoutMs: settings.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      prepare: async () => {
        await administration.ensure([statePlan])
        await this.#parts.link.open([stateTopic])
      },
      own,
      append: (topic, records, partition) => this.#append(topic, records, partition),
      onTrouble: (error) => settings.onTrouble?.(groupId, error.message),
    })
    const ended = consumer.run(stopped)
    this.#consumers.set(consumer, { options, ended: ended.catch(() => undefined) })
    try {
      await ended
    } finally {
      this.#consumers.delete(consumer)
    }
  }

  async lag(): Promise<readonly PartitionLag[]> {
    const { prefix, administration, link } = this.#parts
    const groups = new Map((await administration.groups(prefix)).map((group) => [groupOf(prefix, group), group]))
    for (const { options } of this.#consumers.values()) {
      groups.set(groupOf(prefix, options), options)
    }
    const topics = new Set([...groups.values()].map(({ topic }) => topic))
    const extents = new Map(
      await Promise.all([...topics].map(async (topic) => [topic, await link.extents(prefix + topic)] as const)),
    )
    const lags = await Promise.all(
      [...groups].map(async ([groupId, { group, topic }]) => {
        const told = await administration.committed(groupId, prefix + topic)
        const here = this.#committedHere(groupId)
        return (extents.get(topic) ?? []).map(({ partition, start, end }) => {
          const committed = here.get(partition) ?? told.get(partition) ?? start
          return { group, topic, partition, committed: Math.min(committed, end), end }
        })
      }),
    )
    return lags.flat()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { administration, link } = this.#parts
    this.#stop.abort(new Unavailable('the bus is closed'))
    await Promise.all([...this.#consumers.values()].map(({ ended }) => ended))
    await this.#appender.close()
    await Promise.all([link.close(), administration.close()])
  }

  /** What is committed in this process is known before the group is told. */
  #committedHere(groupId: string): ReadonlyMap<number, number> {
    for (const [consumer, { options }] of this.#consumers) {
      if (groupOf(this.#parts.prefix, options) === groupId) {
        return consumer.committed
      }
    }
    return new Map()
  }

  async #append(topic: Topic, records: readonly BusRecord[], own?: number): Promise<void> {
    const name = this.#parts.prefix + topic
    const partitions = this.#partitionsOf(topic)
    const byPartition = grouped(records, ({ key }) => own ?? partitionOf(key, partitions))
    await Promise.all(
      [...byPartition].map(async ([partition, part]) => {
        const base = await this.#appender.append(name, partition, part)
        if (base >= 0) {
          this.#handOn(topic, partition, base, part)
        }
      }),
    )
  }

  #handOn(topic: Topic, partition: number, base: number, records: readonly BusRecord[]): void {
    for (const [consumer, { options }] of this.#consumers) {
      if (options.topic === topic) {
        consumer.handedOn.keep(partition, base, records)
      }
    }
  }

  #partitionsOf(topic: Topic): number {
    return this.#parts.partitions.get(this.#parts.prefix + topic) ?? 1
  }

  #checkOpen(): void {
    if (this.#stop.signal.aborted) {
      throw new Unavailable('the bus is closed')
    }
  }
}

/** What a consumer group is called at Kafka. */
function groupOf(prefix: string, { group, topic }: ConsumeOptions): string {
  return `${prefix}${group}.${topic}`
}

/** Topics have fewer letters than groups; what had to be changed is told apart by a hash. */
function stateTopicOf(prefix: string, { group, topic }: ConsumeOptions): string {
  const safe = SAFE_NAME.test(group)
    ? group
    : `${group.slice(0, 60).replace(/[^A-Za-z0-9_-]/g, '_')}-${createHash('sha256').update(group).digest('hex').slice(0, 12)}`
  return `${prefix}state.${safe}.${topic}`
}
