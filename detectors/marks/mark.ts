/**
 * One kind of mark: a pure function that says whether an event shows it. Asked about every event after the detectors, so
 * it answers in a microsecond for nearly all of them.
 */
import type { MarkDraft, MarkKind } from '../../schema/mark.ts'
import type { Telemetry } from '../../schema/telemetry.ts'

export interface Marker {
  readonly kind: MarkKind
  /** How long the same mark (kind, source, name) of one agent in one session need not be repeated. Event time. */
  readonly lastsMs: number
  /** What the event shows, or `undefined`. Never throws. */
  mark(event: Telemetry): Omit<MarkDraft, 'kind'> | undefined
}
