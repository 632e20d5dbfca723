/** When policies stop governing, and who should know before it happens. */
import type { CompiledPolicy } from './policy.ts'

/** Before the end of a policy its owner is told this long. */
const NOTICE_MS = 7 * 86_400_000

/** A date (its first moment in UTC) or a time with its zone, in milliseconds since the epoch; `undefined` for a day that is not. */
export function readExpiry(text: string): number | undefined {
  const date = text.slice(0, 10)
  const midnight = Date.parse(date)
  // The 30th of February would quietly become the 2nd of March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date) {
    return undefined
  }
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

/** What somebody should be told about the end of a policy. */
export interface ExpiryNotice {
  readonly id: string
  readonly isOver: boolean
  /** `policy 'a' (policies/a.yml:7) governs no more: it expired 2027-03-01`. */
  readonly message: string
}

/** The policies that have expired at a time or will within seven days, the earliest first. For `check` and health. */
export function expiryNotices(policies: readonly CompiledPolicy[], nowMs: number): readonly ExpiryNotice[] {
  return policies
    .flatMap(({ id, file, expires }) => (expires === undefined ? [] : [{ id, file, ...expires }]))
    .filter(({ atMs }) => atMs - nowMs <= NOTICE_MS)
    .sort((one, other) => one.atMs - other.atMs)
    .map(({ id, file, line, atMs, text }) => {
      const isOver = atMs <= nowMs
      const says = isOver ? `governs no more: it expired ${text}` : `expires ${text}`
      return { id, isOver, message: `policy '${id}' (${file}:${line}) ${says}` }
    })
}
