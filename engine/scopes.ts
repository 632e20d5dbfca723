/**
 * The states of detectors, one record per agent and one per agent and session, in memory for the partition's owner and
 * persisted as JSON with their order: the least recently used, to the hour, leave when the bound is reached, the same after a
 * restart.
 */
import type { AnyDetector } from '../detectors/detector.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { StateEntry } from './bus/bus.ts'
import { RecentEntries } from './recent-entries.ts'

/** What of a detector says where its state lies. */
export type StateOwner = Pick<AnyDetector, 'id' | 'scope' | 'stateVersion' | 'initial'>

export interface ScopeLimits {
  readonly maxAgents: number
  readonly maxSessions: number
}

export interface DetectorStates {
  /** The detector's state for the event's agent, or for its part in the session; a new one when none is kept. */
  of(detector: StateOwner, event: Telemetry): object
  /** Says that the state given by `of` for the event has changed: it is kept from now on, and must be persisted. */
  touched(detector: StateOwner, event: Telemetry): void
  changes(): readonly StateEntry[]
}

const NO_STATE = Object.freeze({})

/** @param state the persisted entries; those of others are not looked at. */
export function detectorStates(
  { maxAgents, maxSessions }: ScopeLimits,
  state: readonly { readonly key: string; readonly value: Uint8Array }[],
): DetectorStates {
  const scopes = {
    agent: new Scopes('agent/', maxAgents, ({ tenant_id, agent }) => `${tenant_id}\u001f${agent.id}`, state),
    session: new Scopes(
      'session/',
      maxSessions,
      // What other agents do in the session may be in another partition: their part of it is a scope of its own.
      ({ tenant_id, agent, session_id }) => `${tenant_id}\u001f${agent.id}\u001f${session_id}`,
      state,
    ),
  }
  return {
    of: (detector, event) => (detector.scope === 'none' ? NO_STATE : scopes[detector.scope].of(detector, event)),
    touched(detector, event) {
      if (detector.scope !== 'none') {
        scopes[detector.scope].touched(detector, event)
      }
    },
    changes: () => [...scopes.agent.changes(), ...scopes.session.changes()],
  }
}

interface DetectorState {
  readonly version: number
  readonly state: object
}

/** What the detectors know of one agent, or of its part in one session, by their ids. */
type Scope = Record<string, DetectorState>

/** Of `Scope`; the states in it have versions of their own. */
const VERSION = 1

/** The scopes of one kind. */
class Scopes {
  readonly #kept: RecentEntries<Scope>
  readonly #idOf: (event: Telemetry) => string
  /** The event asked for last, for its detectors ask one after the other; its scope, and whether that is touched. */
  #event: Telemetry | undefined
  #id = ''
  #scope: Scope = {}
  #isTouched = false
  /** By detector, the state that nothing is known in: given wherever none is kept, until it changes and is kept itself. */
  readonly #blank = new Map<string, DetectorState>()

  constructor(
    prefix: string,
    max: number,
    idOf: (event: Telemetry) => string,
    state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  ) {
    this.#kept = new RecentEntries(prefix, VERSION, { max, keepMs: Number.POSITIVE_INFINITY }, state)
    this.#idOf = idOf
  }

  of({ id, stateVersion, initial }: StateOwner, event: Telemetry): object {
    this.#goTo(event)
    const known = this.#scope[id]
    // State of another shape is dropped and relearned.
    if (known?.version === stateVersion) {
      return known.state
    }
    let blank = this.#blank.get(id)
    if (blank === undefined) {
      blank = { version: stateVersion, state: initial() }
      this.#blank.set(id, blank)
    }
    return blank.state
  }

  touched({ id, stateVersion }: StateOwner, event: Telemetry): void {
    this.#goTo(event)
    const blank = this.#blank.get(id)
    if (blank !== undefined && this.#scope[id]?.version !== stateVersion) {
      this.#scope[id] = blank
      this.#blank.delete(id)
    }
    if (!this.#isTouched) {
      this.#kept.set(this.#id, this.#scope, event.time_ms)
      this.#isTouched = true
    }
  }

  changes(): readonly StateEntry[] {
    // What the event still changes is another change.
    this.#event = undefined
    return this.#kept.changes()
  }

  #goTo(event: Telemetry): void {
    if (this.#event !== event) {
      this.#event = event
      this.#id = this.#idOf(event)
      this.#scope = this.#kept.use(this.#id, event.time_ms) ?? {}
      this.#isTouched = false
    }
  }
}
