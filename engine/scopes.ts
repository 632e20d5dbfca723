/**
 * The states of detectors, one record per agent and one per agent and session, in memory for the partition's owner and
 * persisted as JSON. Least recently used scopes leave when the bound is reached.
 */
import type { AnyDetector } from '../detectors/detector.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { StateEntry } from './bus/bus.ts'
import { decode, encode } from './records.ts'

/** What of a detector says where its state lies. */
export type StateOwner = Pick<AnyDetector, 'id' | 'scope' | 'stateVersion' | 'initial'>

interface DetectorState {
  readonly version: number
  state: object
}

type ScopeKind = 'agent' | 'session'

/** What the detectors know of one agent, or of its part in one session. */
interface Scope {
  readonly key: string
  readonly states: Map<string, DetectorState>
}

export interface ScopeLimits {
  readonly maxAgents: number
  readonly maxSessions: number
}

export interface DetectorStates {
  /** The detector's state for the event's agent, or for its part in the session; made on first use. */
  of(detector: StateOwner, event: Telemetry): object
  /** Says that the state given by `of` has changed and must be persisted. */
  touched(detector: StateOwner, event: Telemetry): void
  changes(): readonly StateEntry[]
  readonly agents: number
  readonly sessions: number
}

const AGENT = 'agent/'
const SESSION = 'session/'
const NO_STATE = Object.freeze({})
const NO_EVENT: { readonly event: Telemetry | undefined; readonly scope: Scope } = {
  event: undefined,
  scope: { key: '', states: new Map() },
}

export function isScopeKey(key: string): boolean {
  return key.startsWith(AGENT) || key.startsWith(SESSION)
}

/** @param state the persisted entries for which `isScopeKey` holds. */
export function detectorStates(
  limits: ScopeLimits,
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
): DetectorStates {
  const agents = new Map<string, Scope>()
  const sessions = new Map<string, Scope>()
  const dirty = new Set<string>()
  const dropped: string[] = []
  for (const { key, value } of state) {
    const states = new Map(Object.entries(decode<Record<string, DetectorState>>(value)))
    const scopes = key.startsWith(AGENT) ? agents : sessions
    scopes.set(key, { key, states })
  }

  const scopeOf = (kind: ScopeKind, key: string): Scope => {
    const scopes = kind === 'agent' ? agents : sessions
    const known = scopes.get(key)
    if (known !== undefined) {
      // Re-inserted, so that the first key of the map is always the least recently used.
      scopes.delete(key)
      scopes.set(key, known)
      return known
    }
    const scope: Scope = { key, states: new Map() }
    scopes.set(key, scope)
    if (scopes.size > (kind === 'agent' ? limits.maxAgents : limits.maxSessions)) {
      const oldest = scopes.keys().next().value as string
      scopes.delete(oldest)
      dirty.delete(oldest)
      dropped.push(oldest)
    }
    return scope
  }

  /** The scopes of the event asked for last: its detectors ask one after the other. */
  const latest = { agent: NO_EVENT, session: NO_EVENT }
  const find = (kind: ScopeKind, event: Telemetry): Scope => {
    if (latest[kind].event === event) {
      return latest[kind].scope
    }
    const scope = scopeOf(kind, keyOf(kind, event))
    latest[kind] = { event, scope }
    return scope
  }

  return {
    of(detector, event) {
      if (detector.scope === 'none') {
        return NO_STATE
      }
      const { states } = find(detector.scope, event)
      const known = states.get(detector.id)
      // State of another shape is dropped and relearned.
      if (known !== undefined && known.version === detector.stateVersion) {
        return known.state
      }
      const fresh: object = detector.initial()
      states.set(detector.id, { version: detector.stateVersion, state: fresh })
      return fresh
    },
    touched(detector, event) {
      if (detector.scope !== 'none') {
        dirty.add(find(detector.scope, event).key)
      }
    },
    changes() {
      const entries: StateEntry[] = dropped.map((key) => ({ key, value: undefined }))
      for (const key of dirty) {
        const scope = (key.startsWith(AGENT) ? agents : sessions).get(key)
        entries.push({ key, value: scope === undefined ? undefined : encode(Object.fromEntries(scope.states)) })
      }
      dirty.clear()
      dropped.length = 0
      return entries
    },
    get agents() {
      return agents.size
    },
    get sessions() {
      return sessions.size
    },
  }
}

function keyOf(kind: ScopeKind, event: Telemetry): string {
  return kind === 'agent'
    ? `${AGENT}${event.tenant_id}\u001f${event.agent.id}`
    : // What other agents do in the session may be in another partition: their part of it is a scope of its own.
      `${SESSION}${event.tenant_id}\u001f${event.agent.id}\u001f${event.session_id}`
}
