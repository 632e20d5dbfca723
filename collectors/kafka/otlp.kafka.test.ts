/** The collector on a real Kafka, which is written to as the OpenTelemetry Collector's exporter does. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { ForeignTopics, type ForeignTopicsOptions } from '../../engine/bus/kafka/foreign-topics.ts'
import { Link } from '../../engine/bus/kafka/link.ts'
import { openTopics } from '../../open-topics.ts'
import { Misconfigured, Unavailable } from '../../schema/errors.ts'
import type { OtlpPartition } from './otlp-topic.ts'
import { call, gate, INPUT, useCollector } from './running-collector.contract.ts'
import { logBody, traceBodies } from './sdk-bodies.contract.ts'
import { type Body, type Encoding, throughDoor } from './through-door.contract.ts'

const GZIP = 1
/** The least that brokers allow. */
const SESSION_MS = 6000
const PATIENT = { timeout: 20_000 }

const brokers = inject('bootstrap')
const kafka = new Kafka({ brokers: [...brokers], clientId: 'exporter', logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const producer = kafka.producer({ allowAutoTopicCreation: false })
const [one, other] = [useCollector(), useCollector()]
const links: Link[] = []

await Promise.all([admin.connect(), producer.connect()])
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect(), ...links.map((link) => link.close())])
})

const newName = (of: string) => `${of}-${randomUUID()}`

async function make(
  topic: string,
  numPartitions = 1,
  settings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false })
  await expect.poll(() => partitionsOf(topic), PATIENT).toBe(numPartitions)
  return topic
}

/** As brokers know them, which need a moment to hear of what was made; undefined until then. */
async function partitionsOf(topic: string): Promise<number | undefined> {
  const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined)
  return found?.topics[0]?.partitions.length
}

/** As the exporter: a key for what belongs together, headers of its own, gzip. */
async function send(topic: string, values: readonly (Uint8Array | null)[], partition?: number): Promise<void> {
  const messages = values.map((value, index) => ({
    key: `trace-${index}`,
    value: value === null ? null : Buffer.from(value),
    headers: { tenant: 'from-a-header' },
    ...(partition === undefined ? {} : { partition }),
  }))
  await producer.send({ topic, messages, compression: GZIP })
}

const open = (group: string, options: Partial<ForeignTopicsOptions> = {}) =>
  new ForeignTopics({ settings: { brokers }, group, sessionTimeoutMs: SESSION_MS, ...options })

/** Where the group is in each partition, as Kafka knows it. */
async function committed(group: string, topic: string): Promise<readonly number[]> {
  const [found] = await admin.fetchOffsets({ groupId: `${group}.${topic}`, topics: [topic] })
  return (found?.partitions ?? []).sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
}

/** Gives the first partition that a consumer of the group owns to `use`, then stops. */
async function owning<Result>(
  topic: string,
  use: (partition: OtlpPartition, signal: AbortSignal) => Promise<Result>,
  group: string = newName('group'),
): Promise<Result> {
  const done = new AbortController()
  let result: Result | undefined
  const own = async (partition: OtlpPartition, signal: AbortSignal) => {
    result = await use(partition, signal)
    done.abort()
  }
  await open(group).consume([topic], own, done.signal, () => undefined)
  return result as Result
}

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  )

const spanIds = (collector: typeof one) => [...new Set(collector.spanIds())].sort((a, b) => a - b)
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const calls = (from: number, to: number) => numbers(from, to).map((id) => call(id))

describe('what the exporter writes', () => {
  it.each<Encoding>(['otlp_proto', 'otlp_json'])('becomes what it would at the doors, in %s', async (encoding) => {
    const topics = { traces: await make(newName('otlp_spans'), 3), logs: await make(newName('otlp_logs'), 2) }
    const traces = (await traceBodies(encoding)).map((bytes): Body => ({ signal: 'traces', bytes }))
    const bodies: Body[] = [
      ...traces,
      ...['1', '2'].map((id) => ({ signal: 'logs', bytes: logBody(encoding, id) }) as const),
    ]
    const { fragments, received } = await throughDoor(bodies, encoding)
    for (const signal of ['traces', 'logs'] as const) {
      await send(
        topics[signal],
        bodies.filter((body) => body.signal === signal).map(({ bytes }) => bytes),
      )
    }
    void one.start({ input: { ...INPUT, topics, encoding }, topics: openTopics({ brokers }, newName('group')) })
    await expect.poll(() => one.appends.flat().length, PATIENT).toBe(fragments.length)
    const inOrder = (all: typeof fragments) => all.map((each) => JSON.stringify(each)).sort()
    expect(inOrder(one.appends.flat())).toEqual(inOrder(fragments))
    expect(Object.fromEntries(one.received)).toEqual(received)
    expect(one.letters).toEqual([])
  })

  it('comes message by message: tombstones, headers, and what is larger than a read', async () => {
    const topic = await make(newName('otlp_spans'))
    const large = Buffer.alloc(300_000, 'x')
    await send(topic, [large, null, Buffer.from('small')])
    const [first, rest] = await owning(topic, async (partition) => {
      const limits = { maxRecords: 10, maxBytes: 1000, waitMs: 20_000 }
      return [await partition.read(limits), await partition.read(limits)] as const
    })
    expect(first.map(({ offset, value }) => ({ offset, value: Buffer.from(value ?? '') }))).toEqual([
      { offset: 0, value: large },
    ])
    expect(first[0]?.headers).toEqual(new Map([['tenant', Buffer.from('from-a-header')]]))
    expect(rest.map(({ offset, value }) => [offset, value && Buffer.from(value).toString()])).toEqual([
      [1, undefined],
      [2, 'small'],
    ])
  })

  it.each(['snappy', 'lz4', 'zstd'])('ends with what to set when it is compressed with %s', async (codec) => {
    const topic = await make(newName('otlp_spans'), 1, { 'compression.type': codec })
    await send(topic, calls(1, 2))
    const ended = one.start({ input: { ...INPUT, topics: { traces: topic } }, topics: open('group') })
    const error = await ended.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Misconfigured)
    expect((error as Error).message).toMatch(
      new RegExp(
        `^collectors.kafka: topic ${topic}, partition 0, offset 0: .* ${codec}, .*set producer.compression to gzip`,
      ),
    )
  })
})

describe('processes of one group', () => {
  it('share the partitions; when one stops the other goes on from its commit, and nothing is lost', async () => {
    const [topic, group] = [await make(newName('otlp_spans'), 4), newName('group')]
    const input = { ...INPUT, topics: { traces: topic } }
    void one.start({ input, topics: open(group) })
    void other.start({ input, topics: open(group) })
    const committedRecords = () => committed(group, topic).then((ends) => ends.reduce((a, b) => a + Math.max(b, 0), 0))
    let sent = 0
    // Until both have taken something: who joins late finds the first messages taken.
    while (one.appends.length === 0 || other.appends.length === 0) {
      expect(sent).toBeLessThan(200)
      for (const partition of [0, 1, 2, 3]) {
        sent += 1
        await send(topic, [call(sent)], partition)
      }
      await expect.poll(() => new Set([...one.spanIds(), ...other.spanIds()]).size, PATIENT).toBe(sent)
    }
    // What was taken and not committed yet is taken again.
    await expect.poll(committedRecords, PATIENT).toBe(sent)
    await one.stop()
    const before = other.spanIds().length
    await send(topic, calls(sent + 1, sent + 20))
    await expect.poll(() => spanIds(other).at(-1), PATIENT).toBe(sent + 20)
    await expect.poll(committedRecords, PATIENT).toBe(sent + 20)
    expect(new Set([...one.spanIds(), ...other.spanIds()]).size).toBe(sent + 20)
    // What the first had committed is not read again.
    expect(other.spanIds().length - before).toBe(20)
  })

  it('that die before they commit leave all of it to the next, which makes the same fragments of it', async () => {
    const [topic, group] = [await make(newName('otlp_spans')), newName('group')]
    const input = { ...INPUT, topics: { traces: topic } }
    await send(topic, [call(1), Buffer.from('no OTLP'), call(2)])
    const giveUp = () => Promise.reject(new Error('dies between bus and commit'))
    await expect(one.start({ input, topics: open(group), giveUp })).rejects.toThrow('dies between bus and commit')
    void other.start({ input, topics: open(group) })
    await expect.poll(() => committed(group, topic), PATIENT).toEqual([3])
    expect(other.appends.flat()).toEqual(one.appends.flat())
    expect(spanIds(other)).toEqual([1, 2])
  })

  it('cannot commit what was taken from them, and are not given it again before they let go', async () => {
    const [topic, group] = [await make(newName('otlp_spans'), 2), newName('group')]
    await send(topic, calls(1, 2), 0)
    await send(topic, calls(3, 4), 1)
    const [lost, released, done] = [gate(), gate(), new AbortController()]
    const commits: unknown[] = []
    const owned: number[] = []
    const own = async (partition: OtlpPartition, signal: AbortSignal) => {
      owned.push(partition.partition)
      await partition.read({ maxRecords: 10, waitMs: 20_000 })
      await until(signal)
      if (!done.signal.aborted) {
        void lost.wait()
        commits.push(await partition.commit(2).catch((error: unknown) => error))
        commits.push(await partition.read({ maxRecords: 1, waitMs: 0 }).catch((error: unknown) => error))
        await released.wait()
      }
    }
    const consuming = open(group).consume([topic], own, done.signal, () => undefined)
    await expect.poll(() => owned.length, PATIENT).toBe(2)
    await owning(topic, () => lost.reached, group)
    await expect.poll(() => commits, PATIENT).toEqual([expect.any(Unavailable), expect.any(Unavailable)])
    expect(await committed(group, topic)).toEqual([-1, -1])
    released.open()
    await expect.poll(() => owned.length, PATIENT).toBe(3)
    done.abort()
    await consuming
  })

  it('cannot commit when the group has given them up, though they have not heard of it', async () => {
    const [topic, group] = [await make(newName('otlp_spans')), newName('group')]
    const groupId = `${group}.${topic}`
    const link = new Link({ brokers })
    links.push(link)
    await send(topic, calls(1, 3))
    const [commits, reads, done]: [unknown[], number[][], AbortController] = [[], [], new AbortController()]
    const own = async (partition: OtlpPartition, signal: AbortSignal) => {
      const read = await partition.read({ maxRecords: 10, waitMs: 20_000 })
      reads.push(read.map(({ offset }) => offset))
      if (reads.length === 1) {
        const { groups } = await admin.describeGroups([groupId])
        const memberId = groups[0]?.members[0]?.memberId ?? ''
        await link.coordinator(groupId, 'leave', (broker) => broker.leaveGroup({ groupId, memberId }))
        commits.push(await partition.commit(3).catch((error: unknown) => error))
        await until(signal)
      } else {
        await partition.commit(3)
        done.abort()
      }
    }
    await open(group).consume([topic], own, done.signal, () => undefined)
    expect(commits).toEqual([expect.any(Unavailable)])
    expect(reads).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
    expect(await committed(group, topic)).toEqual([3])
  })
})

describe('a topic', () => {
  it('that does not exist is waited for, said so, and not made by us', async () => {
    const [topic, there] = [newName('otlp_spans'), await make(newName('otlp_logs'))]
    const said: (readonly [string, string | undefined])[] = []
    const input = { ...INPUT, topics: { traces: topic, logs: there } }
    const onTrouble = (of: string, message: string | undefined) => said.push([of, message])
    void one.start({ input, topics: open(newName('group')), onTrouble })
    await send(there, [logBody('otlp_proto', 'call-1')])
    await expect.poll(() => one.received.get('logs'), PATIENT).toBe(1)
    await expect.poll(() => said, PATIENT).toEqual([[topic, expect.stringContaining(`there is no topic ${topic} at`)]])
    expect(await admin.listTopics()).not.toContain(topic)
    await make(topic)
    await send(topic, calls(1, 3))
    await expect.poll(() => one.received.get('traces'), PATIENT).toBe(3)
    expect(said.at(-1)).toEqual([topic, undefined])
  })

  it('may get more partitions, which are read from their beginning', async () => {
    const topic = await make(newName('otlp_spans'))
    const input = { ...INPUT, topics: { traces: topic } }
    void one.start({ input, topics: open(newName('group'), { lookEveryMs: 500 }) })
    await send(topic, calls(1, 1))
    await expect.poll(() => spanIds(one), PATIENT).toEqual([1])
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await expect.poll(() => partitionsOf(topic), PATIENT).toBe(3)
    // kafkajs drops what is for a partition that a producer does not know, so this is another.
    const anew = kafka.producer()
    await anew.connect()
    await anew.send({ topic, messages: [{ partition: 2, value: call(2) }] })
    await anew.disconnect()
    await expect.poll(() => spanIds(one), PATIENT).toEqual([1, 2])
  })
})
