/**
 * What was stopped on its way in a session, so that it can be told when an agent does not take no for an answer. The state
 * of detectors that say what an agent may not do; bounded, and written only when something was stopped.
 */
import { idOf } from '../../schema/ids.ts'
import { wasStopped } from '../../schema/stopped.ts'
import type { Telemetry } from '../../schema/telemetry.ts'

/** The most attempts remembered; the oldest are forgotten first. */
const ATTEMPT_LIMIT = 64

/** `of` is the event, so that an event that is judged again is not taken for a second attempt. */
interface Attempt {
  readonly what: string
  readonly of: string
  /** When its end was known, event time. */
  readonly endMs: number
}

/** Attempts that were stopped, the newest last. */
export interface Attempts {
  stopped: Attempt[]
}

/** The state before anything was stopped. */
export function noAttempts(): Attempts {
  return { stopped: [] }
}

/** How often it was stopped before the event began. @param what any of these: `tool:shell.exec`. */
export function stoppedBefore({ stopped }: Readonly<Attempts>, event: Telemetry, what: readonly string[]): number {
  if (stopped.length === 0) {
    return 0
  }
  const keys = new Set(what.map(keyOf))
  const events = stopped.filter((one) => keys.has(one.what) && one.of !== event.event_id && one.endMs < event.time_ms)
  return new Set(events.map(({ of }) => of)).size
}

/** Remembers that it was stopped. `false` when it was not, and the state is as it was. */
export function rememberStopped(attempts: Attempts, event: Telemetry, what: readonly string[]): boolean {
  if (!wasStopped(event) || what.length === 0) {
    return false
  }
  const endMs = event.time_ms + (event.duration_ms ?? 0)
  const more = what.map((each) => ({ what: keyOf(each), of: event.event_id, endMs }))
  attempts.stopped = [...attempts.stopped, ...more].slice(-ATTEMPT_LIMIT)
  return true
}

/** Names are the agent's, and as long as it likes. */
function keyOf(what: string): string {
  return idOf('attempt', what).slice(0, 16)
}
