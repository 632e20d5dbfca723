/** From the topic that an OpenTelemetry Collector writes to, through processes on a bus of Kafka, to the API. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, expect, inject, it } from 'vitest'
import { addresses, directories, type Running, start } from './command-line.ts'
import { callRequest } from './one-call.ts'

const CALLS = 20
const GZIP = 1
const brokers = inject('bootstrap')
const newDirectory = directories('telltale-topics-kafka-')
const running: Running[] = []

afterAll(async () => {
  for (const { child } of running) {
    child.kill('SIGKILL')
  }
  await Promise.all(running.map(({ ended }) => ended))
})

async function stage(settings: object, ...names: string[]) {
  const directory = newDirectory()
  mkdirSync(join(directory, 'data'))
  writeFileSync(join(directory, 'telltale.yml'), JSON.stringify(settings))
  const process = start(names, directory)
  running.push(process)
  const said = await process.says('/api/v1/health')
  return { ...process, ...addresses(said), health: /http:\S+health/.exec(said)?.[0] ?? '' }
}

it('calls that lie on a topic are events of their tenant, and what is no OTLP is a dead letter', async () => {
  const run = randomUUID()
  const topic = `${run}.otlp_spans`
  const settings = {
    policies: resolve('test/live'),
    listen: { otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    bus: { kafka: { brokers, topic_prefix: `${run}.`, partitions: 3, session_timeout_ms: 6000 } },
    collectors: { kafka: [{ name: 'gateway', brokers, topics: { traces: topic }, encoding: 'otlp_json', group: run }] },
  }
  const [collect, rest] = await Promise.all([
    stage(settings, 'collect'),
    stage(settings, 'assemble', 'detect', 'write', 'serve'),
  ])
  const health = async (process: { readonly health: string }) =>
    (await fetch(process.health)).json() as Promise<{ reasons: string[]; records: object; spool: { records: number } }>
  // The topic is made by whoever writes to it.
  await expect
    .poll(async () => (await health(collect)).reasons, { timeout: 20_000 })
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
  const items = async (what: string) => {
    const body = (await (await fetch(`${rest.api}/api/v1/${what}?limit=1000`)).json()) as { items: [] }
    return body.items
  }
  await expect.poll(async () => (await items('events')).length, { timeout: 40_000 }).toBe(CALLS)
  await expect
    .poll(() => items('dead-letters'), { timeout: 20_000 })
    .toEqual([expect.objectContaining({ stage: 'collect', reason: 'undecodable-request' })])
  expect(await health(collect)).toMatchObject({
    reasons: [],
    records: { received: CALLS + 1, outcomes: { 'collect.rejected:undecodable-request': 1 } },
    spool: { records: 0 },
  })
  for (const { child, ended } of [collect, rest]) {
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, signal: null })
  }
}, 180_000)
