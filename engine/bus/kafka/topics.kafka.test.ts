import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { Misconfigured, Unavailable } from '../../../schema/errors.ts'
import type { Bus } from '../bus.ts'
import { type KafkaBusOptions, openKafkaBus } from '../kafka.ts'
import { makeRawTopic } from './raw-topic.contract.ts'

const HOUR_MS = 3_600_000
const GIBIBYTE = 1024 ** 3
/** kafkajs' number of the resource type. */
const TOPIC = 2

describe(`the topics of the bus on Kafka ${inject('kafka').version}`, () => {
  let admin: Admin
  let prefix: string
  const opened: Bus[] = []

  beforeAll(async () => {
    admin = new Kafka({ brokers: [...inject('bootstrap')], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
  })
  afterAll(() => admin.disconnect())
  beforeEach(() => {
    prefix = `${randomUUID()}.`
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()))
  })

  async function open(options: Partial<KafkaBusOptions> = {}): Promise<Bus> {
    const bus = await openKafkaBus({ brokers: inject('bootstrap'), topicPrefix: prefix, ...options })
    opened.push(bus)
    return bus
  }

  /** What is wrong, in the words that an operator sees. */
  async function refusal(opening: Promise<unknown>): Promise<string[]> {
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Misconfigured)
    return (error as Misconfigured).problems.map(({ message, suggestion }) => `${message}: ${suggestion}`)
  }

  /** Makes `<prefix>events` as an operator might have. */
  async function eventsWith(settings: Readonly<Record<string, string>>): Promise<void> {
    await makeRawTopic({ brokers: inject('bootstrap'), name: `${prefix}events`, partitions: 2, settings })
  }

  async function settingsOf(name: string): Promise<Record<string, string>> {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC, name }] })
    const entries = resources[0]?.configEntries ?? []
    return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
  }

  async function partitionsOf(name: string): Promise<number | undefined> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    return topics[0]?.partitions.length
  }

  const owning = async (bus: Bus) => {
    const stop = new AbortController()
    await bus.consume({ group: 'g', topic: 'events' }, async () => stop.abort(), stop.signal)
  }

  it('are made as planned', async () => {
    await open({ partitions: 3, retention: { maxAgeMs: 2 * HOUR_MS, maxBytes: 3 * GIBIBYTE } })
    for (const topic of ['fragments', 'events', 'findings', 'alerts', 'dead_letters']) {
      expect(await partitionsOf(prefix + topic)).toBe(3)
      expect(await settingsOf(prefix + topic)).toMatchObject({
        'cleanup.policy': 'delete',
        'compression.type': 'uncompressed',
        'max.message.bytes': String(16 * 1024 * 1024),
        'retention.ms': String(2 * HOUR_MS),
        'retention.bytes': String(GIBIBYTE),
      })
    }
  })

  it('are made for a week and 12 partitions when nobody says otherwise', async () => {
    await open({ compression: 'gzip' })
    expect(await partitionsOf(`${prefix}events`)).toBe(12)
    expect(await settingsOf(`${prefix}events`)).toMatchObject({
      'compression.type': 'gzip',
      'retention.ms': String(7 * 24 * HOUR_MS),
    })
  })

  it('have a compacted one for the state of each group, with as many partitions', async () => {
    await owning(await open({ partitions: 2 }))
    expect(await partitionsOf(`${prefix}state.g.events`)).toBe(2)
    expect(await settingsOf(`${prefix}state.g.events`)).toMatchObject({
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': '60000',
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(16 * 1024 * 1024),
    })
  })

  it('are made once by processes that start together, and taken as they are by the next', async () => {
    await Promise.all([open({ partitions: 2 }), open({ partitions: 2 }), open({ partitions: 2 })])
    await open()
    await open({ partitions: 2, retention: { maxAgeMs: HOUR_MS } })
    expect(await settingsOf(`${prefix}events`)).toMatchObject({ 'retention.ms': String(7 * 24 * HOUR_MS) })
  })

  it('are refused with another number of partitions than was named', async () => {
    await eventsWith({})
    expect(await refusal(open({ partitions: 12 }))).toEqual([
      `topic ${prefix}events has 2 partitions, and 12 are wanted: state lives in the partition of its key, ` +
        'so their number cannot change: name the number it has, or another prefix',
    ])
  })

  it.each([
    ['cleanup.policy', 'compact', 'has cleanup.policy=compact: records would be lost'],
    ['cleanup.policy', 'compact,delete', 'has cleanup.policy=compact,delete: records would be lost'],
    ['retention.ms', '60000', 'keeps records for 60000 ms only, read or not'],
    ['compression.type', 'zstd', 'is compressed with zstd, which cannot be read'],
    ['compression.type', 'snappy', 'is compressed with snappy, which cannot be read'],
    ['max.message.bytes', '50000', 'takes 50000 bytes at once only'],
  ])('are refused with %s=%s, and the command that is told mends it', async (name, value, wrong) => {
    await eventsWith({ [name]: value })
    const [problem, ...others] = await refusal(open())
    expect(others).toEqual([])
    const command = `kafka-configs.sh --alter --entity-type topics --entity-name ${prefix}events --add-config ${name}=`
    expect(problem).toContain(`topic ${prefix}events ${wrong}: ${command}`)
    const mended = { name, value: problem?.slice(problem.lastIndexOf('=') + 1) ?? '' }
    const resources = [{ type: TOPIC, name: `${prefix}events`, configEntries: [mended] }]
    await admin.alterConfigs({ validateOnly: false, resources })
    // Brokers need a moment to hear of it.
    await vi.waitFor(() => open(), { timeout: 30_000, interval: 50 })
  })

  it('are refused with everything that is wrong at once', async () => {
    await eventsWith({ 'retention.ms': '60000', 'compression.type': 'lz4', 'max.message.bytes': '1000' })
    expect(await refusal(open({ partitions: 1 }))).toHaveLength(4)
  })

  it('may keep records for ever', async () => {
    await eventsWith({ 'retention.ms': '-1' })
    await open()
  })

  it('are refused to a consumer when its state would be lost', async () => {
    const bus = await open({ partitions: 1 })
    await makeRawTopic({ brokers: inject('bootstrap'), name: `${prefix}state.g.events` })
    expect(await refusal(owning(bus))).toEqual([
      `topic ${prefix}state.g.events has cleanup.policy=delete: state would be lost: kafka-configs.sh --alter ` +
        `--entity-type topics --entity-name ${prefix}state.g.events --add-config cleanup.policy=compact`,
      expect.stringContaining('takes 1048588 bytes at once only'),
      expect.stringMatching(/is compacted by the clocks of its writers.*message.timestamp.type=LogAppendTime$/),
      expect.stringMatching(/may be compacted at once.*min.compaction.lag.ms=60000$/),
    ])
  })

  it('cannot begin with what topics cannot be called', async () => {
    const [problem] = await refusal(open({ topicPrefix: 'a b/' }))
    expect(problem).toMatch(/^"a b\/" cannot begin a topic's name: /)
  })

  it('are looked at again later when nobody answers', async () => {
    await expect(open({ brokers: ['127.0.0.1:1'] })).rejects.toThrow(Unavailable)
    await expect(open({ brokers: ['127.0.0.1:1'] })).rejects.toThrow('127.0.0.1:1')
  })
})
