/** Opens the topics of others that `collectors.kafka` names: the only place that knows with which client. */
import type { OtlpTopics } from './collectors/kafka/otlp-topic.ts'
import type { KafkaSettings } from './engine/bus/kafka/settings.ts'
import { Misconfigured } from './schema/errors.ts'

/** A consumer group on a cluster. Connects when it is consumed from. */
export type OpenTopics = (cluster: KafkaSettings, group: string) => OtlpTopics

/** @throws Misconfigured, as long as there is no client that implements `OtlpTopics`. */
export const openTopics: OpenTopics = () => {
  throw new Misconfigured([{ file: 'collectors.kafka', message: 'this version cannot read OTLP from Kafka' }])
}
