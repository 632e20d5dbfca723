/**
 * A sink: somewhere alerts go. One request per `write`; queueing, retries, backoff, dead letters and restarts
 * belong to `alerts/delivery.ts`, so that no sink writes them again.
 */
import type { Notice } from '../../schema/alert.ts'

export interface Sink {
  /** Unique name from the configuration; also the name of its consumer group, so it must not change. */
  readonly name: string
  /**
   * Resolves once the destination has durably accepted the notice. Throws `Unavailable` (try again, honouring
   * `retryAfterMs`) or `Rejected` (never will be accepted: dead-lettered with its reason). May be called again with a
   * notice it has already accepted. Must give up when `signal` aborts.
   */
  write(notice: Notice, signal: AbortSignal): Promise<void>
  close?(): Promise<void>
}
