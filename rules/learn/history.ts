/**
 * What agents were seen to use, from their events and from what was found wrong with these. Bounded: of one agent so many
 * different things are kept for each list, and so many agents.
 */
import type { Finding } from '../../schema/finding.ts'
import type { Agent, Telemetry } from '../../schema/telemetry.ts'
import { learnedSections } from './index.ts'
import { type AnyLearnedSection, entryText, type Used } from './use.ts'

/** Different things kept of one agent for one list; an agent that invents names fills no memory. */
export const ENTRIES_LIMIT = 2000
const AGENTS_LIMIT = 10_000

/** One thing that an agent used, and how often. */
export interface SeenUse {
  readonly section: AnyLearnedSection['section']
  readonly used: Used
  /** Events that used it and that nothing was found wrong with. */
  readonly clean: number
  /** Events that something was found wrong with, by detector. */
  readonly flagged: ReadonlyMap<string, number>
  readonly firstMs: number
  readonly lastMs: number
}

/** One agent's past. */
export interface AgentHistory {
  /** As it was seen last. */
  readonly agent: Agent
  readonly events: number
  readonly sessions: number
  readonly firstMs: number
  readonly lastMs: number
  readonly uses: readonly SeenUse[]
  /** Lists of which not everything is kept. */
  readonly overfull: readonly string[]
}

export interface History {
  /** Takes an event; a later version of it counts once, with what it adds. */
  observe(event: Telemetry): void
  /** Takes what was found; its event may come before or after. What is informational flags nothing. */
  flag(finding: Pick<Finding, 'event_id' | 'detector' | 'severity'>): void
  /** The agents by id. */
  agents(): readonly AgentHistory[]
}

interface Kept {
  readonly section: AnyLearnedSection['section']
  readonly used: Used
  readonly events: Set<string>
  firstMs: number
  lastMs: number
}

interface KeptAgent {
  agent: Agent
  readonly events: Set<string>
  readonly sessions: Set<string>
  firstMs: number
  lastMs: number
  readonly uses: Map<string, Kept>
  readonly sizes: Map<string, number>
}

export function openHistory(): History {
  const agents = new Map<string, KeptAgent>()
  const flags = new Map<string, Set<string>>()

  const keep = (kept: KeptAgent, section: AnyLearnedSection['section'], used: Used, event: Telemetry): void => {
    const list = `${section}.${used.list}`
    const key = JSON.stringify([list, used.entry])
    const known = kept.uses.get(key)
    if (known !== undefined) {
      known.events.add(event.event_id)
      known.firstMs = Math.min(known.firstMs, event.time_ms)
      known.lastMs = Math.max(known.lastMs, event.time_ms)
      return
    }
    const size = (kept.sizes.get(list) ?? 0) + 1
    kept.sizes.set(list, size)
    if (size <= ENTRIES_LIMIT) {
      const times = { firstMs: event.time_ms, lastMs: event.time_ms }
      kept.uses.set(key, { section, used, events: new Set([event.event_id]), ...times })
    }
  }

  return {
    observe: (event) => {
      const { agent, time_ms: timeMs } = event
      const fresh = { agent, firstMs: timeMs, lastMs: timeMs, events: new Set<string>(), sessions: new Set<string>() }
      const kept = agents.get(agent.id) ?? { ...fresh, uses: new Map(), sizes: new Map() }
      if (!agents.has(agent.id)) {
        if (agents.size >= AGENTS_LIMIT) {
          return
        }
        agents.set(agent.id, kept)
      }
      kept.agent = timeMs >= kept.lastMs ? agent : kept.agent
      kept.firstMs = Math.min(kept.firstMs, timeMs)
      kept.lastMs = Math.max(kept.lastMs, timeMs)
      kept.events.add(event.event_id)
      kept.sessions.add(event.session_id)
      for (const { section, usesOf } of learnedSections) {
        for (const used of usesOf(event)) {
          keep(kept, section, used, event)
        }
      }
    },
    flag: ({ event_id: event, detector, severity }) => {
      if (severity !== 'informational') {
        flags.set(event, (flags.get(event) ?? new Set()).add(detector))
      }
    },
    agents: () =>
      [...agents.values()]
        .map((kept) => ({
          agent: kept.agent,
          events: kept.events.size,
          sessions: kept.sessions.size,
          firstMs: kept.firstMs,
          lastMs: kept.lastMs,
          uses: [...kept.uses.values()].map((use) => seenUse(use, flags)).sort(byText),
          overfull: [...kept.sizes].filter(([, size]) => size > ENTRIES_LIMIT).map(([list]) => list),
        }))
        .sort((one, other) => compare(one.agent.id, other.agent.id)),
  }
}

function seenUse({ section, used, events, firstMs, lastMs }: Kept, flags: ReadonlyMap<string, Set<string>>): SeenUse {
  const flagged = new Map<string, number>()
  let clean = 0
  for (const event of events) {
    const detectors = flags.get(event)
    clean += detectors === undefined ? 1 : 0
    for (const detector of detectors ?? []) {
      flagged.set(detector, (flagged.get(detector) ?? 0) + 1)
    }
  }
  return { section, used, clean, flagged, firstMs, lastMs }
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
const byText = (one: SeenUse, other: SeenUse) => compare(entryText(one.used.entry), entryText(other.used.entry))
