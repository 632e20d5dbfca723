/**
 * How far the stages are behind the doors. The log would take much more than they can judge in time: what is taken in
 * beyond a few seconds' work only makes every alert later, so the doors ask here, and tell senders to come back.
 *
 * It is measured as the time that the oldest waiting record has waited, because only time means the same on every
 * machine and for every load.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PartitionLag } from './bus/bus.ts'

/** A look at the bus for every request would cost more than it tells. */
const LOOK_EVERY_MS = 100
/** What was seen before a silence says nothing about now. */
const FORGET_AFTER_MS = 2000
/** Marks of one group. Between two of them age is rounded, so what is beyond may as well go. */
const MAX_MARKS = 1000

export interface Backlog {
  /** How long the oldest record has waited at each stage in turn, as of the last look. */
  readonly ageMs: number
  /** Whether more may be taken in. */
  isFull(): boolean
  /**
   * Resolves when little waits to be judged, or after a second. Who answers senders only then is sent no more than can
   * be judged; and what is judged at once is still in memory, and leaves it young.
   */
  caughtUp(): Promise<void>
}

/** More would be read from disk again, less would leave stages idle between requests. */
const LITTLE_RECORDS = 1000
const CAUGHT_UP_LOOK_MS = 4
/** A sender's patience is some seconds; the log has room for more than that. */
const CAUGHT_UP_LIMIT_MS = 1000

export interface BacklogOptions {
  readonly lag: () => Promise<readonly PartitionLag[]>
  /** Whose lag counts. Groups that write to other systems do not: the log is there to wait for these. */
  readonly groups: readonly string[]
  readonly limitMs: number
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
}

/** Where the log ended at some time: what was there then has waited since. */
interface Mark {
  readonly atMs: number
  readonly end: number
}

export function watchBacklog({ lag, groups, limitMs, now }: BacklogOptions): Backlog {
  const marks = new Map<string, Mark[]>(groups.map((group) => [group, []]))
  let ageMs = 0
  let lookedMs = Number.NEGATIVE_INFINITY
  /** At the stage with the most. */
  let records = 0
  let looking: Promise<void> | undefined
  const measure = async () => {
    const lags = await lag()
    let total = 0
    records = 0
    for (const [group, waiting] of marks) {
      const own = lags.filter((each) => each.group === group)
      const end = sum(own, 'end')
      const committed = sum(own, 'committed')
      if (end > (waiting.at(-1)?.end ?? committed) && waiting.length < MAX_MARKS) {
        waiting.push({ atMs: now(), end })
      }
      const left = waiting.findIndex((mark) => mark.end > committed)
      waiting.splice(0, left < 0 ? waiting.length : left)
      total += waiting[0] === undefined ? 0 : now() - waiting[0].atMs
      records = Math.max(records, end - committed)
    }
    ageMs = total
  }
  /** Whoever asks meanwhile waits for the same look. A bus that cannot tell refuses what is appended, too. */
  const look = (): Promise<void> => {
    looking ??= measure()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined
      })
    return looking
  }
  return {
    get ageMs() {
      return ageMs
    },
    isFull: () => {
      const nowMs = now()
      if (nowMs - lookedMs > FORGET_AFTER_MS) {
        ageMs = 0
      }
      if (nowMs - lookedMs >= LOOK_EVERY_MS) {
        lookedMs = nowMs
        void look()
      }
      return ageMs > limitMs
    },
    caughtUp: async () => {
      const beganMs = now()
      for (;;) {
        await look()
        if (records <= LITTLE_RECORDS || now() - beganMs > CAUGHT_UP_LIMIT_MS) {
          return
        }
        await sleep(CAUGHT_UP_LOOK_MS)
      }
    },
  }
}

function sum(lags: readonly PartitionLag[], field: 'end' | 'committed'): number {
  return lags.reduce((total, each) => total + each[field], 0)
}
