/**
 * The door into kafkajs 2.2.4. Its connections, authentication, metadata, coordinator requests and administration are
 * used; its producer and consumer are not (`docs/decisions/0011-kafka.md` says why). What is used lies below its public
 * surface and has no types, so the version is pinned exactly and checked here, and everything of it that Telltale
 * touches is declared here.
 */
import { createRequire } from 'node:module'
import type { ISocketFactory, Logger, SASLOptions } from 'kafkajs'

const require = createRequire(import.meta.url)
const VERSION = '2.2.4'

/** A request that kafkajs frames and sends, and what reads its answer. */
export interface Exchange<Answer> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly encode: () => Promise<Encoder>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<Answer>
    readonly parse: (answer: Answer) => Promise<Answer>
  }
  readonly requestTimeout?: number
  readonly logResponseError?: boolean
}

export interface Connection {
  send<Answer>(exchange: Exchange<Answer>): Promise<Answer>
}

export interface Broker {
  readonly nodeId: number
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>
  readonly connectionPool: {
    readonly host: string
    readonly port: number
    /** 0 for everything, 1 for fetches, which wait at the broker. */
    getConnection(index: 0 | 1): Promise<Connection>
  }
  disconnect(): Promise<void>
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
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface Cluster {
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

export interface Encoder {
  readonly buffer: Buffer
  writeInt8(value: number): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeInt64(value: number | string): Encoder
  writeString(value: string | null): Encoder
  writeBytes(value: Uint8Array): Encoder
  writeBuffer(value: Buffer): Encoder
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
  readonly Encoder: new (initialBytes?: number) => Encoder
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
    Encoder: require('kafkajs/src/protocol/encoder'),
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
