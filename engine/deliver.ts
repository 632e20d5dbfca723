/**
 * The delivery loop: one consumer group per sink over `[alerts]`, so that a slow sink delays nobody else. What is
 * pending is state, committed with the offset: a restart goes on where it was.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type DeliveryQueue, deliveryQueue, type GivenUp } from '../alerts/delivery.ts'
import type { Sink } from '../alerts/sinks/sink.ts'
import type { Notice } from '../schema/alert.ts'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Rejected, Unavailable } from '../schema/errors.ts'
import type { Assignment, Bus, BusRecord, StoredRecord } from './bus/bus.ts'
import { deadLetterOf, deadLetterRecord } from './dead-letter.ts'
import { decodeRecord, noticeRecord } from './records.ts'
import { untilAvailable } from './until-available.ts'

export type DeliveryResult = 'accepted' | 'retried' | 'dead'

export interface DeliveryOptions {
  readonly bus: Bus
  readonly sink: Sink
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onResult?: (sink: string, result: DeliveryResult) => void
  /** Told of every alert that this sink will not get, and of every record that is none; it goes to `dead_letters`. */
  readonly onDeadLetter?: (letter: DeadLetter) => void
  /** Told when the bus is unavailable and the loop will try again. */
  readonly onRetry?: (sink: string, error: Unavailable) => void
  /** Told how it stands for each partition of the alerts, and `undefined` when the partition is no longer delivered here. */
  readonly onState?: (sink: string, partition: number, state: SinkState | undefined) => void
}

/** How it stands with a sink. */
export interface SinkState {
  /** It has not taken anything for a while. */
  readonly isDown: boolean
  /** Notices that wait for it. */
  readonly pending: number
}

/** As dead letters name it. */
const STAGE = 'deliver'
/** Requests at one time. */
const CONCURRENCY = 8
/** Notices pending at one time, few enough to look through on every turn; what is above stays on the bus. */
const MAX_PENDING = 1000
const MAX_WAIT_MS = 5000
/** How soon it is seen that something was accepted, and its place taken by the next. */
const SENDING_LOOK_MS = 10

/** Runs until `signal` aborts. Rejects only on a bug or when the bus fails. */
export async function runDelivery(options: DeliveryOptions): Promise<void> {
  const group = `deliver:${options.sink.name}`
  await options.bus.consume(
    { group, topic: 'alerts' },
    (assignment, signal) =>
      deliver(assignment, signal, options).finally(() => {
        options.onState?.(options.sink.name, assignment.partition, undefined)
      }),
    options.signal,
  )
}

async function deliver(assignment: Assignment, signal: AbortSignal, options: DeliveryOptions): Promise<void> {
  const state: { key: string; value: Uint8Array }[] = []
  for await (const entry of assignment.restore()) {
    state.push(entry)
  }
  const queue = deliveryQueue(state)
  const sending = new Sending(queue, signal, options)
  const onRetry = (error: Unavailable) => options.onRetry?.(options.sink.name, error)
  let next = assignment.start
  /** Whether it was: what was given up when told to stop must not be followed by anything that builds on it. */
  const commit = async (letters: readonly BusRecord[], isNews: boolean): Promise<boolean> => {
    const changes = queue.changes()
    if (!isNews && letters.length === 0 && changes.length === 0) {
      return true
    }
    const outputs = letters.length === 0 ? [] : [{ topic: 'dead_letters' as const, records: letters }]
    const persist = async () => {
      await assignment.commit({ next, outputs, state: changes })
      return true
    }
    return (await untilAvailable(persist, signal, onRetry)) === true
  }
  let isCommitted = true
  while (isCommitted && !signal.aborted) {
    sending.refill()
    const records = await untilAvailable(() => readOrWait(assignment, queue, sending.waitMs(), signal), signal, onRetry)
    if (records === undefined) {
      break
    }
    const letters = take(records, queue, assignment, options)
    const last = records.at(-1)
    next = last === undefined ? next : last.offset + 1
    isCommitted = await commit([...letters, ...sending.ended()], records.length > 0)
    options.onState?.(options.sink.name, assignment.partition, { isDown: queue.isDown, pending: queue.size })
  }
  // What was accepted at the last moment is not sent again.
  await sending.idle()
  if (isCommitted) {
    await commit(sending.ended(), false)
  }
}

/** The notices that are on their way to the sink: a slow one keeps its place, and those behind it go on beside it. */
class Sending {
  readonly #queue: DeliveryQueue
  readonly #signal: AbortSignal
  readonly #options: DeliveryOptions
  readonly #underWay = new Map<string, Promise<void>>()
  #letters: BusRecord[] = []
  #bug: { readonly error: unknown } | undefined

  constructor(queue: DeliveryQueue, signal: AbortSignal, options: DeliveryOptions) {
    this.#queue = queue
    this.#signal = signal
    this.#options = options
  }

  /** How long nothing can be sent, unless something new comes. */
  waitMs(): number {
    const isBusy = this.#underWay.size > 0
    const nextMs = this.#underWay.size < CONCURRENCY ? this.#queue.nextMs() : undefined
    const untilNextMs = Math.max((nextMs ?? Number.POSITIVE_INFINITY) - this.#options.now(), 0)
    return Math.min(untilNextMs, isBusy ? SENDING_LOOK_MS : MAX_WAIT_MS)
  }

  /** Sends what is due, as far as there is room. */
  refill(): void {
    const room = CONCURRENCY - this.#underWay.size
    for (const notice of this.#queue.start(this.#options.now(), room)) {
      const sent = this.#send(notice)
        .catch((error: unknown) => {
          this.#bug ??= { error }
        })
        .finally(() => this.#underWay.delete(notice.notice_id))
      this.#underWay.set(notice.notice_id, sent)
    }
  }

  /** Dead letters since the last call. Throws what a sink threw that no sink should. */
  ended(): readonly BusRecord[] {
    if (this.#bug !== undefined) {
      throw this.#bug.error
    }
    const letters = this.#letters
    this.#letters = []
    return letters
  }

  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values())
  }

  async #send(notice: Notice): Promise<void> {
    const { sink, now, onResult, onDeadLetter } = this.#options
    try {
      await sink.write(notice, this.#signal)
      this.#queue.accepted(notice.notice_id)
      onResult?.(sink.name, 'accepted')
    } catch (error) {
      if (this.#signal.aborted) {
        return
      }
      if (!(error instanceof Unavailable || error instanceof Rejected)) {
        throw error
      }
      const givenUp = this.#queue.failed(notice.notice_id, error, now())
      onResult?.(sink.name, givenUp === undefined ? 'retried' : 'dead')
      if (givenUp !== undefined) {
        const letter = letterAbout(givenUp, sink.name, now())
        onDeadLetter?.(letter)
        this.#letters.push(deadLetterRecord(letter))
      }
    }
  }
}

/** Reads on, but only as far as there is room: what is above it stays on the bus. */
async function readOrWait(
  assignment: Assignment,
  queue: DeliveryQueue,
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly StoredRecord[]> {
  const room = MAX_PENDING - queue.size
  if (room > 0) {
    return assignment.read({ maxRecords: room, waitMs })
  }
  await sleep(waitMs, undefined, { signal }).catch(() => undefined)
  return []
}

/** Adds what was read to the queue; what is not a notice becomes a dead letter. */
function take(
  records: readonly StoredRecord[],
  queue: DeliveryQueue,
  { topic, partition }: Assignment,
  { sink, now, onDeadLetter }: DeliveryOptions,
): BusRecord[] {
  const letters: BusRecord[] = []
  for (const record of records) {
    const notice = decodeRecord<Notice>(record, invalidNotice)
    if (notice === undefined) {
      const place = { topic, partition, offset: record.offset }
      const facts = { time_ms: now(), stage: STAGE, reason: 'invalid-notice', sink: sink.name, ...place }
      const letter = deadLetterOf(facts, record)
      onDeadLetter?.(letter)
      letters.push(deadLetterRecord(letter))
    } else {
      queue.add(notice, now())
    }
  }
  return letters
}

/** Looks at what delivery itself goes by: which notice, of which alert, of which tenant. */
function invalidNotice(value: unknown): string | undefined {
  const { notice_id, alert } = (value ?? {}) as Partial<Notice>
  const valid = [notice_id, alert?.alert_id, alert?.tenant_id].every((part) => typeof part === 'string')
  return valid ? undefined : 'is not a notice'
}

function letterAbout({ notice, reason, detail, attempts }: GivenUp, sink: string, nowMs: number): DeadLetter {
  const { alert_id } = notice.alert
  const facts = { time_ms: nowMs, stage: STAGE, reason, detail, sink, attempts, alert_id }
  return deadLetterOf(facts, noticeRecord(notice))
}
