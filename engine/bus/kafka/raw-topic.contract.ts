/** Topics for tests of the bus's parts, made and read without the bus. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, vi } from 'vitest'
import { Appender, type AppenderOptions } from './appender.ts'
import { Link } from './link.ts'
import { decodeBatches, type ReadRecord } from './record-batch.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

export interface RawTopicOptions {
  readonly brokers: readonly string[]
  /** Default: one that nobody else has. */
  readonly name?: string
  readonly partitions?: number
  readonly replication?: number
  /** Settings of the topic. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Makes a topic, and waits until every partition is led. @returns its name. */
export async function makeRawTopic(options: RawTopicOptions): Promise<string> {
  const topic = options.name ?? `raw-${randomUUID()}`
  const admin = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const configEntries = Object.entries(options.settings ?? {}).map(([name, value]) => ({ name, value }))
    const { partitions: numPartitions = 1, replication: replicationFactor = 1 } = options
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
      // It gives up when the broker has not heard of the topic yet.
      waitForLeaders: false,
    })
    await vi.waitFor(async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      expect(topics[0]?.partitions.filter(({ leader }) => leader >= 0)).toHaveLength(numPartitions)
    }, PATIENCE)
  } finally {
    await admin.disconnect()
  }
  return topic
}

/** A link that knows these topics, and an appender over it. */
export async function openRawLink(
  brokers: readonly string[],
  topics: readonly string[],
  options: Partial<AppenderOptions> & { readonly requestTimeoutMs?: number } = {},
): Promise<{ readonly link: Link; readonly appender: Appender; readonly close: () => Promise<void> }> {
  const { requestTimeoutMs = 2000, ...rest } = options
  const link = new Link({ brokers, requestTimeoutMs })
  // The broker that is asked now may not have heard yet of what another one made.
  await vi.waitFor(() => link.open(topics), PATIENCE)
  const appender = new Appender({ link, compression: 'none', maxPendingBytes: 64e6, deadlineMs: 30_000, ...rest })
  const close = async () => {
    await appender.close()
    await link.close()
  }
  return { link, appender, close }
}

/** Every record of a partition, as the broker has it. */
export async function readRaw(link: Link, topic: string, partition = 0): Promise<readonly ReadRecord[]> {
  const { start = 0, end = 0 } = (await link.extents(topic)).find((each) => each.partition === partition) ?? {}
  const all: ReadRecord[] = []
  for (let at = start; at < end; ) {
    const { batches } = await link.fetch({ topic, partition, offset: at, maxBytes: 8 * 1024 * 1024 })
    const { records, next } = decodeBatches(batches, at)
    if (next === at) {
      throw new Error(`${topic}/${partition} ends at ${at}, and ${end} was promised`)
    }
    all.push(...records)
    at = next
  }
  return all
}

export function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString()
}
