/** The topics of the bus: made when they are missing, and looked at when they are there, before anything relies on them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { Misconfigured, type Problem, Unavailable } from '../../../schema/errors.ts'
import { answerOf, isRefusal, unavailable } from './errors.ts'

export interface TopicPlan {
  readonly name: string
  readonly kind: 'records' | 'state'
  /** How many it must have; undefined takes what is there, and makes `DEFAULT_PARTITIONS`. */
  readonly partitions: number | undefined
}

export interface TopicOptions {
  /** Only for topics that are made. Default 3, or as many as there are brokers. */
  readonly replication?: number
  readonly compression: 'none' | 'gzip'
  /** How long and how much of `records` is kept, read or not. */
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number }
}

const DEFAULT_PARTITIONS = 12
/** What one record, or one commit of a stage, may take. */
const MESSAGE_BYTES = 16 * 1024 * 1024
const LEAST_MESSAGE_BYTES = { records: 1_000_000, state: 8 * 1024 * 1024 }
const LEAST_RETENTION_MS = 3_600_000
const LEAST_LAG_MS = 60_000
const READABLE = ['producer', 'uncompressed', 'gzip']
const KNOWN_WITHIN_MS = 15_000
const LOOK_AGAIN_MS = 50
const NOT_YET = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])
/** kafkajs' number of the resource type. */
const TOPIC = 2

/**
 * Makes the topics that are missing, and checks the others.
 *
 * @returns how many partitions each has.
 * @throws Misconfigured with everything that is wrong, and the command that mends it; Unavailable when Kafka is away.
 */
export async function ensureTopics(
  admin: Admin,
  plans: readonly TopicPlan[],
  options: TopicOptions,
): Promise<ReadonlyMap<string, number>> {
  try {
    const known = new Set(await admin.listTopics())
    const missing = plans.filter(({ name }) => !known.has(name))
    if (missing.length > 0) {
      await make(admin, missing, options)
    }
    const partitions = await partitionsOf(admin, plans)
    const settings = await settingsOf(admin, plans)
    const problems = plans.flatMap((plan) => problemsOf(plan, partitions.get(plan.name) ?? 0, settings.get(plan.name)))
    if (problems.length > 0) {
      throw new Misconfigured(problems)
    }
    return partitions
  } catch (error) {
    if (error instanceof Misconfigured) {
      throw error
    }
    if (isRefusal(error)) {
      throw new Misconfigured([{ file: 'bus.kafka', message: `the brokers refuse us: ${(error as Error).message}` }])
    }
    throw unavailable(error, 'look at the topics')
  }
}

/** How many partitions each has. Brokers need a moment to hear of topics that were made just now. */
async function partitionsOf(admin: Admin, plans: readonly TopicPlan[]): Promise<ReadonlyMap<string, number>> {
  const untilMs = performance.now() + KNOWN_WITHIN_MS
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: plans.map(({ name }) => name) })
      if (topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) {
        return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
      }
    } catch (error) {
      if (!NOT_YET.has(answerOf(error) ?? '') || performance.now() > untilMs) {
        throw error
      }
    }
    if (performance.now() > untilMs) {
      throw new Unavailable('some topics have partitions that nobody leads')
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

async function make(admin: Admin, missing: readonly TopicPlan[], options: TopicOptions): Promise<void> {
  const { brokers } = await admin.describeCluster()
  const replication = options.replication ?? Math.min(3, brokers.length)
  const topics = missing.map((plan) => ({
    topic: plan.name,
    numPartitions: plan.partitions ?? DEFAULT_PARTITIONS,
    replicationFactor: replication,
    configEntries: Object.entries(wanted(plan, replication, options)).map(([name, value]) => ({ name, value })),
  }))
  try {
    await admin.createTopics({ topics, waitForLeaders: false })
  } catch (error) {
    const answers = [error, ...((error as { errors?: readonly unknown[] }).errors ?? [])].map(answerOf)
    const told = answers.find((answer) => answer !== undefined && answer !== 'TOPIC_ALREADY_EXISTS')
    if (told === undefined && answers.includes('TOPIC_ALREADY_EXISTS')) {
      return
    }
    if (told === undefined) {
      throw error
    }
    throw new Misconfigured(
      topics.map(({ topic, numPartitions, configEntries }) => ({
        file: 'bus.kafka',
        message: `there is no topic ${topic}, and the brokers do not let us make it (${told})`,
        suggestion: `kafka-topics.sh --create --topic ${topic} --partitions ${numPartitions} --replication-factor ${replication} ${configEntries.map(({ name, value }) => `--config ${name}=${value}`).join(' ')}`,
      })),
    )
  }
}

/** The settings of a topic that is made. */
function wanted({ kind, partitions }: TopicPlan, replication: number, options: TopicOptions): Record<string, string> {
  const shared = {
    // Whatever another program writes is stored so that it can be read.
    'compression.type': options.compression === 'none' ? 'uncompressed' : 'gzip',
    'max.message.bytes': String(MESSAGE_BYTES),
    ...(replication >= 3 ? { 'min.insync.replicas': '2' } : {}),
  }
  if (kind === 'records') {
    const { maxAgeMs, maxBytes } = options.retention
    return {
      ...shared,
      'cleanup.policy': 'delete',
      'retention.ms': String(maxAgeMs),
      'retention.bytes': String(Math.ceil(maxBytes / (partitions ?? DEFAULT_PARTITIONS))),
    }
  }
  return {
    ...shared,
    'cleanup.policy': 'compact',
    // A zombie's late write has been put right long before compaction could take it for the truth.
    'min.compaction.lag.ms': String(LEAST_LAG_MS),
    // By the broker's clock: a batch that was made before a freeze is as old as its sender says.
    'message.timestamp.type': 'LogAppendTime',
    // What is written again and again is dropped soon, or a restart would have to read all of it.
    'min.cleanable.dirty.ratio': '0.3',
    'segment.bytes': String(64 * 1024 * 1024),
    'segment.ms': '600000',
    'delete.retention.ms': '86400000',
  }
}

/** The settings of topics, by name. Empty when we may not look: then they are taken on trust. */
async function settingsOf(
  admin: Admin,
  plans: readonly TopicPlan[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: plans.map(({ name }) => ({ type: TOPIC, name })),
    })
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  } catch (error) {
    if (isRefusal(error)) {
      return new Map()
    }
    throw error
  }
}

function problemsOf(
  { name, kind, partitions }: TopicPlan,
  found: number,
  settings: ReadonlyMap<string, string> | undefined,
): readonly Problem[] {
  const problems: Problem[] = []
  const add = (message: string, suggestion: string) =>
    problems.push({ file: 'bus.kafka', message: `topic ${name} ${message}`, suggestion })
  if (partitions !== undefined && found !== partitions) {
    const why = 'state lives in the partition of its key, so their number cannot change'
    add(`has ${found} partitions, and ${partitions} are wanted: ${why}`, 'name the number it has, or another prefix')
  }
  if (settings === undefined) {
    return problems
  }
  const setting = (key: string) => settings.get(key) ?? ''
  const mend = (key: string, value: string) =>
    `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${key}=${value}`
  const policy = kind === 'records' ? 'delete' : 'compact'
  if (setting('cleanup.policy') !== policy) {
    const loss = kind === 'records' ? 'records would be lost' : 'state would be lost'
    add(`has cleanup.policy=${setting('cleanup.policy')}: ${loss}`, mend('cleanup.policy', policy))
  }
  const retentionMs = Number(setting('retention.ms'))
  if (kind === 'records' && retentionMs >= 0 && retentionMs < LEAST_RETENTION_MS) {
    add(`keeps records for ${retentionMs} ms only, read or not`, mend('retention.ms', '604800000'))
  }
  if (Number(setting('max.message.bytes')) < LEAST_MESSAGE_BYTES[kind]) {
    add(`takes ${setting('max.message.bytes')} bytes at once only`, mend('max.message.bytes', String(MESSAGE_BYTES)))
  }
  if (kind === 'state' && setting('message.timestamp.type') !== 'LogAppendTime') {
    add('is compacted by the clocks of its writers', mend('message.timestamp.type', 'LogAppendTime'))
  }
  if (kind === 'state' && Number(setting('min.compaction.lag.ms')) < LEAST_LAG_MS) {
    const loss = 'a late write of a former owner could be taken for the truth'
    add(`may be compacted at once: ${loss}`, mend('min.compaction.lag.ms', String(LEAST_LAG_MS)))
  }
  if (!READABLE.includes(setting('compression.type'))) {
    add(`is compressed with ${setting('compression.type')}, which cannot be read`, mend('compression.type', 'gzip'))
  }
  return problems
}
