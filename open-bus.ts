/** Opens the bus that the configuration names: embedded in this process, or a Kafka cluster. Nothing else knows which. */
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Bus, Topic } from './engine/bus/bus.ts'
import { openEmbeddedBus } from './engine/bus/embedded.ts'
import type { KafkaSettings } from './engine/bus/kafka/settings.ts'
import type { KafkaBusOptions } from './engine/bus/kafka.ts'
import { openLate } from './engine/late-bus.ts'

/** What a bus tells while it runs. */
export interface BusEvents {
  /** After each durable append from outside a stage: how long it took. */
  readonly onAppend: (topic: Topic, durationMs: number) => void
  /** Something that mends itself, or that an operator has to look at, in words. */
  readonly onTrouble: (trouble: string, message: string) => void
}

export type OpenBus = (config: Config, cluster: KafkaSettings | undefined, events: BusEvents) => Promise<Bus>

/**
 * A cluster that is away is waited for: the bus is `Unavailable` meanwhile.
 *
 * @param cluster how to reach `bus.kafka`, as `checkConfig` made it.
 * @throws Misconfigured when it can never work as configured.
 */
export const openBus: OpenBus = async (config, cluster, { onAppend, onTrouble }) => {
  const retention = { maxAgeMs: config.retention.log_days * 86_400_000, maxBytes: config.retention.log_bytes }
  const { kafka } = config.bus
  if (kafka === undefined || cluster === undefined) {
    return openEmbeddedBus({ directory: join(config.data, 'bus'), retention, onAppend })
  }
  // Only who has a cluster pays for its client.
  const { openKafkaBus } = await import('./engine/bus/kafka.ts')
  const { partitions, replication } = kafka
  const options: KafkaBusOptions = {
    ...cluster,
    topicPrefix: kafka.topic_prefix,
    ...(partitions === undefined ? {} : { partitions }),
    ...(replication === undefined ? {} : { replication }),
    compression: kafka.compression,
    sessionTimeoutMs: kafka.session_timeout_ms,
    retention,
    onAppend,
    onTrouble,
  }
  return openLate(
    () => openKafkaBus(options),
    (message) => onTrouble('bus', message),
  )
}
