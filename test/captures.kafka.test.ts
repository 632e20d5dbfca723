/** Recorded requests of real agents through stages on a real Kafka: by the doors, and from topics of others. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, inject, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { areCapturesThere, captureFolder, recordFiles, signalOf } from './capture-files.ts'
import { wholeRecordings } from './captures.expected.ts'
import { asExpected, expectedNames, expectedOthers, namesOfCalls, othersOf } from './compare-calls.ts'
import { healthOf, itemsOf, type StageProcess, stages } from './kafka/stage.ts'
import { sendCapture } from './send-capture.ts'

const brokers = inject('bootstrap')
const stage = stages()
const calls = wholeRecordings.flatMap((recording) => recording.calls)
const others = expectedOthers(wholeRecordings)

/** The stages behind the collector; what the store has at last must be the whole recordings, once. */
async function expectWhole(collect: StageProcess, serve: StageProcess): Promise<void> {
  const total = calls.length + Object.values(others).reduce((sum, count) => sum + count, 0)
  await expect.poll(async () => (await itemsOf(serve, 'events')).length, { timeout: 40_000 }).toBe(total)
  await expect
    .poll(async () => Object.values((await healthOf(collect)).lag).every((behind) => behind === 0), { timeout: 20_000 })
    .toBe(true)
  const events = await itemsOf<Telemetry>(serve, 'events')
  expect(namesOfCalls(events)).toEqual(expectedNames(calls))
  expect(asExpected(calls, events)).toEqual(calls)
  expect(othersOf(events)).toEqual(others)
  expect(await itemsOf(serve, 'dead-letters')).toEqual([])
}

describe.skipIf(!areCapturesThere)('recorded requests (skipped where ../shared/data/otlp is absent)', () => {
  it('sent to a collector come out of stages in other processes as what they are', async () => {
    const prefix = `${randomUUID()}.`
    const [collect, , serve] = await Promise.all([
      stage(prefix, ['collect']),
      stage(prefix, ['assemble', 'detect', 'correlate']),
      stage(prefix, ['write', 'serve']),
    ])
    for (const file of recordFiles) {
      expect([0, 200]).toContain(await sendCapture(captureFolder, file, collect))
    }
    await expectWhole(collect, serve)
  }, 120_000)

  it('that a gateway wrote to topics of its own come out alike', async () => {
    const run = randomUUID()
    const prefix = `${run}.`
    const encodings = { json: 'otlp_json', pb: 'otlp_proto' }
    const topicOf = (encoding: string, signal: string) => `${run}.${encoding}_${signal}`
    const inputs = Object.values(encodings).map((encoding) => ({
      ...{ name: encoding.replace('_', '-'), brokers, encoding, group: `${run}.${encoding}` },
      topics: { traces: topicOf(encoding, 'traces'), logs: topicOf(encoding, 'logs') },
    }))
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
    const [admin, producer] = [kafka.admin(), kafka.producer()]
    await Promise.all([admin.connect(), producer.connect()])
    const topics = inputs.flatMap((input) => Object.values(input.topics))
    await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 2 })), waitForLeaders: true })
    const [collect, , serve] = await Promise.all([
      stage(prefix, ['collect'], { collectors: { kafka: inputs } }),
      stage(prefix, ['assemble', 'detect', 'correlate']),
      stage(prefix, ['write', 'serve']),
    ])
    for (const file of recordFiles) {
      const encoding = file.endsWith('.json') ? encodings.json : encodings.pb
      const value = readFileSync(join(captureFolder, file))
      await producer.send({ topic: topicOf(encoding, signalOf(file)), messages: [{ key: file, value }] })
    }
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await expectWhole(collect, serve)
  }, 120_000)
})
