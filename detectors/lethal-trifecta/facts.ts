/** What `lethal-trifecta` remembers of a session: few facts of each kind, whichever order they came in. */
import { type Finding, severityRank } from '../../schema/finding.ts'
import { isMark, type Mark } from '../../schema/mark.ts'
import type { Seen } from '../session-detector.ts'

/** One event that matters, and how it shows. */
export interface Fact {
  readonly event_id: string
  readonly time_ms: number
  readonly agent: Mark['agent']
  readonly trace_id: string | null
  readonly source: string
  readonly name?: string
}

/** Ids of events about which others found something. */
export type Steering = readonly string[]

export interface TrifectaState {
  /** Content from outside, private data: the earliest of the session, first. */
  outside: readonly Fact[]
  secret: readonly Fact[]
  /** Outside content of which `injection` says that it gives orders: the earliest, first. */
  orders: readonly Fact[]
  /** The latest, first. */
  outward: readonly Fact[]
  /** Events in whose arguments a value from outside content went, and events that break a policy: the latest. */
  tainted: Steering
  forbidden: Steering
  /** Calls from one agent to another. */
  handovers: number
  /** The severity that was said last, as its place on the scale. */
  saidRank: number
}

const MOST_FACTS = 8
const MOST_EVENTS = 16

export function initialTrifecta(): TrifectaState {
  return { outside: [], secret: [], orders: [], outward: [], tainted: [], forbidden: [], handovers: 0, saidRank: -1 }
}

/** Takes in a mark or finding; false when it says nothing about the three. */
export function takeIn(seen: Seen, state: TrifectaState): boolean {
  return isMark(seen) ? takeMark(seen, state) : takeFinding(seen, state)
}

function takeMark(mark: Mark, state: TrifectaState): boolean {
  const { event_id, time_ms, agent, trace_id, source, untrusted_name } = mark
  const fact: Fact = {
    ...{ event_id, time_ms, agent, trace_id, source },
    ...(untrusted_name === undefined ? {} : { name: untrusted_name }),
  }
  switch (mark.kind) {
    case 'untrusted-content':
      state.outside = earliest(state.outside, fact)
      return true
    case 'private-data':
      state.secret = earliest(state.secret, fact)
      return true
    case 'outward':
      state.outward = [...without(state.outward, fact), fact]
        .sort((one, other) => other.time_ms - one.time_ms)
        .slice(0, MOST_FACTS)
      return true
    case 'handed-over':
      state.handovers += 1
      return true
    default:
      // A kind of a later version.
      return false
  }
}

function takeFinding(finding: Finding, state: TrifectaState): boolean {
  const { detector, kind, severity, event_id, time_ms, agent, trace_id } = finding
  const isSure = severityRank(severity) >= severityRank('medium')
  if (detector === 'injection' && isSure) {
    state.orders = earliest(state.orders, { event_id, time_ms, agent, trace_id, source: 'injection' })
    return true
  }
  if (detector === 'tainted-argument' && isSure) {
    state.tainted = latest(state.tainted, event_id)
    return true
  }
  if (kind === 'policy' && isSure) {
    state.forbidden = latest(state.forbidden, event_id)
    return true
  }
  return false
}

function without(facts: readonly Fact[], { event_id }: Fact): readonly Fact[] {
  return facts.filter((fact) => fact.event_id !== event_id)
}

/** One fact is enough for any event after it; more are kept because the first may be the outward event itself. */
function earliest(facts: readonly Fact[], fact: Fact): readonly Fact[] {
  return [...without(facts, fact), fact].sort((one, other) => one.time_ms - other.time_ms).slice(0, MOST_FACTS)
}

function latest(events: Steering, event: string): Steering {
  return [...events.filter((each) => each !== event), event].slice(-MOST_EVENTS)
}
