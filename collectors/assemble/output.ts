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

interface Counted {
  readonly events: readonly Telemetry[]
  readonly outcomes: ReadonlyMap<string, number>
}

const NO_EVENTS: readonly Telemetry[] = []
const NO_OUTCOMES: ReadonlyMap<string, number> = new Map()
/** Most fragments have one outcome, so most results share one of these. */
const ONE_OUTCOME = new Map<Outcome, ReadonlyMap<string, number>>()

export class Output {
  #events: Telemetry[] | undefined
  #first: Outcome | undefined
  /** Filled with the second count. */
  #outcomes: Map<Outcome, number> | undefined

  event(event: Telemetry): void {
    if (this.#events === undefined) {
      this.#events = [event]
    } else {
      this.#events.push(event)
    }
  }

  count(outcome: Outcome): void {
    if (this.#first === undefined) {
      this.#first = outcome
      return
    }
    this.#outcomes ??= new Map([[this.#first, 1]])
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1)
  }

  absorbed(): Counted {
    return { events: this.#events ?? NO_EVENTS, outcomes: this.#outcomes ?? onlyOne(this.#first) }
  }
}

function onlyOne(outcome: Outcome | undefined): ReadonlyMap<string, number> {
  if (outcome === undefined) {
    return NO_OUTCOMES
  }
  let outcomes = ONE_OUTCOME.get(outcome)
  if (outcomes === undefined) {
    outcomes = new Map([[outcome, 1]])
    ONE_OUTCOME.set(outcome, outcomes)
  }
  return outcomes
}
