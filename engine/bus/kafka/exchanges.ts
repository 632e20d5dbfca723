/**
 * The two requests that carry records, with batches as bytes: Produce v7 and Fetch v11
 * (https://kafka.apache.org/protocol). Every broker from Kafka 2.3 to 4.x knows these versions.
 */
import { grouped } from '../grouped.ts'
import { FrameWriter } from './frame.ts'
import { type Decoder, type Exchange, kafkajs } from './kafkajs.ts'

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
  const frame = new FrameWriter().string(null).int16(ACKS_ALL).int32(timeoutMs)
  writeByTopic(frame, batches, ({ partition, batch }) => frame.int32(partition).bytes(batch))
  return {
    ...PRODUCE,
    parts: frame.parts(),
    decode: (payload) => readByTopic(new kafkajs.Decoder(payload), produceAnswer),
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
  // No replica, no transactions, no fetch session.
  const frame = new FrameWriter().int32(-1).int32(maxWaitMs).int32(minBytes).int32(maxBytes).int8(0).int32(0).int32(-1)
  writeByTopic(frame, partitions, ({ partition, offset, maxBytes: most }) =>
    frame.int32(partition).int32(-1).int64(offset).int64(-1).int32(most),
  )
  // No topics to forget; no rack.
  frame.int32(0).string('')
  return {
    ...FETCH,
    parts: frame.parts(),
    decode: (payload) => {
      const decoder = new kafkajs.Decoder(payload)
      decoder.readInt32()
      const errorCode = decoder.readInt16()
      decoder.readInt32()
      if (errorCode !== 0) {
        throw kafkajs.errorOf(errorCode)
      }
      return readByTopic(decoder, fetchAnswer)
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
  frame: FrameWriter,
  items: readonly Item[],
  write: (item: Item) => void,
): void {
  const byTopic = grouped(items, ({ topic }) => topic)
  frame.int32(byTopic.size)
  for (const [topic, own] of byTopic) {
    frame.string(topic).int32(own.length)
    for (const item of own) {
      write(item)
    }
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
