/** The collector while the brokers of its topics are away. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, it } from 'vitest'
import { ForeignTopics } from '../../engine/bus/kafka/foreign-topics.ts'
import { startBrokers } from '../../test/kafka/brokers.ts'
import type { OtlpTopics } from './otlp-topic.ts'
import { call, INPUT, useCollector } from './running-collector.contract.ts'

const PATIENT = { timeout: 60_000 }
const collector = useCollector()

it('a broker that is killed and comes back is waited for, said so, and loses and repeats nothing that was committed', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const brokers = await startBrokers({ version: inject('kafka').version })
  const kafka = new Kafka({ brokers: [...brokers.bootstrap], logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  try {
    await Promise.all([admin.connect(), producer.connect()])
    const topic = randomUUID()
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false })
    const isThere = () =>
      admin.fetchTopicMetadata({ topics: [topic] }).then(
        () => true,
        () => false,
      )
    await expect.poll(isThere, PATIENT).toBe(true)
    const send = (...ids: readonly number[]) =>
      producer.send({ topic, messages: ids.map((id) => ({ value: call(id), partition: id % 2 })) })
    const committed = async () => {
      const [found] = await admin.fetchOffsets({ groupId: `group.${topic}`, topics: [topic] })
      return found?.partitions.map(({ offset }) => offset)
    }
    await send(1, 2, 3, 4)
    const foreign = new ForeignTopics({
      settings: { brokers: brokers.bootstrap },
      group: 'group',
      sessionTimeoutMs: 6000,
    })
    let owned = 0
    const topics: OtlpTopics = {
      consume: (names, own, ...rest) => {
        const counted: typeof own = async (partition, signal) => {
          owned += 1
          await own(partition, signal)
          owned -= 1
        }
        return foreign.consume(names, counted, ...rest)
      },
    }
    const troubles: (string | undefined)[] = []
    void collector.start({
      input: { ...INPUT, topics: { traces: topic } },
      topics,
      onTrouble: (_topic, message) => troubles.push(message),
    })
    await expect.poll(committed, PATIENT).toEqual(['2', '2'])
    troubles.length = 0
    await brokers.kill(0)
    await expect.poll(() => troubles, PATIENT).toContainEqual(expect.stringContaining('ECONNREFUSED'))
    // Longer than a session: nothing that it owned is its own any more.
    await expect.poll(() => owned, PATIENT).toBe(0)
    await brokers.start(0)
    await send(5, 6)
    await expect.poll(committed, PATIENT).toEqual(['3', '3'])
    expect([...collector.spanIds()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    await expect.poll(() => troubles.at(-1), PATIENT).toBeUndefined()
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', onWarning)
    await collector.stop()
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await brokers.stop()
  }
}, 180_000)
