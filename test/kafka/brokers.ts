/**
 * Real Kafka brokers for tests: in their own processes on 127.0.0.1, with data in a temporary directory, to be killed,
 * frozen and started again. They die with the process that started them, even when that is killed with -9.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { freePorts } from '../free-ports.ts'
import { JAVA, type KafkaVersion, kafkaClassPath } from './jars.ts'
import { type Listeners, makeSecurity, type Security, scramArguments, securitySettings } from './security.ts'

/** What the brokers should be. */
export interface BrokerOptions {
  readonly version: KafkaVersion
  /** Brokers, each also a controller. With three, topics have three replicas and need two in sync. Default 1. */
  readonly count?: 1 | 3
  /** The ports that clients are told, one for each broker: those of proxies in front. Default: the brokers' own. */
  readonly advertisedPorts?: readonly number[]
  /** What clients have to speak. Default `plaintext`. */
  readonly listeners?: Listeners
  /** Settings on top, as in `server.properties`. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** Running brokers, numbered from 0. */
export interface Brokers {
  /** What clients connect to: `127.0.0.1:port`, with the advertised ports. */
  readonly bootstrap: readonly string[]
  /** Where each broker itself listens for clients: what a proxy forwards to. */
  readonly ports: readonly number[]
  /** What clients need to be let in, unless the listeners are `plaintext`. */
  readonly security?: Security
  /** SIGKILL; resolves when the process is gone. */
  kill(index: number): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. Resolves when every thread has stopped. */
  freeze(index: number): Promise<void>
  /** SIGCONT. */
  thaw(index: number): void
  /** Starts a killed broker again on the same data and port; resolves when the cluster lists it. */
  start(index: number): Promise<void>
  /** Kills all and removes their data. */
  stop(): Promise<void>
}

interface Broker {
  readonly node: number
  readonly client: number
  readonly internal: number
  readonly controller: number
  readonly advertised: number
  /** Where the broker's data, settings and log are. */
  readonly data: string
  readonly properties: string
  readonly log: string
  process?: ChildProcess
}

const PATIENCE_MS = 120_000

/** In the minutes that a broker of a test lives, Java's second compiler takes more of the processor than all else in it. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** The id that the storage of every broker is formatted with: 16 bytes in base64. */
const CLUSTER = 'telltale-test-kafka-01'

/**
 * Runs a broker as the process itself (so that signals meet Java), formatting its storage the first time. Beside it
 * waits a shell on a pipe: when that ends without a word, the test process has died, and the broker and its data
 * go too.
 */
const RUN = `
( read -r word <&3 && exit; kill -9 $$; sleep 1; rm -rf "$0" ) >/dev/null 2>&1 &
cluster=$1 data=$2 properties=$3 users=$4; shift 4
set -f
[ -e "$data/meta.properties" ] || "$@" kafka.tools.StorageTool format -t "$cluster" -c "$properties" $users >/dev/null || exit
exec "$@" kafka.Kafka "$properties"
`

/**
 * Starts brokers and resolves when the cluster lists every one and answers for groups. Throws, and leaves nothing
 * behind, when what they need is missing or a broker does not come up; the message has the end of its log.
 */
export async function startBrokers(options: BrokerOptions): Promise<Brokers> {
  const classPath = await kafkaClassPath(options.version)
  const directory = mkdtempSync(join(tmpdir(), 'telltale-kafka-'))
  const { listeners = 'plaintext' } = options
  const security = listeners === 'plaintext' ? undefined : await makeSecurity(directory)
  const settings = { ...(security && securitySettings(listeners, directory, security)), ...options.settings }
  const brokers = await plan(directory, { ...options, settings })
  const users = security && listeners === 'sasl_ssl' ? scramArguments(security) : ''
  const start = async (broker: Broker) => {
    await stopped(broker)
    run(broker, directory, classPath, brokers.length, users)
    await until(broker, 'is not listed as alive', async (admin) => {
      const { brokers, controller } = await admin.describeCluster()
      return controller !== null && brokers.some(({ nodeId }) => nodeId === broker.node)
    })
  }
  const stop = async () => {
    await Promise.all(brokers.map(stopped))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(brokers.map(start))
    await until(at(brokers, 0), 'does not coordinate groups', async (admin) => {
      await admin.describeCluster()
      // Names whose hashes fall on every partition of the offsets' topic.
      for (const groupId of ['a', 'b', 'c', 'd']) {
        await admin.fetchOffsets({ groupId })
      }
      return true
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    bootstrap: brokers.map(({ advertised }) => `127.0.0.1:${advertised}`),
    ports: brokers.map(({ client }) => client),
    ...(security && { security }),
    kill: (index) => stopped(at(brokers, index)),
    freeze: (index) => frozen(at(brokers, index)),
    thaw: (index) => signal(at(brokers, index), 'SIGCONT'),
    start: (index) => start(at(brokers, index)),
    stop,
  }
}

async function plan(directory: string, options: BrokerOptions): Promise<Broker[]> {
  const count = options.count ?? 1
  const ports = await freePorts(count * 3)
  const brokers = Array.from({ length: count }, (_, index): Broker => {
    const [client = 0, internal = 0, controller = 0] = ports.slice(index * 3)
    const advertised = options.advertisedPorts?.[index] ?? client
    const file = (name: string) => join(directory, `${index}.${name}`)
    return {
      node: index + 1,
      client,
      internal,
      controller,
      advertised,
      data: file('data'),
      properties: file('properties'),
      log: file('log'),
    }
  })
  for (const broker of brokers) {
    const settings = { ...settingsOf(broker, brokers, options.listeners ?? 'plaintext'), ...options.settings }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(broker.properties, lines.join(''))
  }
  return brokers
}

/** Clients have a listener of their own, so that what a test does to it never comes between the brokers. */
function settingsOf(broker: Broker, all: readonly Broker[], speaks: Listeners): Record<string, string | number> {
  const { node, client, internal, controller, advertised } = broker
  return {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': all.map((one) => `${one.node}@127.0.0.1:${one.controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    listeners: `CLIENT://127.0.0.1:${client},INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${advertised},INTERNAL://127.0.0.1:${internal}`,
    'listener.security.protocol.map': `CLIENT:${speaks.toUpperCase()},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': broker.data,
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    'default.replication.factor': all.length,
    'min.insync.replicas': all.length > 1 ? 2 : 1,
    // A killed broker may come back only when its session has ended: 9 s by default.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': all.length,
    'transaction.state.log.replication.factor': all.length,
    'transaction.state.log.num.partitions': 4,
    // The default takes a third of the small heap.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  }
}

function run(broker: Broker, directory: string, classPath: string, count: number, users: string): void {
  const java = [
    JAVA,
    count > 1 ? '-Xmx384m' : '-Xmx512m',
    ...SHORT_LIVED,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  ]
  const args = ['-c', RUN, directory, CLUSTER, broker.data, broker.properties, users, ...java, '-cp', classPath]
  const log = openSync(broker.log, 'a')
  const child = spawn('sh', args, { stdio: ['ignore', log, log, 'pipe'] })
  closeSync(log)
  const watch = child.stdio[3] as Writable
  child.once('exit', () => watch.end('gone\n'))
  broker.process = child
}

/** Waits until the cluster says so, asked through a listener that tests leave alone. Throws with the log's end. */
async function until(broker: Broker, not: string, so: (admin: Admin) => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${broker.internal}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 1000,
    requestTimeout: 5000,
  })
  let last: unknown
  for (;;) {
    const ended = broker.process?.exitCode !== null || broker.process.signalCode !== null
    if (ended || Date.now() > deadline) {
      const what = ended ? 'ended' : `${not} after ${PATIENCE_MS / 1000} s`
      throw new Error(`Kafka broker ${broker.node} ${what} (${last}). The end of its log:\n${endOf(broker.log)}`)
    }
    const admin = kafka.admin()
    try {
      await admin.connect()
      if (await so(admin)) {
        return
      }
    } catch (error) {
      last = error
    } finally {
      await admin.disconnect().catch(() => {})
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Kills the broker when it runs, frozen or not. */
async function stopped({ process: child }: Broker): Promise<void> {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}

async function frozen(broker: Broker): Promise<void> {
  signal(broker, 'SIGSTOP')
  const tasks = `/proc/${broker.process?.pid}/task`
  while (readdirSync(tasks).some((task) => !/^\d+ \(.*\) T/s.test(readFileSync(join(tasks, task, 'stat'), 'utf8')))) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function signal(broker: Broker, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (!broker.process?.kill(name)) {
    throw new Error(`Kafka broker ${broker.node} does not run, so it cannot be sent ${name}; start it first.`)
  }
}

function at(brokers: readonly Broker[], index: number): Broker {
  const broker = brokers[index]
  if (broker === undefined) {
    throw new Error(`There is no broker ${index}: they are numbered from 0, and there are ${brokers.length}.`)
  }
  return broker
}

function endOf(log: string): string {
  return readFileSync(log, 'utf8').slice(-3000)
}
