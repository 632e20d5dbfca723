/** What was found wrong with events: by whom, until the event is counted, and in which sessions from when on it was grave. */
import type { Finding } from '../../schema/finding.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { learnedSections } from './index.ts'

/** What was found wrong, as far as it matters here. */
export type Flag = Pick<Finding, 'event_id' | 'detector' | 'severity' | 'session_id' | 'time_ms' | 'evidence'>

export class Flags {
  /** Detectors by id of the event. */
  private readonly detectors = new Map<string, readonly string[]>()
  /** When the first grave thing was found, by session. */
  private readonly grave = new Map<string, number>()
  private refused = 0
  private refusedGrave = 0
  private readonly limit: number

  /** @param limit the most events, and the most sessions, that are remembered. */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Findings that no event was there for, those included for which there was no room. */
  get unmatched(): number {
    return this.refused + this.detectors.size
  }

  /** Grave findings of sessions for which there was no room. */
  get graveLeftOut(): number {
    return this.refusedGrave
  }

  /** Takes what was found wrong with an event. What is informational flags nothing. */
  flag({ event_id: event, detector, severity }: Flag): void {
    if (severity === 'informational') {
      return
    }
    const known = this.detectors.get(event)
    if (known === undefined && this.detectors.size >= this.limit) {
      this.refused += 1
    } else if (known?.includes(detector) !== true) {
      this.detectors.set(event, [...(known ?? []), detector])
    }
  }

  /** Takes what was found in a session, whoever it was about, when it is grave. */
  suspect(finding: Flag): void {
    if (isGrave(finding)) {
      const { session_id: session, time_ms: timeMs } = finding
      const since = this.grave.get(session)
      if (since !== undefined || this.grave.size < this.limit) {
        this.grave.set(session, Math.min(since ?? timeMs, timeMs))
      } else {
        this.refusedGrave += 1
      }
    }
  }

  /** Who found something wrong with an event; forgotten afterwards. */
  take(event: string): readonly string[] {
    const detectors = this.detectors.get(event)
    this.detectors.delete(event)
    return detectors ?? []
  }

  /** Whether something grave was found in the session before an event, or with it. */
  isAfterGrave({ session_id: session, time_ms: timeMs }: Pick<Telemetry, 'session_id' | 'time_ms'>): boolean {
    return timeMs >= (this.grave.get(session) ?? Number.POSITIVE_INFINITY)
  }
}

/**
 * A policy that is too narrow says nothing about what else the session did; learning is for mending it. What is critical
 * is more than that: a call that was stopped and is tried again, the service that hands out the machine's credentials.
 */
function isGrave(finding: Flag): boolean {
  const { severity } = finding
  return severity === 'critical' || (severity === 'high' && !learnedSections.some(({ isNarrow }) => isNarrow(finding)))
}
