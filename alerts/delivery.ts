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

/** A notice after its last attempt: `engine/deliver.ts` makes a dead letter of it. */
export interface GivenUp {
  readonly notice: Notice
  readonly reason: string
  readonly detail: string
  readonly attempts: number
}

export interface DeliveryQueue {
  add(notice: Notice, nowMs: number): void
  /**
   * Notices to attempt now, at most `max`: the oldest of each alert that is due, or one probe while the sink is down. They
   * are under way until `accepted` or `failed` says what became of them.
   */
  start(nowMs: number, max: number): readonly Notice[]
  accepted(noticeId: string): void
  /** @returns what was given up when this was its last attempt. */
  failed(noticeId: string, error: unknown, nowMs: number): GivenUp | undefined
  /** When `start` will next have something, or `undefined` when nothing waits. */
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
  return new PendingNotices(restore(state))
}

class PendingNotices implements DeliveryQueue {
  readonly #pending: Map<string, PendingNotice>
  /** Ids of the notices of each alert, oldest first: only the first of them may go out. */
  readonly #byAlert = new Map<string, string[]>()
  readonly #dirty = new Set<string>()
  readonly #underWay = new Set<string>()
  /** In a row. */
  #failures = 0
  #closedUntilMs = 0

  constructor(pending: Map<string, PendingNotice>) {
    this.#pending = pending
    for (const entry of pending.values()) {
      this.#enqueue(entry)
    }
  }

  get size(): number {
    return this.#pending.size
  }

  get isDown(): boolean {
    return this.#failures >= BREAKER_FAILURES
  }

  add(notice: Notice, nowMs: number): void {
    if (!this.#pending.has(notice.notice_id)) {
      const entry = { notice, attempts: 0, nextMs: nowMs }
      this.#pending.set(notice.notice_id, entry)
      this.#enqueue(entry)
      this.#dirty.add(notice.notice_id)
    }
  }

  start(nowMs: number, max: number): readonly Notice[] {
    const isProbe = this.isDown
    if (isProbe && (nowMs < this.#closedUntilMs || this.#underWay.size > 0)) {
      return []
    }
    const due: Notice[] = []
    const most = isProbe ? Math.min(1, max) : max
    for (const { notice, nextMs } of this.#waiting()) {
      if (due.length >= most) {
        break
      }
      if (nextMs <= nowMs) {
        due.push(notice)
      }
    }
    for (const { notice_id } of due) {
      this.#underWay.add(notice_id)
    }
    return due
  }

  accepted(noticeId: string): void {
    this.#underWay.delete(noticeId)
    this.#remove(noticeId)
    this.#failures = 0
  }

  failed(noticeId: string, error: unknown, nowMs: number): GivenUp | undefined {
    this.#underWay.delete(noticeId)
    const entry = this.#pending.get(noticeId)
    if (entry === undefined) {
      return undefined
    }
    const attempts = entry.attempts + 1
    const final = finalReason(error, attempts)
    if (final !== undefined) {
      this.#remove(noticeId)
      return { notice: entry.notice, reason: final, detail: messageOf(error), attempts }
    }
    this.#failures += 1
    const probeMs = PROBE_MIN_MS * 2 ** Math.max(0, this.#failures - BREAKER_FAILURES)
    this.#closedUntilMs = nowMs + Math.min(probeMs, PROBE_MAX_MS)
    const nextMs = nowMs + delayMs(noticeId, attempts, error)
    this.#pending.set(noticeId, { notice: entry.notice, attempts, nextMs, lastError: messageOf(error) })
    this.#dirty.add(noticeId)
    return undefined
  }

  nextMs(): number | undefined {
    let earliestMs: number | undefined
    for (const { nextMs } of this.#waiting()) {
      earliestMs = Math.min(earliestMs ?? nextMs, nextMs)
    }
    if (earliestMs === undefined || (this.isDown && this.#underWay.size > 0)) {
      return undefined
    }
    return this.isDown ? Math.max(earliestMs, this.#closedUntilMs) : earliestMs
  }

  changes(): readonly { readonly key: string; readonly value: Uint8Array | undefined }[] {
    const entries = [...this.#dirty].map((noticeId) => {
      const entry = this.#pending.get(noticeId)
      const value = entry === undefined ? undefined : Buffer.from(JSON.stringify(entry))
      return { key: PREFIX + noticeId, value }
    })
    this.#dirty.clear()
    return entries
  }

  #enqueue({ notice }: PendingNotice): void {
    const queued = this.#byAlert.get(notice.alert.alert_id)
    if (queued === undefined) {
      this.#byAlert.set(notice.alert.alert_id, [notice.notice_id])
    } else {
      queued.push(notice.notice_id)
    }
  }

  #remove(noticeId: string): void {
    const entry = this.#pending.get(noticeId)
    if (entry === undefined) {
      return
    }
    const { alert_id } = entry.notice.alert
    const left = (this.#byAlert.get(alert_id) ?? []).filter((id) => id !== noticeId)
    if (left.length === 0) {
      this.#byAlert.delete(alert_id)
    } else {
      this.#byAlert.set(alert_id, left)
    }
    this.#pending.delete(noticeId)
    this.#dirty.add(noticeId)
  }

  /** The first of each alert that is not under way. */
  *#waiting(): Generator<PendingNotice> {
    for (const [first] of this.#byAlert.values()) {
      if (!this.#underWay.has(first as string)) {
        yield this.#pending.get(first as string) as PendingNotice
      }
    }
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
