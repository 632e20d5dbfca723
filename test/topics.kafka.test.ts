/** From the topic that an OpenTelemetry Collector writes to, through processes on a bus of Kafka, to the API. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, it } from 'vitest'
import { healthOf, itemsOf, stages } from './kafka/stage.ts'
import { callRequest } from './one-call.ts'

const CALLS = 20
const GZIP = 1
const brokers = inject('bootstrap')
const stage = stages()

it('calls that lie on a topic are events of their tenant, and what is no OTLP is a dead letter', async () => {
  const run = randomUUID()
  const topic = `${run}.otlp_spans`
  const prefix = `${run}.`
  const input = { name: 'gateway', brokers, topics: { traces: topic }, encoding: 'otlp_json', group: run }
  const [collect, rest] = await Promise.all([
    stage(prefix, ['collect'], { collectors: { kafka: [input] } }),
    stage(prefix, ['assemble', 'detect', 'write', 'serve']),
  ])
  // The topic is made by whoever writes to it.
  await expect
    .poll(async () => (await healthOf(collect)).reasons, { timeout: 20_000 })
    .toContainEqual(expect.stringContaining(`topic ${topic} of input gateway: there is no topic ${topic} at`))
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false })
  await expect
    .poll(() =>
      admin.fetchTopicMetadata({ topics: [topic] }).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  const calls = Array.from({ length: CALLS }, (_, call) => JSON.stringify(callRequest({ call })))
  const messages = [...calls, 'no OTLP'].map((value, index) => ({ key: `trace-${index}`, value }))
  await producer.send({ topic, messages, compression: GZIP })
  await Promise.all([admin.disconnect(), producer.disconnect()])
  await expect.poll(async () => (await itemsOf(rest, 'events')).length, { timeout: 40_000 }).toBe(CALLS)
  await expect
    .poll(() => itemsOf(rest, 'dead-letters'), { timeout: 20_000 })
    .toEqual([expect.objectContaining({ stage: 'collect', reason: 'undecodable-request' })])
  expect(await healthOf(collect)).toMatchObject({
    reasons: [],
    records: { received: CALLS + 1, outcomes: { 'collect.rejected:undecodable-request': 1 } },
    spool: { records: 0 },
  })
  for (const { child, ended } of [collect, rest]) {
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, signal: null })
  }
}, 180_000)
