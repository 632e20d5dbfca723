/** Opens the topics of others that `collectors.kafka` names: the only place that knows with which client. */
import type { OtlpTopics } from './collectors/kafka/otlp-topic.ts'
import type { KafkaSettings } from './engine/bus/kafka/settings.ts'

/** A consumer group on a cluster. Connects when it is consumed from. */
export type OpenTopics = (cluster: KafkaSettings, group: string) => OtlpTopics

/** Cannot fail: what is wrong at the cluster is told while it is consumed from. */
export const openTopics: OpenTopics = (settings, group) => ({
  consume: async (...consuming) => {
    // Only who has a cluster pays for its client.
    const { ForeignTopics } = await import('./engine/bus/kafka/foreign-topics.ts')
    await new ForeignTopics({ settings, group }).consume(...consuming)
  },
})
