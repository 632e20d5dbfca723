/** What waits for a partition, and what is on its way to it: the appender's memory. */
import { type NewRecord, recordBytes } from './record-batch.ts'

/** Below the limit that brokers have by default, so that only single large records ever need a higher one. */
const BATCH_BYTES = 900_000

/** Records that were appended together, or a part of them that a batch can hold. */
export interface Unit {
  readonly records: readonly NewRecord[]
  readonly headers: Uint8Array | undefined
  readonly isAlone: boolean
  readonly bytes: number
  readonly sinceMs: number
  readonly done: (baseOffset: number) => void
  readonly fail: (error: unknown) => void
}

/** What was sent, and is sent again until it is answered for. */
export interface Batch {
  readonly units: readonly Unit[]
  readonly buffer: Buffer
  /** That the buffer may be a part of. */
  readonly memory: Buffer
  readonly identity: Identity
}

/** What the broker knows an idempotent producer by. */
export interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** What is on its way to one partition. */
export interface Lane {
  readonly topic: string
  readonly partition: number
  readonly queue: Unit[]
  /** Sent, and not answered for yet. */
  batch: Batch | undefined
  isUnderWay: boolean
  sequence: number
  failures: number
  /** Not before. */
  againMs: number
}

/** Records in parts that a batch can hold; one that is larger than that is a part of its own. */
export function cut(records: readonly NewRecord[]): readonly (readonly NewRecord[])[] {
  const parts: NewRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = recordBytes(record)
    if (bytes + size > BATCH_BYTES) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)?.push(record)
    bytes += size
  }
  return parts
}

/** What the next batch is made of: as much as fits, in order. */
export function takeUnits(queue: Unit[]): readonly Unit[] {
  let count = 0
  let bytes = 0
  for (const unit of queue) {
    if (count > 0 && (unit.isAlone || bytes + unit.bytes > BATCH_BYTES)) {
      break
    }
    bytes += unit.bytes
    count += 1
    if (unit.isAlone) {
      break
    }
  }
  return queue.splice(0, count)
}
