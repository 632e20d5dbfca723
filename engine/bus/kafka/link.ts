/**
 * A link to a Kafka cluster: connections to its brokers, who leads which partition, and the requests that Telltale sends.
 * Every user of the bus that may wait for a broker has a link of its own, because requests on one connection queue up.
 */
import type { Socket } from 'node:net'
import type { Logger, SASLOptions } from 'kafkajs'
import { Unavailable } from '../../../schema/errors.ts'
import { answerOf, isPoisoned, unavailable } from './errors.ts'
import {
  type FetchAnswer,
  type FetchLimits,
  type FetchPartition,
  fetchExchange,
  type PartitionBatch,
  type ProduceAnswer,
  produceExchange,
} from './exchanges.ts'
import {
  type Broker,
  type Cluster,
  type ClusterMetadata,
  type Exchange,
  exchange as exchanged,
  kafkajs,
  type PartitionMetadata,
} from './kafkajs.ts'
import { metadataExchange } from './metadata.ts'
import { oauthToken } from './oauth-token.ts'
import type { KafkaSasl, KafkaSettings, KafkaTls } from './settings.ts'

const CONNECT_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 10_000
/** What a consumer asks for beside its long polls, so that it need not wait for them. */
const BESIDE_POLLS = 0
const POLLS = 1
/** Our own loops try again; kafkajs must not hold them up. */
const RETRY = { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 }

/** How kafkajs reaches a cluster; its administration, too. */
export function clientOptions({ clientId, requestTimeoutMs, tls, sasl }: KafkaSettings): {
  readonly clientId: string
  readonly connectionTimeout: number
  readonly authenticationTimeout: number
  readonly requestTimeout: number
  readonly ssl?: object | boolean
  readonly sasl?: SASLOptions
} {
  return {
    clientId: clientId ?? 'telltale',
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    ...(tls === undefined ? {} : { ssl: tls === true ? true : tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  }
}

function tlsOptions({ ca, cert, key, serverName }: KafkaTls): object {
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await oauthToken(sasl) }) }
  }
  return sasl
}

/** What kafkajs would log comes back to us as an error, and is told by who meets it. */
const SILENT: Logger = {
  ...{ info: noop, debug: noop, error: noop, warn: noop, setLogLevel: noop },
  namespace: () => SILENT,
}

function noop(): void {}

/** Where a partition begins, after what retention has taken, and where it ends. */
export interface Extent {
  readonly partition: number
  readonly start: number
  readonly end: number
}

export class Link {
  readonly #cluster: Cluster
  readonly #sockets = new Map<string, Set<Socket>>()
  readonly #requestTimeoutMs: number
  #refreshing: Promise<void> | undefined
  /** Nodes by group. kafkajs asks a broker at random for each, who may be the one that does not answer. */
  readonly #coordinators = new Map<string, number>()
  #isClosed = false

  /** Connects lazily. */
  constructor(settings: KafkaSettings) {
    const options = clientOptions(settings)
    this.#requestTimeoutMs = options.requestTimeout
    this.#cluster = new kafkajs.Cluster({
      logger: SILENT,
      brokers: settings.brokers,
      ...options,
      enforceRequestTimeout: true,
      metadataMaxAge: 60_000,
      retry: RETRY,
      allowAutoTopicCreation: false,
      socketFactory: (place) => this.#remember(`${place.host}:${place.port}`, kafkajs.socketOf(place)),
    })
    const { brokerPool } = this.#cluster
    const { createBroker } = brokerPool
    brokerPool.createBroker = (brokerOptions) => {
      const broker = createBroker(brokerOptions)
      broker.metadata = (topics) => this.#metadata(broker, topics)
      return broker
    }
  }

  /**
   * Learns who leads the partitions of these topics. Call before naming them anywhere else.
   *
   * @throws Unavailable also when one of them is not there (yet); call it again then.
   */
  async open(topics: readonly string[]): Promise<void> {
    await this.#try(`reach Kafka`, async () => {
      await this.#cluster.connect()
      await this.#cluster.addMultipleTargetTopics(topics)
      if (this.#unknownAmong(topics) !== undefined) {
        // kafkajs asks only when it is given a topic for the first time.
        await this.#cluster.refreshMetadata()
      }
      this.#checkKnown(topics)
    })
  }

  /** The partitions of a topic, as of the last look. */
  partitions(topic: string): readonly PartitionMetadata[] {
    return this.#cluster.findTopicPartitionMetadata(topic)
  }

  /** The node that leads a partition; undefined while none does. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.partitions(topic).find(({ partitionId }) => partitionId === partition)?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /**
   * Looks again who leads what. Those who ask at one time share one look.
   *
   * @throws Unavailable also when a topic is gone; who leads the others is known all the same.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#try('learn who leads', async () => {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadata()
      this.#checkKnown((this.#cluster.brokerPool.metadata?.topicMetadata ?? []).map(({ topic }) => topic))
    }).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  produce(nodeId: number, batches: readonly PartitionBatch[]): Promise<readonly ProduceAnswer[]> {
    return this.#at(nodeId, 'append to Kafka', BESIDE_POLLS, produceExchange(batches, this.#requestTimeoutMs))
  }

  /** Waits at the broker, on a connection for that alone. */
  poll(nodeId: number, partitions: readonly FetchPartition[], limits: FetchLimits): Promise<readonly FetchAnswer[]> {
    return this.#at(nodeId, 'read from Kafka', POLLS, fetchExchange(partitions, limits))
  }

  /** Reads what is there, without waiting for more. */
  async fetch(partition: FetchPartition): Promise<FetchAnswer> {
    const leader = this.leaderOf(partition.topic, partition.partition)
    if (leader === undefined) {
      await this.refresh()
      throw new Unavailable(`nobody leads ${partition.topic}/${partition.partition} at the moment`)
    }
    const exchange = fetchExchange([partition], { maxWaitMs: 0, minBytes: 1, maxBytes: partition.maxBytes })
    const [answer] = await this.#at(leader, 'read from Kafka', BESIDE_POLLS, exchange)
    if (answer === undefined || answer.errorCode !== 0) {
      const error = kafkajs.errorOf(answer?.errorCode ?? -1)
      await this.refresh()
      throw unavailable(error, `read ${partition.topic}/${partition.partition}`)
    }
    return answer
  }

  /** Where a partition begins and ends; undefined when there is none. Only its leader is asked. */
  async extent(topic: string, partition: number): Promise<Extent | undefined> {
    const [extent] = await this.#extents(topic, (each) => each === partition)
    return extent
  }

  /** The same of all partitions of a topic. */
  extents(topic: string): Promise<readonly Extent[]> {
    return this.#extents(topic, () => true)
  }

  async #extents(topic: string, isWanted: (partition: number) => boolean): Promise<readonly Extent[]> {
    return this.#try(`look where ${topic} ends`, async () => {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadataIfNecessary()
      const partitions = this.partitions(topic)
        .map(({ partitionId }) => ({ partition: partitionId }))
        .filter(({ partition }) => isWanted(partition))
      const [starts, ends] = await Promise.all(
        [true, false].map((fromBeginning) => this.#cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])),
      )
      const offsetIn = (found: typeof starts, partition: number) =>
        Number(found?.[0]?.partitions.find((each) => each.partition === partition)?.offset ?? 0)
      return partitions.map(({ partition }) => ({
        partition,
        start: offsetIn(starts, partition),
        end: offsetIn(ends, partition),
      }))
    }).catch((error: unknown) => {
      // Perhaps another leads it now. Nobody waits for the look.
      this.refresh().catch(() => undefined)
      throw error
    })
  }

  /** A fresh identity for an idempotent producer. */
  async newProducer(): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
    return this.#try('become a producer', async () => {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadataIfNecessary()
      const broker = await this.#cluster.findControllerBroker()
      const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: 60_000 })
      return { producerId: BigInt(producerId), producerEpoch }
    })
  }

  /** Asks the coordinator of a group. */
  async coordinator<Answer>(groupId: string, what: string, ask: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    const broker = await this.#try(`find the coordinator of ${groupId}`, () => this.#findCoordinator(groupId))
    try {
      return await ask(broker)
    } catch (error) {
      // Also when it only says that the group is being dealt: asking again costs little, asking the wrong one much.
      this.#coordinators.delete(groupId)
      this.#cutAfter(error, broker)
      throw unavailable(error, what)
    }
  }

  async #findCoordinator(groupId: string): Promise<Broker> {
    await this.#cluster.connect()
    const known = this.#coordinators.get(groupId)
    this.#coordinators.delete(groupId)
    const broker =
      known === undefined
        ? await this.#cluster.findGroupCoordinator({ groupId })
        : await this.#cluster.findBroker({ nodeId: known })
    this.#coordinators.set(groupId, Number(broker.nodeId))
    return broker
  }

  /** Ends every connection, whatever is under way; the next request makes new ones. */
  cut(why: string): void {
    for (const place of this.#sockets.keys()) {
      this.#cut(place, why)
    }
  }

  /** For good. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.cut('the link to Kafka is closed')
    await this.#cluster.disconnect()
  }

  async #at<Answer>(nodeId: number, what: string, index: 0 | 1, exchange: Exchange<Answer>): Promise<Answer> {
    return this.#try(what, async () => this.#send(await this.#cluster.findBroker({ nodeId }), index, exchange))
  }

  async #send<Answer>(broker: Broker, index: 0 | 1, exchange: Exchange<Answer>): Promise<Answer> {
    try {
      const connection = await broker.connectionPool.getConnection(index)
      return await exchanged(connection, exchange)
    } catch (error) {
      this.#cutAfter(error, broker)
      throw error
    }
  }

  /** In place of kafkajs' own. */
  #metadata(broker: Broker, topics: readonly string[]): Promise<ClusterMetadata> {
    const before = this.#cluster.brokerPool.metadata?.topicMetadata ?? []
    return this.#send(broker, BESIDE_POLLS, metadataExchange(topics, before))
  }

  /** The first of these topics that the broker that was asked last does not know, and what it said. */
  #unknownAmong(topics: readonly string[]): { readonly topic: string; readonly code: number } | undefined {
    const found = this.#cluster.brokerPool.metadata?.topicMetadata ?? []
    const codes = new Map(found.map(({ topic, topicErrorCode }) => [topic, topicErrorCode]))
    const topic = topics.find((each) => codes.get(each) !== 0)
    return topic === undefined ? undefined : { topic, code: codes.get(topic) ?? -1 }
  }

  #checkKnown(topics: readonly string[]): void {
    const unknown = this.#unknownAmong(topics)
    if (unknown !== undefined) {
      throw unavailable(kafkajs.errorOf(unknown.code), `learn who leads ${unknown.topic}`)
    }
  }

  async #try<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) {
      throw new Unavailable('the link to Kafka is closed')
    }
    try {
      return await call()
    } catch (error) {
      if (isPoisoned(error)) {
        this.cut('the broker took the connection and says nothing')
      }
      throw unavailable(error, what)
    }
  }

  /**
   * A broker that does not answer in time may be frozen or gone without a word: whatever else waits on its connection
   * would wait as long. kafkajs keeps such connections.
   */
  #cutAfter(error: unknown, broker: Broker): void {
    const { name } = error as Error
    const { host, port } = broker.connectionPool
    if (name === 'KafkaJSRequestTimeoutError') {
      this.#cut(`${host}:${port}`, 'no answer in time')
    } else if (name === 'KafkaJSConnectionClosedError' && answerOf(error) === undefined) {
      broker.disconnect().catch(() => undefined)
    }
  }

  #remember(place: string, socket: Socket): Socket {
    socket.setNoDelay(true)
    if (this.#isClosed) {
      socket.destroy()
    }
    const sockets = this.#sockets.get(place) ?? new Set()
    this.#sockets.set(place, sockets.add(socket))
    socket.once('close', () => {
      sockets.delete(socket)
      // kafkajs does this to dead connections whenever it fails to make others; each time would leave a listener behind.
      socket.unref = () => socket
    })
    return socket
  }

  #cut(place: string, why: string): void {
    for (const socket of this.#sockets.get(place) ?? []) {
      socket.destroy(new Error(why))
    }
  }
}
