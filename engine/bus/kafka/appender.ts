/**
 * Appends to Kafka: an idempotent producer with at most one batch of a partition under way, so that order is kept and a
 * batch whose answer was lost is recognised by the broker when it comes again. What is appended meanwhile is collected
 * into the next batch.
 *
 * An append that the cluster does not take in time is given up with `Unavailable`; it may be there all the same, or come
 * to be there when a frozen broker wakes up. Whoever appends it again makes a repeat, never a hole: ids tell repeats.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchMemory } from '../../../schema/batch-memory.ts'
import { Rejected, Unavailable } from '../../../schema/errors.ts'
import { kafkajs } from './kafkajs.ts'
import { type Batch, cut, type Identity, type Lane, takeUnits, type Unit } from './lane.ts'
import type { Link } from './link.ts'
import { type BatchFacts, batchBytes, encodeBatch, type NewRecord, recordBytes } from './record-batch.ts'

export interface AppenderOptions {
  readonly link: Link
  readonly compression: 'none' | 'gzip'
  /** What may wait in memory for the brokers before appends are refused. */
  readonly maxPendingBytes: number
  /** How long an append is tried. */
  readonly deadlineMs: number
}

export interface AppendOptions {
  /** On every record; see `record-headers.ts`. */
  readonly headers?: Uint8Array
  /** All records are there or none; they must fit into one batch of the topic. */
  readonly isAtomic?: boolean
}

/** Brokers read no more than 100 MiB at once by default. */
const REQUEST_BYTES = 32 * 1024 * 1024
/** Of as many partitions as a busy process writes to; a batch is a mebibyte at most. */
const BATCHES_UNDER_WAY = 16
const BACKOFF_MS = 100
const MAX_BACKOFF_MS = 2000
/** Numbers of records are 32 bits wide; a new identity begins at 0, long before that. */
const MAX_SEQUENCE = 0x4000_0000
const CLOSE_MS = 5000

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
/** The broker has the batch, from so long ago that it no longer knows where. */
const IS_THERE = 'DUPLICATE_SEQUENCE_NUMBER'
/** The broker and we disagree about what came before: only a new identity helps. */
const LOST_IDENTITY = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
])

export class Appender {
  readonly #options: AppenderOptions
  readonly #lanes = new Map<string, Lane>()
  /** Lanes that have something to send. */
  readonly #waiting = new Set<Lane>()
  readonly #busyNodes = new Set<number>()
  readonly #memory = new BatchMemory(BATCHES_UNDER_WAY)
  #identity: Identity | undefined
  #becoming: Promise<void> | undefined
  #pendingBytes = 0
  #alarm: NodeJS.Timeout | undefined
  #alarmMs = 0
  #isClosed = false
  #whenIdle: (() => void) | undefined

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /**
   * Appends to one partition, in order.
   *
   * @returns the offset of the first record, which the others follow; -1 when the broker no longer knows it, or when they
   *   did not fit into one batch, so that others may lie between them.
   * @throws Unavailable, Rejected when a record is larger than the topic allows.
   */
  async append(
    topic: string,
    partition: number,
    records: readonly NewRecord[],
    options: AppendOptions = {},
  ): Promise<number> {
    if (records.length === 0) {
      return -1
    }
    const parts = options.isAtomic === true ? [records] : cut(records)
    const sizes = parts.map((part) => part.reduce((sum, record) => sum + recordBytes(record), 0))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    if (this.#isClosed) {
      throw new Unavailable('the bus is closed')
    }
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#options.maxPendingBytes) {
      throw new Unavailable(`${this.#pendingBytes} bytes wait for Kafka already`, { retryAfterMs: 1000 })
    }
    const lane = this.#lane(topic, partition)
    const sinceMs = performance.now()
    const landed = parts.map((part, index) => {
      return new Promise<number>((done, fail) => {
        const size = sizes[index] as number
        const isAlone = options.isAtomic === true || options.headers !== undefined
        lane.queue.push({ records: part, headers: options.headers, isAlone, bytes: size, sinceMs, done, fail })
      })
    })
    this.#pendingBytes += bytes
    this.#waiting.add(lane)
    this.#pump()
    const [base = -1, ...others] = await Promise.all(landed)
    return others.length === 0 ? base : -1
  }

  /** Waits a while for what is under way, then gives up the rest. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#waiting.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
      const patience = new AbortController()
      await Promise.race([idle, sleep(CLOSE_MS, undefined, { signal: patience.signal }).catch(() => undefined)])
      patience.abort()
    }
    clearTimeout(this.#alarm)
    for (const lane of this.#waiting) {
      this.#giveUp(lane, new Unavailable('the bus is closed'))
    }
  }

  #lane(topic: string, partition: number): Lane {
    const key = `${topic} ${partition}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { topic, partition, queue: [], batch: undefined, isUnderWay: false, sequence: 0, failures: 0, againMs: 0 }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  /** Sends whatever can be sent now: one request a node at a time, one batch a partition at a time. */
  #pump(): void {
    if (this.#waiting.size === 0) {
      this.#whenIdle?.()
      return
    }
    const nowMs = performance.now()
    const byLeader = new Map<number, Lane[]>()
    for (const lane of this.#waiting) {
      if (lane.isUnderWay) {
        continue
      }
      if (lane.againMs > nowMs) {
        this.#pumpIn(lane.againMs - nowMs)
        continue
      }
      const leader = this.#options.link.leaderOf(lane.topic, lane.partition)
      if (leader === undefined) {
        this.#failed(lane, new Unavailable(`nobody leads ${lane.topic}/${lane.partition} at the moment`))
      } else if (!this.#busyNodes.has(leader)) {
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), lane])
      }
    }
    // Looked at last: a lane that was just given up takes the identity with it.
    if (this.#identity === undefined) {
      this.#become()
      return
    }
    for (const [leader, lanes] of byLeader) {
      void this.#send(leader, lanes)
    }
  }

  async #send(leader: number, lanes: readonly Lane[]): Promise<void> {
    this.#busyNodes.add(leader)
    const sending: Lane[] = []
    let bytes = 0
    for (const lane of lanes) {
      lane.batch = this.#batchOf(lane)
      if (sending.length > 0 && bytes + lane.batch.buffer.length > REQUEST_BYTES) {
        continue
      }
      bytes += lane.batch.buffer.length
      lane.isUnderWay = true
      sending.push(lane)
    }
    try {
      const batches = sending.map(({ topic, partition, batch }) => ({
        topic,
        partition,
        batch: (batch as Batch).buffer,
      }))
      const answers = await this.#options.link.produce(leader, batches)
      const byLane = new Map(answers.map((answer) => [this.#lane(answer.topic, answer.partition), answer]))
      for (const lane of sending) {
        const answer = byLane.get(lane)
        this.#settle(lane, answer?.errorCode ?? -1, answer?.baseOffset ?? -1)
      }
    } catch (error) {
      for (const lane of sending) {
        lane.isUnderWay = false
        this.#failed(lane, error)
      }
    } finally {
      this.#busyNodes.delete(leader)
      this.#pump()
    }
  }

  /** The batch that is owed already, as it was, or a new one of what waits. */
  #batchOf(lane: Lane): Batch {
    const identity = this.#identity as Identity
    const owed = lane.batch
    if (owed?.identity === identity) {
      return owed
    }
    const units = owed?.units ?? takeUnits(lane.queue)
    const records = units.length === 1 ? (units[0] as Unit).records : units.flatMap((unit) => unit.records)
    const headers = units[0]?.headers
    const memory = this.#memory.take(batchBytes(records, headers))
    const facts: BatchFacts = {
      ...identity,
      baseSequence: lane.sequence,
      timestampMs: Date.now(),
      compression: this.#options.compression,
      ...(headers === undefined ? {} : { headers }),
    }
    lane.sequence += records.length
    return { units, buffer: encodeBatch(records, facts, memory), memory, identity }
  }

  #settle(lane: Lane, errorCode: number, baseOffset: number): void {
    lane.isUnderWay = false
    if (errorCode === 0) {
      this.#landed(lane, baseOffset)
      return
    }
    const error = kafkajs.errorOf(errorCode)
    if (error.type === IS_THERE) {
      this.#landed(lane, -1)
    } else if (LOST_IDENTITY.has(error.type)) {
      this.#identity = undefined
      this.#failed(lane, new Unavailable(`${error.message} (${error.type})`))
    } else if (TOO_LARGE.has(error.type)) {
      this.#tooLarge(lane)
    } else if (error.retriable || error.type === 'CORRUPT_MESSAGE') {
      this.#failed(lane, error)
    } else {
      this.#giveUp(lane, new Unavailable(`Kafka refuses appends to ${lane.topic}: ${error.message} (${error.type})`))
    }
  }

  #landed(lane: Lane, baseOffset: number): void {
    const units = lane.batch?.units ?? []
    if (lane.batch !== undefined && lane.failures === 0) {
      // Sent once and answered for: nothing of it is on its way any more. After a failure a connection may still hold it.
      this.#memory.give(lane.batch.memory)
    }
    lane.batch = undefined
    lane.failures = 0
    lane.againMs = 0
    if (lane.sequence > MAX_SEQUENCE) {
      this.#identity = undefined
    }
    if (lane.queue.length === 0) {
      this.#waiting.delete(lane)
    }
    let offset = baseOffset
    for (const unit of units) {
      this.#pendingBytes -= unit.bytes
      unit.done(offset)
      offset = offset < 0 ? -1 : offset + unit.records.length
    }
  }

  /** Tries again later, with the same batch, wherever its partition is led then; gives up what has waited too long. */
  #failed(lane: Lane, error: unknown): void {
    if (!(error instanceof Unavailable) && (error as { retriable?: boolean }).retriable === undefined) {
      this.#giveUp(lane, error)
      return
    }
    const nowMs = performance.now()
    const oldestMs = lane.batch?.units[0]?.sinceMs ?? lane.queue[0]?.sinceMs ?? nowMs
    if (nowMs - oldestMs > this.#options.deadlineMs) {
      const seconds = Math.round((nowMs - oldestMs) / 1000)
      const { message } = error as Error
      this.#giveUp(lane, new Unavailable(`Kafka did not take records for ${lane.topic} in ${seconds} s: ${message}`))
      return
    }
    lane.failures += 1
    lane.againMs = nowMs + Math.min(BACKOFF_MS * 2 ** lane.failures, MAX_BACKOFF_MS)
    this.#options.link.refresh().catch(() => undefined)
    this.#pumpIn(lane.againMs - nowMs)
  }

  /** What was sent may be there or not, and what follows would have the wrong number: only a new identity knows none. */
  #giveUp(lane: Lane, error: unknown): void {
    const units = [...(lane.batch?.units ?? []), ...lane.queue]
    if (lane.batch !== undefined) {
      this.#identity = undefined
    }
    lane.batch = undefined
    lane.queue.length = 0
    this.#waiting.delete(lane)
    for (const unit of units) {
      this.#pendingBytes -= unit.bytes
      unit.fail(error)
    }
  }

  #tooLarge(lane: Lane): void {
    const { topic, batch } = lane
    const units = batch?.units ?? []
    // What follows in the lane is whole, and has done nothing wrong.
    const behind = lane.queue.splice(0)
    const bytes = batch?.buffer.length ?? 0
    if (units.length > 1) {
      // Sent one by one, to find the one that is too large.
      lane.batch = undefined
      this.#identity = undefined
      lane.queue.push(...units.map((unit) => ({ ...unit, isAlone: true })), ...behind)
      return
    }
    const message = `${bytes} bytes are more than ${topic} takes at once: raise its max.message.bytes`
    this.#giveUp(lane, new Rejected('too-large', message))
    if (behind.length > 0) {
      lane.queue.push(...behind)
      this.#waiting.add(lane)
    }
  }

  /** Asks for an identity, for as long as somebody waits. */
  #become(): void {
    this.#becoming ??= this.#options.link
      .newProducer()
      .then(
        (identity) => {
          this.#identity = identity
          for (const lane of this.#lanes.values()) {
            lane.sequence = 0
          }
        },
        async (error: unknown) => {
          for (const lane of [...this.#waiting]) {
            if (!lane.isUnderWay) {
              this.#failed(lane, error)
            }
          }
          await sleep(BACKOFF_MS)
        },
      )
      .finally(() => {
        this.#becoming = undefined
        this.#pump()
      })
  }

  #pumpIn(waitMs: number): void {
    const atMs = performance.now() + waitMs
    if (this.#alarm !== undefined && this.#alarmMs <= atMs) {
      return
    }
    clearTimeout(this.#alarm)
    this.#alarmMs = atMs
    this.#alarm = setTimeout(() => {
      this.#alarm = undefined
      this.#pump()
    }, waitMs + 1)
  }
}
