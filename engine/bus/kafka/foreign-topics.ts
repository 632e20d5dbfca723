/**
 * Topics that others write, for collectors: `OtlpTopics` on Kafka. Each topic is read by a consumer group of its own, so
 * processes of one `group` may read different topics, of different tenants, and a topic that is missing holds up no other.
 */
import type { OnTopicTrouble, OtlpPartition, OtlpTopics } from '../../../collectors/kafka/otlp-topic.ts'
import { ForeignConsumer } from './foreign-consumer.ts'
import { type KafkaSettings, SESSION_TIMEOUT_MS } from './settings.ts'

export interface ForeignTopicsOptions {
  readonly settings: KafkaSettings
  /** At Kafka the group is called `<group>.<topic>`. */
  readonly group: string
  /** Default `SESSION_TIMEOUT_MS`. */
  readonly sessionTimeoutMs?: number
  /** How often the group looks whether a topic has more partitions. Default 30 s. */
  readonly lookEveryMs?: number
}

export class ForeignTopics implements OtlpTopics {
  readonly #options: ForeignTopicsOptions

  /** Connects when it is consumed from. */
  constructor(options: ForeignTopicsOptions) {
    this.#options = options
  }

  async consume(
    topics: readonly string[],
    own: (partition: OtlpPartition, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    onTrouble: OnTopicTrouble,
  ): Promise<void> {
    const { settings, group, sessionTimeoutMs = SESSION_TIMEOUT_MS, lookEveryMs = 30_000 } = this.#options
    const failed = new AbortController()
    const stopped = AbortSignal.any([signal, failed.signal])
    const running = topics.map(async (topic) => {
      const consumer = new ForeignConsumer({
        ...{ settings, topic, sessionTimeoutMs, lookEveryMs, own },
        groupId: `${group}.${topic}`,
        onTrouble: (message) => onTrouble(topic, message),
      })
      try {
        await consumer.run(stopped)
      } catch (error) {
        failed.abort(error)
      }
    })
    await Promise.all(running)
    failed.signal.throwIfAborted()
  }
}
