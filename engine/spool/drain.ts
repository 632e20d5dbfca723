/** Takes the spool's log to the remote bus, batch by batch in order. */
import { Rejected, Unavailable } from '../../schema/errors.ts'
import type { Assignment, Bus, BusRecord, StoredRecord, Topic } from '../bus/bus.ts'
import { grouped } from '../bus/grouped.ts'
import { untilAvailable } from '../until-available.ts'
import { bytesOf, type SpoolLog } from './log.ts'
import { unspooled } from './spooled-record.ts'

/** One batch is on its way at a time: large enough that round trips do not matter, small beside what a bus may hold. */
const BATCH_RECORDS = 10_000
const BATCH_BYTES = 4 * 1024 ** 2
/** Appends wake the reader; this is how soon it is seen that a log stays empty because the disk refuses. */
const READ_WAIT_MS = 1000
/** Until somebody has changed a setting. */
const REJECTED_RETRY_MS = 5000

export interface DrainOptions {
  readonly log: SpoolLog
  readonly remote: Pick<Bus, 'append'>
  /** Whether records go to the log. */
  readonly isSpooling: () => boolean
  /** Told after the first look at the log: what was found there is being drained. */
  readonly onBegun: () => void
  /** Told when the remote bus refuses a batch, or the disk to note that it was drained; it is tried again. */
  readonly onAway: (reason: string) => void
  /** Told when little is left. */
  readonly onNearlyEmpty: () => void
  /** Told when nothing is in the log and nothing on its way to it. */
  readonly onEmpty: () => void
}

/** Runs until `signal` aborts; what is under way then goes out again at the next start. Throws only on damage or a bug. */
export async function drain(assignment: Assignment, signal: AbortSignal, options: DrainOptions): Promise<void> {
  const { log, isSpooling, onBegun, onAway, onNearlyEmpty, onEmpty } = options
  for (let waitMs = 0; !signal.aborted; waitMs = READ_WAIT_MS) {
    const { begun } = log
    const isQuiet = log.open === 0
    const isLast = isQuiet && isSpooling()
    const limits = { maxRecords: BATCH_RECORDS, maxBytes: BATCH_BYTES, waitMs: isLast ? 0 : waitMs }
    const records = await assignment.read(limits)
    const [oldest] = records
    if (oldest === undefined) {
      // Only if nothing was on its way to the log all the time, what was read is all there is.
      if (isQuiet && begun === log.begun) {
        onEmpty()
      }
      onBegun()
      continue
    }
    log.oldestMs = unspooled(oldest).atMs
    onBegun()
    if (!((await forward(records, signal, options)) && (await commit(assignment, records, signal, log, onAway)))) {
      return
    }
    log.drained(records)
    if (records.length < BATCH_RECORDS / 2 && bytesOf(records) < BATCH_BYTES / 2) {
      onNearlyEmpty()
    }
  }
}

/** Whether all of it is durable at the remote bus. Part of it may have been before: all of it is sent again. */
async function forward(records: readonly StoredRecord[], signal: AbortSignal, options: DrainOptions): Promise<boolean> {
  for (const [topic, batch] of grouped(records.map(unspooled), (each) => each.topic)) {
    const own = batch.map(({ record }) => record)
    if (!(await send(topic, own, signal, options))) {
      return false
    }
  }
  return true
}

/**
 * Sends until it is taken. What is rejected is halved until the record that is to blame is alone: that one was
 * acknowledged, so it is not given up but waits, with all behind it, until an operator has done what the reason says.
 */
async function send(
  topic: Topic,
  batch: readonly BusRecord[],
  signal: AbortSignal,
  options: DrainOptions,
): Promise<boolean> {
  const { remote, onAway } = options
  const append = async (): Promise<boolean | 'halve'> => {
    try {
      return await orAborted(() => remote.append(topic, batch), signal)
    } catch (error) {
      if (!(error instanceof Rejected)) {
        throw error
      }
      if (batch.length > 1) {
        return 'halve'
      }
      throw new Unavailable(error.message, { retryAfterMs: REJECTED_RETRY_MS, cause: error })
    }
  }
  const sent = await untilAvailable(append, signal, (error) => onAway(error.message))
  if (sent !== 'halve') {
    return sent === true
  }
  const half = Math.ceil(batch.length / 2)
  return (
    (await send(topic, batch.slice(0, half), signal, options)) &&
    (await send(topic, batch.slice(half), signal, options))
  )
}

/** Whether it is on disk that the records were drained. Nothing is sent again because this disk refuses for a while. */
async function commit(
  assignment: Assignment,
  records: readonly StoredRecord[],
  signal: AbortSignal,
  log: SpoolLog,
  onAway: DrainOptions['onAway'],
): Promise<boolean> {
  const next = (records.at(-1)?.offset ?? 0) + 1
  const persist = async () => {
    await assignment.commit({ next, outputs: [], state: [] })
    return true
  }
  const isCommitted = await untilAvailable(persist, signal, (error) => {
    log.refusal = error
    onAway(error.message)
  })
  log.refusal = undefined
  return isCommitted === true
}

/** Whether the work was done before the signal aborted: a bus that is frozen must not hold up a stop. */
async function orAborted(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) {
    return false
  }
  return new Promise((resolve, reject) => {
    const stop = () => resolve(false)
    signal.addEventListener('abort', stop, { once: true })
    const ended = () => signal.removeEventListener('abort', stop)
    work()
      .finally(ended)
      .then(() => resolve(true), reject)
  })
}
