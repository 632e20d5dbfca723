/** A partition of somebody else's topic, while it is ours. */
import type { OtlpPartition, OtlpTopicRecord } from '../../../collectors/kafka/otlp-topic.ts'
import { Misconfigured, Unavailable } from '../../../schema/errors.ts'
import type { PartitionReader, ReadLimits } from './fetcher.ts'
import type { Ownership } from './owners.ts'
import { type ReadRecord, UnknownCompression } from './record-batch.ts'
import { decodeHeaders } from './record-headers.ts'

export interface ForeignPartitionParts {
  readonly groupId: string
  readonly ownership: Ownership
  readonly reader: PartitionReader
  /** Tells the group. @throws Unavailable */
  readonly commit: (next: number) => Promise<void>
}

type ReadOptions = Omit<ReadLimits, 'maxBytes'> & Partial<Pick<ReadLimits, 'maxBytes'>>

/** What one `read` returns at most when the caller does not say. */
const DEFAULT_READ_BYTES = 1024 * 1024

export class ForeignPartition implements OtlpPartition {
  readonly topic: string
  readonly partition: number
  readonly #parts: ForeignPartitionParts

  constructor(parts: ForeignPartitionParts) {
    this.#parts = parts
    this.topic = parts.reader.topic
    this.partition = parts.reader.partition
  }

  async read(options: ReadOptions): Promise<readonly OtlpTopicRecord[]> {
    this.#checkOwned()
    const { reader, ownership } = this.#parts
    try {
      const found = await reader.read({ maxBytes: DEFAULT_READ_BYTES, ...options }, ownership.signal)
      this.#checkOwned()
      return ownership.signal.aborted ? [] : found.map(topicRecord)
    } catch (error) {
      const { cause } = error as Error
      throw cause instanceof UnknownCompression ? this.#unreadable(cause) : error
    }
  }

  async commit(next: number): Promise<void> {
    this.#checkOwned()
    await this.#parts.commit(next)
    this.#checkOwned()
  }

  #checkOwned(): void {
    const { groupId, ownership } = this.#parts
    if (ownership.isLost) {
      throw new Unavailable(`the group ${groupId} has given ${this.topic}/${this.partition} to another process`)
    }
  }

  /** The messages stay where they are and as they are, whatever is set: somebody has to decide to skip them. */
  #unreadable({ message, offset }: UnknownCompression): Misconfigured {
    const { groupId } = this.#parts
    return new Misconfigured([
      {
        file: 'collectors.kafka',
        message: `topic ${this.topic}, partition ${this.partition}, offset ${offset}: ${message}`,
        suggestion: [
          'set producer.compression to gzip or none in the exporter that writes there,',
          `see that the topic's compression.type is producer, gzip or uncompressed, and, with Telltale stopped, skip what is there:`,
          `kafka-consumer-groups.sh --group ${groupId} --topic ${this.topic} --reset-offsets --to-latest --execute`,
        ].join(' '),
      },
    ])
  }
}

function topicRecord({ offset, value, headers, isDamaged }: ReadRecord): OtlpTopicRecord {
  const record = { offset, value, headers: decodeHeaders(headers) }
  return isDamaged === undefined ? record : { ...record, isDamaged }
}
