/**
 * The two requests that carry records, with batches as bytes: Produce v7 and Fetch v11
 * (https://kafka.apache.org/protocol). Every broker from Kafka 2.3 to 4.x knows these versions.
 */
import { type Decoder, type Encoder, type Exchange, kafkajs } from './kafkajs.ts'

const PRODUCE = { apiKey: 0, apiVersion: 7, apiName: 'Produce' }
const FETCH = { apiKey: 1, apiVersion: 11, apiName: 'Fetch' }
/** All replicas in sync have it before the broker answers. */
const ACKS_ALL = -1

export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  /** A whole record batch. */
  readonly batch: Buffer
}

export interface ProduceAnswer {
  readonly topic: string
  readonly partition: number
  /** 0 when the batch is there. */
  readonly errorCode: number
  /** Of the batch's first record. */
  readonly baseOffset: number
}

/** @param timeoutMs how long the broker waits for its replicas. */
export function produceExchange(
  batches: readonly PartitionBatch[],
  timeoutMs: number,
): Exchange<readonly ProduceAnswer[]> {
  return {
    request: {
      ...PRODUCE,
      encode: async () => {
        const bytes = batches.reduce((sum, { batch }) => sum + batch.length, 0)
        const encoder = new kafkajs.Encoder(bytes + 512 * (batches.length + 1))
        encoder.writeString(null).writeInt16(ACKS_ALL).writeInt32(timeoutMs)
        writeByTopic(encoder, batches, ({ partition, batch }) => {
          encoder.writeInt32(partition).writeInt32(batch.length).writeBuffer(batch)
        })
        return encoder
      },
    },
    response: {
      decode: async (payload) => readByTopic(new kafkajs.Decoder(payload), produceAnswer),
      parse: async (answer) => answer,
    },
  }
}

function produceAnswer(decoder: Decoder, topic: string): ProduceAnswer {
  const partition = decoder.readInt32()
  const errorCode = decoder.readInt16()
  const baseOffset = Number(decoder.readInt64())
  decoder.readInt64()
  decoder.readInt64()
  return { topic, partition, errorCode, baseOffset }
}

export interface FetchPartition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchLimits {
  /** How long the broker waits for so many bytes. */
  readonly maxWaitMs: number
  readonly minBytes: number
  /** Of the whole answer; one batch comes all the same when it alone is larger. */
  readonly maxBytes: number
}

export interface FetchAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** The offset after the last record that all replicas in sync have. */
  readonly end: number
  /** The first offset that retention has left. */
  readonly start: number
  /** Record batches, the last one perhaps cut off. */
  readonly batches: Buffer
}

const NOTHING = Buffer.alloc(0)

export function fetchExchange(
  partitions: readonly FetchPartition[],
  { maxWaitMs, minBytes, maxBytes }: FetchLimits,
): Exchange<readonly FetchAnswer[]> {
  return {
    request: {
      ...FETCH,
      encode: async () => {
        const encoder = new kafkajs.Encoder(512)
        // No replica, no transactions, no fetch session.
        encoder.writeInt32(-1).writeInt32(maxWaitMs).writeInt32(minBytes).writeInt32(maxBytes).writeInt8(0)
        encoder.writeInt32(0).writeInt32(-1)
        writeByTopic(encoder, partitions, ({ partition, offset, maxBytes: most }) => {
          encoder.writeInt32(partition).writeInt32(-1).writeInt64(offset).writeInt64(-1).writeInt32(most)
        })
        // No topics to forget; no rack.
        return encoder.writeInt32(0).writeString('')
      },
    },
    response: {
      decode: async (payload) => {
        const decoder = new kafkajs.Decoder(payload)
        decoder.readInt32()
        const errorCode = decoder.readInt16()
        decoder.readInt32()
        if (errorCode !== 0) {
          throw kafkajs.errorOf(errorCode)
        }
        return readByTopic(decoder, fetchAnswer)
      },
      parse: async (answer) => answer,
    },
  }
}

function fetchAnswer(decoder: Decoder, topic: string): FetchAnswer {
  const partition = decoder.readInt32()
  const errorCode = decoder.readInt16()
  const end = Number(decoder.readInt64())
  decoder.readInt64()
  const start = Number(decoder.readInt64())
  decoder.readArray((aborted) => [aborted.readInt64(), aborted.readInt64()])
  decoder.readInt32()
  const batches = decoder.readBytes() ?? NOTHING
  return { topic, partition, errorCode, end, start, batches }
}

/** `[topic [partition ...]]`, as both requests have it. */
function writeByTopic<Item extends { readonly topic: string }>(
  encoder: Encoder,
  items: readonly Item[],
  write: (item: Item) => void,
): void {
  const byTopic = new Map<string, Item[]>()
  for (const item of items) {
    const own = byTopic.get(item.topic)
    if (own === undefined) {
      byTopic.set(item.topic, [item])
    } else {
      own.push(item)
    }
  }
  encoder.writeInt32(byTopic.size)
  for (const [topic, own] of byTopic) {
    encoder.writeString(topic).writeInt32(own.length)
    own.forEach(write)
  }
}

function readByTopic<Answer>(decoder: Decoder, read: (decoder: Decoder, topic: string) => Answer): readonly Answer[] {
  return decoder
    .readArray((topics) => {
      const topic = topics.readString()
      return topics.readArray((partitions) => read(partitions, topic))
    })
    .flat()
}
