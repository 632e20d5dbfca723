/**
 * What agents were seen to use, from their events and from what was found wrong with these.
 *
 * Bounded however much was done: uses are counted, not kept, so ids are remembered of the last events alone, for a later
 * version or a finding to be told of one that is counted. A recording that is replayed gives both soon after the event;
 * of a running Telltale findings are read first, and each event comes once.
 */
import { wasStopped } from '../../schema/stopped.ts'
import type { Agent, Telemetry } from '../../schema/telemetry.ts'
import { type Flag, Flags } from './flags.ts'
import { learnedSections } from './index.ts'
import { type AnyLearnedSection, entryText, type Used } from './use.ts'

/** Different things kept of one agent for one list; an agent that invents names fills no memory. */
const ENTRIES_LIMIT = 2000

/** How much is remembered. */
export interface HistoryLimits {
  /** The last events, whose later versions and findings are waited for. */
  readonly recent: number
  readonly agents: number
  /** Events that something was found wrong with and that are still to come, and sessions with something grave. */
  readonly findings: number
  /** Sessions of one agent; more are not counted. */
  readonly sessions: number
}

const LIMITS: HistoryLimits = { recent: 50_000, agents: 10_000, findings: 500_000, sessions: 10_000 }

/** One thing that an agent used or tried to use, and in how many events. */
export interface SeenUse {
  readonly section: AnyLearnedSection['section']
  readonly used: Used
  readonly events: number
  /** It succeeded, or failed without being denied, and nothing was found wrong with it. */
  readonly clean: number
  /** It was denied or refused, or asked for and not granted. */
  readonly denied: number
  /** In sessions in which something grave had been found before. */
  readonly tainted: number
  /** Something was found wrong with it, by detector. */
  readonly flagged: ReadonlyMap<string, number>
  readonly firstMs: number
  readonly lastMs: number
}

/** One agent's past. */
export interface AgentHistory {
  /** As it was seen last. */
  readonly agent: Agent
  readonly events: number
  /** Those of its events that were denied or refused. */
  readonly denied: number
  /** As many as are counted: at least these when `hasMoreSessions`. */
  readonly sessions: number
  readonly hasMoreSessions: boolean
  readonly firstMs: number
  readonly lastMs: number
  readonly uses: readonly SeenUse[]
  /** Lists of which not everything is kept. */
  readonly overfull: readonly string[]
}

export interface LeftOut {
  /** Events of more agents than are kept. */
  readonly events: number
  /** Findings of events that were not seen, or no longer kept, or of more events than are. */
  readonly findings: number
  /** Grave findings of more sessions than are kept. */
  readonly grave: number
}

export interface History {
  /** Takes an event; a later version of one of the last counts once, with what it adds. */
  observe(event: Telemetry): void
  /** Takes what was found of an event: one of the last, or one still to come. What is informational flags nothing. */
  flag(finding: Flag): void
  /** Takes what was found in a session, about whatever agent. What the session did from then on counts for nothing if it is grave. */
  suspect(finding: Flag): void
  /** The agents by id. Ends the history: later versions are events of their own from here on. */
  agents(): readonly AgentHistory[]
  /** What could not be taken in, for saying so. */
  leftOut(): LeftOut
}

interface Kept {
  readonly section: AnyLearnedSection['section']
  readonly used: Used
  events: number
  clean: number
  denied: number
  tainted: number
  readonly flagged: Map<string, number>
  firstMs: number
  lastMs: number
}

interface KeptAgent {
  agent: Agent
  events: number
  denied: number
  readonly sessions: Set<string>
  hasMoreSessions: boolean
  firstMs: number
  lastMs: number
  readonly uses: Map<string, Kept>
  readonly sizes: Map<string, number>
}

/** An event that is not counted yet. */
interface Recent {
  readonly of: KeptAgent
  event: Pick<Telemetry, 'event_id' | 'session_id' | 'time_ms'>
  isDenied: boolean
  /** What it used, and whether that was denied. */
  readonly uses: Map<Kept, boolean>
}

export function openHistory(limits: HistoryLimits = LIMITS): History {
  const agents = new Map<string, KeptAgent>()
  const recent = new Map<string, Recent>()
  // Kept over calls: one that is new steps over the whole deleted front of the map each time.
  const oldest = recent.values()
  const flags = new Flags(limits.findings)
  let eventsLeftOut = 0

  const agentOf = (event: Telemetry): KeptAgent | undefined => {
    const known = agents.get(event.agent.id)
    if (known !== undefined || agents.size >= limits.agents) {
      return known
    }
    const fresh = newAgent(event)
    agents.set(event.agent.id, fresh)
    return fresh
  }

  const settle = (settled: Recent): void => {
    recent.delete(settled.event.event_id)
    settled.of.denied += settled.isDenied ? 1 : 0
    const detectors = flags.take(settled.event.event_id)
    const isTainted = flags.isAfterGrave(settled.event)
    for (const [use, isDenied] of settled.uses) {
      count(use, isDenied, detectors, isTainted)
    }
  }

  return {
    observe: (event) => {
      const known = recent.get(event.event_id)
      const of = known?.of ?? agentOf(event)
      if (of === undefined) {
        eventsLeftOut += 1
        return
      }
      const isDenied = wasStopped(event)
      const seen = known ?? { of, event, isDenied, uses: new Map<Kept, boolean>() }
      takeIn(event, of, limits, known === undefined)
      const { event_id, session_id, time_ms } = event
      seen.event = { event_id, session_id, time_ms }
      seen.isDenied = isDenied
      for (const use of seen.uses.keys()) {
        seen.uses.set(use, isDenied)
      }
      for (const { section, usesOf } of learnedSections) {
        for (const used of usesOf(event)) {
          const kept = keptUse(of, section, used, event)
          if (kept !== undefined) {
            seen.uses.set(kept, isDenied || used.isDenied === true)
          }
        }
      }
      recent.set(event.event_id, seen)
      if (recent.size > limits.recent) {
        settle(oldest.next().value as Recent)
      }
    },
    flag: (finding) => flags.flag(finding),
    suspect: (finding) => flags.suspect(finding),
    agents: () => {
      for (const each of [...recent.values()]) {
        settle(each)
      }
      return [...agents.values()].map(historyOf).sort((one, other) => compare(one.agent.id, other.agent.id))
    },
    leftOut: () => ({ events: eventsLeftOut, findings: flags.unmatched, grave: flags.graveLeftOut }),
  }
}

function newAgent({ agent, time_ms: timeMs }: Telemetry): KeptAgent {
  const times = { firstMs: timeMs, lastMs: timeMs }
  return {
    agent,
    events: 0,
    denied: 0,
    sessions: new Set(),
    hasMoreSessions: false,
    ...times,
    uses: new Map(),
    sizes: new Map(),
  }
}

function takeIn(event: Telemetry, of: KeptAgent, { sessions }: HistoryLimits, isNew: boolean): void {
  const { agent, session_id: session, time_ms: timeMs } = event
  of.agent = timeMs >= of.lastMs ? agent : of.agent
  of.firstMs = Math.min(of.firstMs, timeMs)
  of.lastMs = Math.max(of.lastMs, timeMs)
  of.events += isNew ? 1 : 0
  if (of.sessions.size < sessions) {
    of.sessions.add(session)
  } else {
    of.hasMoreSessions ||= !of.sessions.has(session)
  }
}

/** The use of an agent that is counted, or `undefined` when it has too many different ones. */
function keptUse(
  { uses, sizes }: KeptAgent,
  section: AnyLearnedSection['section'],
  used: Used,
  { time_ms: timeMs }: Telemetry,
): Kept | undefined {
  const list = `${section}.${used.list}`
  const key = JSON.stringify([list, used.entry])
  const known = uses.get(key)
  if (known !== undefined) {
    known.firstMs = Math.min(known.firstMs, timeMs)
    known.lastMs = Math.max(known.lastMs, timeMs)
    return known
  }
  const size = (sizes.get(list) ?? 0) + 1
  sizes.set(list, size)
  if (size > ENTRIES_LIMIT) {
    return undefined
  }
  const counts = { events: 0, clean: 0, denied: 0, tainted: 0, flagged: new Map<string, number>() }
  const fresh: Kept = { section, used, ...counts, firstMs: timeMs, lastMs: timeMs }
  uses.set(key, fresh)
  return fresh
}

function count(use: Kept, isDenied: boolean, detectors: readonly string[], isTainted: boolean): void {
  use.events += 1
  use.denied += isDenied ? 1 : 0
  for (const detector of detectors) {
    use.flagged.set(detector, (use.flagged.get(detector) ?? 0) + 1)
  }
  if (!isDenied && detectors.length === 0) {
    use.tainted += isTainted ? 1 : 0
    use.clean += isTainted ? 0 : 1
  }
}

function historyOf({ sessions, uses, sizes, ...agent }: KeptAgent): AgentHistory {
  return {
    ...agent,
    sessions: sessions.size,
    uses: [...uses.values()].sort(byText),
    overfull: [...sizes].filter(([, size]) => size > ENTRIES_LIMIT).map(([list]) => list),
  }
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
const byText = (one: SeenUse, other: SeenUse) => compare(entryText(one.used.entry), entryText(other.used.entry))
