/**
 * The delivery loop: one consumer group per sink over `[alerts]`, so that a slow sink delays nobody else. What is
 * pending is state, committed with the offset: a restart goes on where it was.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type DeadLetter, type DeliveryQueue, deliveryQueue } from '../alerts/delivery.ts'
import type { Sink } from '../alerts/sinks/sink.ts'
import type { Notice } from '../schema/alert.ts'
import { Rejected, Unavailable } from '../schema/errors.ts'
import type { Assignment, Bus, BusRecord, StoredRecord } from './bus/bus.ts'
import { decodeRecord, encode } from './records.ts'
import { untilAvailable } from './until-available.ts'

export type DeliveryResult = 'accepted' | 'retried' | 'dead'

export interface DeliveryOptions {
  readonly bus: Bus
  readonly sink: Sink
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onResult?: (sink: string, result: DeliveryResult) => void
  /** Told of every alert that this sink will not get; it stands in `dead_letters`. */
  readonly onDeadLetter?: (sink: string, letter: DeadLetter) => void
  /** Told when the bus is unavailable and the loop will try again. */
  readonly onRetry?: (sink: string, error: Unavailable) => void
  /** Told when the sink starts and stops counting as down. */
  readonly onState?: (sink: string, state: { readonly isDown: boolean; readonly pending: number }) => void
}

/** Requests at one time. */
const CONCURRENCY = 8
/** Notices pending at one time, few enough to look through on every turn; what is above stays on the bus. */
const MAX_PENDING = 1000
const MAX_WAIT_MS = 5000

/** Runs until `signal` aborts. Rejects only on a bug or when the bus fails. */
export async function runDelivery(options: DeliveryOptions): Promise<void> {
  const group = `deliver:${options.sink.name}`
  await options.bus.consume(
    { group, topic: 'alerts' },
    (assignment, signal) => deliver(assignment, signal, options),
    options.signal,
  )
}

async function deliver(assignment: Assignment, signal: AbortSignal, options: DeliveryOptions): Promise<void> {
  const state: { key: string; value: Uint8Array }[] = []
  for await (const entry of assignment.restore()) {
    state.push(entry)
  }
  const queue = deliveryQueue(state)
  const onRetry = (error: Unavailable) => options.onRetry?.(options.sink.name, error)
  let next = assignment.start
  while (!signal.aborted) {
    const records = await untilAvailable(() => readOrWait(assignment, queue, options.now(), signal), signal, onRetry)
    if (records === undefined || signal.aborted) {
      return
    }
    const letters = take(records, queue, options.now())
    letters.push(...(await attempt(queue, signal, options)).map((letter) => deadLetter(letter, options.sink.name)))
    const last = records.at(-1)
    next = last === undefined ? next : last.offset + 1
    const changes = queue.changes()
    if (records.length > 0 || changes.length > 0) {
      const outputs = letters.length === 0 ? [] : [{ topic: 'dead_letters' as const, records: letters }]
      await untilAvailable(() => assignment.commit({ next, outputs, state: changes }), signal, onRetry)
    }
    options.onState?.(options.sink.name, { isDown: queue.isDown, pending: queue.size })
  }
}

/** Reads on, but only as far as there is room: what is above it stays on the bus. */
async function readOrWait(
  assignment: Assignment,
  queue: DeliveryQueue,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly StoredRecord[]> {
  const nextMs = queue.nextMs()
  const waitMs = nextMs === undefined ? MAX_WAIT_MS : Math.min(Math.max(nextMs - nowMs, 0), MAX_WAIT_MS)
  const room = MAX_PENDING - queue.size
  if (room > 0) {
    return assignment.read({ maxRecords: room, waitMs })
  }
  await sleep(waitMs, undefined, { signal }).catch(() => undefined)
  return []
}

/** Adds what was read to the queue; what is not a notice becomes a dead letter. */
function take(records: readonly StoredRecord[], queue: DeliveryQueue, nowMs: number): BusRecord[] {
  const letters: BusRecord[] = []
  for (const record of records) {
    const notice = decodeRecord<Notice>(record, invalidNotice)
    if (notice === undefined) {
      letters.push({ key: record.key, value: encode({ reason: 'invalid-notice', offset: record.offset }) })
    } else {
      queue.add(notice, nowMs)
    }
  }
  return letters
}

function invalidNotice(value: unknown): string | undefined {
  const notice = value as Partial<Notice> | null
  const valid = typeof notice?.notice_id === 'string' && typeof notice.alert?.alert_id === 'string'
  return valid ? undefined : 'is not a notice'
}

async function attempt(queue: DeliveryQueue, signal: AbortSignal, options: DeliveryOptions): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  const send = async (notice: Notice): Promise<void> => {
    try {
      await options.sink.write(notice, signal)
      queue.accepted(notice.notice_id)
      options.onResult?.(options.sink.name, 'accepted')
    } catch (error) {
      if (signal.aborted) {
        return
      }
      if (!(error instanceof Unavailable || error instanceof Rejected)) {
        throw error
      }
      const letter = queue.failed(notice.notice_id, error, options.now())
      options.onResult?.(options.sink.name, letter === undefined ? 'retried' : 'dead')
      if (letter !== undefined) {
        options.onDeadLetter?.(options.sink.name, letter)
        letters.push(letter)
      }
    }
  }
  await Promise.all(queue.due(options.now(), CONCURRENCY).map(send))
  return letters
}

function deadLetter({ notice, reason, detail, attempts }: DeadLetter, sink: string): BusRecord {
  return { key: notice.alert.alert_id, value: encode({ sink, reason, detail, attempts, notice }) }
}
