/**
 * The door into kafkajs 2.2.4. Its connections, authentication, metadata, coordinator requests and administration are
 * used; its producer and consumer are not (`docs/decisions/0011-kafka.md` says why). What is used lies below its public
 * surface and has no types, so the version is pinned exactly and checked here, and everything of it that Telltale
 * touches is declared here.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ISocketFactory, Logger, SASLOptions } from 'kafkajs'
import { Unavailable } from '../../../schema/errors.ts'

const require = createRequire(import.meta.url)
const VERSION = '2.2.4'

/** A request, and what reads its answer. */
export interface Exchange<Answer> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** What follows the header. */
  readonly parts: readonly Buffer[]
  readonly decode: (payload: Buffer) => Answer
}

export interface Connection {
  readonly clientId: string
  readonly socket: Socket
  readonly requestQueue: {
    push(request: {
      readonly entry: {
        readonly apiKey: number
        readonly apiVersion: number
        readonly apiName: string
        readonly correlationId: number
        readonly resolve: (answer: { readonly payload: Buffer }) => void
        readonly reject: (error: unknown) => void
      }
      readonly expectResponse: true
      readonly requestTimeout: null
      readonly sendRequest: () => void
    }): void
  }
  authenticate(): Promise<void>
  failIfNotConnected(): void
  nextCorrelationId(): number
}

/**
 * Sends a request over a connection of kafkajs, which counts it, times it out and finds its answer.
 *
 * @throws Unavailable when the answer cannot be read; what `decode` throws; what goes wrong on the way, as kafkajs says it.
 */
export async function exchange<Answer>(connection: Connection, request: Exchange<Answer>): Promise<Answer> {
  await connection.authenticate()
  connection.failIfNotConnected()
  const { apiKey, apiVersion, apiName, parts } = request
  const correlationId = connection.nextCorrelationId()
  const header = headerOf(request, correlationId, connection.clientId)
  const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
    connection.requestQueue.push({
      entry: { apiKey, apiVersion, apiName, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => {
        const { socket } = connection
        socket.cork()
        socket.write(header)
        for (const part of parts) {
          socket.write(part)
        }
        socket.uncork()
      },
    })
  })
  try {
    return request.decode(payload)
  } catch (error) {
    if (error instanceof RangeError) {
      // Cut off, or its lengths lie. That is no bug of ours to stop for.
      throw new Unavailable(`cannot read what a broker answers to ${apiName}: ${error.message}`, { cause: error })
    }
    throw error
  }
}

/** Request header v1, with the length of all that follows before it. */
function headerOf({ apiKey, apiVersion, parts }: Exchange<unknown>, correlationId: number, clientId: string): Buffer {
  const id = Buffer.from(clientId)
  const header = Buffer.allocUnsafe(14 + id.length)
  const bytes = parts.reduce((sum, part) => sum + part.length, header.length - 4)
  header.writeInt32BE(bytes, 0)
  header.writeInt16BE(apiKey, 4)
  header.writeInt16BE(apiVersion, 6)
  header.writeInt32BE(correlationId, 8)
  header.writeInt16BE(id.length, 12)
  id.copy(header, 14)
  return header
}

export interface Broker {
  readonly nodeId: number
  readonly connectionPool: {
    readonly host: string
    readonly port: number
    /** 0 for everything, 1 for fetches, which wait at the broker. */
    getConnection(index: 0 | 1): Promise<Connection>
  }
  disconnect(): Promise<void>
  /** What kafkajs asks a broker for when it looks who leads what. */
  metadata(topics: readonly string[]): Promise<ClusterMetadata>
  joinGroup(request: {
    readonly groupId: string
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
    readonly memberId: string
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  }): Promise<{
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
  }): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
  }): Promise<unknown>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  offsetCommit(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }): Promise<unknown>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  initProducerId(request: { readonly transactionTimeout: number }): Promise<{
    readonly producerId: string
    readonly producerEpoch: number
  }>
}

export interface PartitionMetadata {
  readonly partitionId: number
  /** Below 0 while nobody leads it. */
  readonly leader: number
}

export interface TopicMetadata {
  readonly topic: string
  /** Not 0 when the broker does not know the topic, or may not tell us. */
  readonly topicErrorCode: number
  readonly partitionMetadata: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly brokers: readonly {
    readonly nodeId: number
    readonly host: string
    readonly port: number
    readonly rack: string | null
  }[]
  readonly controllerId: number
  readonly topicMetadata: readonly TopicMetadata[]
}

export interface Cluster {
  readonly brokerPool: {
    /** `null` before the first look. */
    readonly metadata: ClusterMetadata | null
    createBroker: (options: object) => Broker
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  findBroker(options: { readonly nodeId: number }): Promise<Broker>
  findGroupCoordinator(options: { readonly groupId: string }): Promise<Broker>
  findControllerBroker(): Promise<Broker>
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
      readonly fromBeginning: boolean
    }[],
  ): Promise<
    readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  >
}

export interface Decoder {
  readInt8(): number
  readInt16(): number
  readInt32(): number
  readInt64(): bigint
  readString(): string
  readBytes(): Buffer
  readArray<Item>(read: (decoder: Decoder) => Item): Item[]
}

interface ClusterOptions {
  readonly logger: Logger
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: object | boolean
  readonly sasl?: SASLOptions
  readonly connectionTimeout: number
  readonly authenticationTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: true
  readonly metadataMaxAge: number
  readonly retry: { readonly retries: number; readonly initialRetryTime: number; readonly maxRetryTime: number }
  readonly allowAutoTopicCreation: false
  readonly socketFactory: ISocketFactory
}

/** The error for a code of Kafka's protocol: `type` is its name, as `NOT_LEADER_FOR_PARTITION`. */
export interface ProtocolError extends Error {
  readonly type: string
  readonly retriable: boolean
}

interface Internals {
  readonly Cluster: new (options: ClusterOptions) => Cluster
  readonly Decoder: new (buffer: Buffer) => Decoder
  readonly errorOf: (code: number) => ProtocolError
  readonly socketOf: ISocketFactory
}

/** The parts of kafkajs that are used, patched. @throws Error when another version is installed. */
export const kafkajs: Internals = open()

function open(): Internals {
  const { version } = require('kafkajs/package.json') as { readonly version: string }
  if (version !== VERSION) {
    throw new Error(`kafkajs ${version} is installed, but Telltale is written against the insides of ${VERSION}`)
  }
  stopIdleTimers()
  return {
    Cluster: require('kafkajs/src/cluster'),
    Decoder: require('kafkajs/src/protocol/decoder'),
    errorOf: (require('kafkajs/src/protocol/error') as { createErrorFromCode: Internals['errorOf'] })
      .createErrorFromCode,
    socketOf: (require('kafkajs/src/network/socketFactory') as () => ISocketFactory)(),
  }
}

/**
 * Every connection of kafkajs wakes up a thousand times a second to look at an empty queue (kafkajs issue 1556): its
 * timer re-arms itself with a delay in the past. Nothing needs looking at when nothing waits and nobody throttles.
 */
function stopIdleTimers(): void {
  const RequestQueue = require('kafkajs/src/network/requestQueue') as { readonly prototype: PatchedQueue }
  const original = RequestQueue.prototype.scheduleCheckPendingRequests
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: PatchedQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) {
      original.call(this)
    }
  }
}

interface PatchedQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  scheduleCheckPendingRequests(this: PatchedQueue): void
}
