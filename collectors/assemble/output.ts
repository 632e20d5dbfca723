/**
 * What one call of the assembler gave: events, and the ends of fragments.
 *
 * Every absorbed fragment ends once, in one of `event` (it is, or leads, an event that went out), `event:early` (the
 * same, before its deadline, for want of room), `merged`, `context`, `model_transport`, `duplicate`, `tick` or `expired:no-call` (a
 * part whose call did not show in time; what it said is kept for when it does). Two more are not ends of
 * fragments but further events: `synthesized` (a call that only a model spoke of) and `amended` (an event that went
 * out again with more). So
 *
 *     absorbed = sum of the ends + held
 *     events   = event + event:early + synthesized + amended
 */
import type { Telemetry } from '../../schema/telemetry.ts'

export type Outcome =
  | 'event'
  | 'event:early'
  | 'merged'
  | 'context'
  | 'model_transport'
  | 'duplicate'
  | 'tick'
  | 'expired:no-call'
  | 'synthesized'
  | 'amended'

/** Outcomes that are not the end of an absorbed fragment; they add to what the next stage receives. */
export const FURTHER_EVENTS: ReadonlySet<string> = new Set<Outcome>(['synthesized', 'amended'])

export class Output {
  readonly #events: Telemetry[] = []
  readonly #outcomes = new Map<Outcome, number>()

  event(event: Telemetry): void {
    this.#events.push(event)
  }

  count(outcome: Outcome): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1)
  }

  absorbed(): { readonly events: readonly Telemetry[]; readonly outcomes: ReadonlyMap<string, number> } {
    return { events: this.#events, outcomes: this.#outcomes }
  }
}
