/**
 * What is still to be delivered to one sink, and when: a pure state machine. Time is passed in, nothing is sent
 * here; `engine/deliver.ts` does both.
 *
 * At least once, in order per alert. A failed attempt comes again with growing, jittered delays for about three days,
 * as the Standard Webhooks specification advises, after quick tries for receivers that only restart; then the notice
 * is a dead letter. While everything fails (five in a row) only a probe goes out, until one is accepted.
 */
import type { Notice } from '../schema/alert.ts'
import { Rejected, Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The delay after each failed attempt; after the last, the notice is a dead letter. Some 77 hours in all. */
export const RETRY_DELAYS_MS: readonly number[] = [
  ...[1, 2, 4, 8, 16].map((seconds) => seconds * SECOND),
  ...[1, 5, 30].map((minutes) => minutes * MINUTE),
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR),
]
const JITTER = 0.2
const MAX_RETRY_AFTER_MS = 24 * HOUR
/** Consecutive failures after which the sink counts as down. */
const BREAKER_FAILURES = 5
const PROBE_MIN_MS = SECOND
const PROBE_MAX_MS = MINUTE

export interface PendingNotice {
  readonly notice: Notice
  readonly attempts: number
  readonly nextMs: number
  readonly lastError?: string
}

export interface DeadLetter {
  readonly notice: Notice
  readonly reason: string
  readonly detail: string
  readonly attempts: number
}

export interface DeliveryQueue {
  add(notice: Notice, nowMs: number): void
  /** Notices to attempt now, at most `max`: the oldest of each alert that is due, or one probe while the sink is down. */
  due(nowMs: number, max: number): readonly Notice[]
  accepted(noticeId: string): void
  /** @returns the dead letter when this was its last attempt. */
  failed(noticeId: string, error: unknown, nowMs: number): DeadLetter | undefined
  /** When `due` will next have something, or `undefined` when nothing is pending. */
  nextMs(): number | undefined
  /** State entries that changed since the last call. */
  changes(): readonly { readonly key: string; readonly value: Uint8Array | undefined }[]
  readonly size: number
  /** Whether the sink counts as down. For health. */
  readonly isDown: boolean
}

const PREFIX = 'pending/'

/** @param state the persisted entries, in any order. */
export function deliveryQueue(state: Iterable<{ readonly key: string; readonly value: Uint8Array }>): DeliveryQueue {
  const pending = restore(state)
  const dirty = new Set<string>()
  let failures = 0
  let closedUntilMs = 0

  /** Notices of one alert, oldest first: only the first of them may go out. */
  const byAlert = new Map<string, string[]>()
  const enqueue = ({ notice }: PendingNotice): void => {
    const { alert_id } = notice.alert
    const queued = byAlert.get(alert_id)
    if (queued === undefined) {
      byAlert.set(alert_id, [notice.notice_id])
    } else {
      queued.push(notice.notice_id)
    }
  }
  const remove = ({ notice }: PendingNotice): void => {
    const { alert_id } = notice.alert
    const left = (byAlert.get(alert_id) ?? []).filter((id) => id !== notice.notice_id)
    if (left.length === 0) {
      byAlert.delete(alert_id)
    } else {
      byAlert.set(alert_id, left)
    }
    pending.delete(notice.notice_id)
  }
  const firstOf = (queued: readonly string[]): PendingNotice => pending.get(queued[0] as string) as PendingNotice
  for (const entry of pending.values()) {
    enqueue(entry)
  }

  return {
    add: (notice, nowMs) => {
      if (!pending.has(notice.notice_id)) {
        const entry = { notice, attempts: 0, nextMs: nowMs }
        pending.set(notice.notice_id, entry)
        enqueue(entry)
        dirty.add(notice.notice_id)
      }
    },
    due: (nowMs, max) => {
      const down = failures >= BREAKER_FAILURES
      if (down && nowMs < closedUntilMs) {
        return []
      }
      const due: Notice[] = []
      for (const queued of byAlert.values()) {
        const { notice, nextMs } = firstOf(queued)
        if (nextMs <= nowMs) {
          due.push(notice)
        }
        if (due.length === (down ? 1 : max)) {
          break
        }
      }
      return due
    },
    accepted: (noticeId) => {
      const entry = pending.get(noticeId)
      if (entry !== undefined) {
        remove(entry)
        dirty.add(noticeId)
      }
      failures = 0
    },
    failed: (noticeId, error, nowMs) => {
      const entry = pending.get(noticeId)
      if (entry === undefined) {
        return undefined
      }
      dirty.add(noticeId)
      const attempts = entry.attempts + 1
      const final = finalReason(error, attempts)
      if (final !== undefined) {
        remove(entry)
        return { notice: entry.notice, reason: final, detail: messageOf(error), attempts }
      }
      failures += 1
      closedUntilMs = nowMs + Math.min(PROBE_MIN_MS * 2 ** Math.max(0, failures - BREAKER_FAILURES), PROBE_MAX_MS)
      const nextMs = nowMs + delayMs(noticeId, attempts, error)
      pending.set(noticeId, { notice: entry.notice, attempts, nextMs, lastError: messageOf(error) })
      return undefined
    },
    nextMs: () => {
      let earliest = Number.POSITIVE_INFINITY
      for (const queued of byAlert.values()) {
        earliest = Math.min(earliest, firstOf(queued).nextMs)
      }
      if (byAlert.size === 0) {
        return undefined
      }
      return failures >= BREAKER_FAILURES ? Math.max(earliest, closedUntilMs) : earliest
    },
    changes: () => {
      const entries = [...dirty].map((noticeId) => {
        const entry = pending.get(noticeId)
        const value = entry === undefined ? undefined : Buffer.from(JSON.stringify(entry))
        return { key: PREFIX + noticeId, value }
      })
      dirty.clear()
      return entries
    },
    get size() {
      return pending.size
    },
    get isDown() {
      return failures >= BREAKER_FAILURES
    },
  }
}

/** Entries come back in the order of their alerts' changes: created before updated, by event time. */
function restore(state: Iterable<{ readonly key: string; readonly value: Uint8Array }>): Map<string, PendingNotice> {
  const entries = [...state]
    .filter(({ key }) => key.startsWith(PREFIX))
    .map(({ value }) => JSON.parse(Buffer.from(value).toString('utf8')) as PendingNotice)
    .sort((a, b) => rank(a) - rank(b) || a.notice.alert.time_ms - b.notice.alert.time_ms)
  return new Map(entries.map((entry) => [entry.notice.notice_id, entry]))
}

function rank({ notice }: PendingNotice): number {
  return notice.type === 'alert.created' ? 0 : 1
}

/** Why there will be no further attempt, or `undefined`. */
function finalReason(error: unknown, attempts: number): string | undefined {
  if (error instanceof Rejected) {
    return error.reason
  }
  return attempts > RETRY_DELAYS_MS.length ? 'attempts-exhausted' : undefined
}

function delayMs(noticeId: string, attempts: number, error: unknown): number {
  const base = RETRY_DELAYS_MS[attempts - 1] ?? (RETRY_DELAYS_MS.at(-1) as number)
  // Jitter from the id: spread over notices, yet the same whenever it is asked.
  const unit = Number.parseInt(idOf(noticeId, attempts).slice(0, 8), 16) / 0xffffffff
  const jittered = base * (1 + JITTER * (2 * unit - 1))
  const asked = error instanceof Unavailable ? Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS) : 0
  return Math.max(jittered, asked)
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}
