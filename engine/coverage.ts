/**
 * Coverage: which detectors, and so which ATLAS techniques, the telemetry of the last days could feed. Pure; fed from
 * the store by the API, from recordings by `telltale coverage FILE...`.
 */
import type { AnyDetector } from '../detectors/detector.ts'
import { technique } from '../schema/atlas.ts'
import type { PolicySection } from '../schema/field-path.ts'
import type { Agent, Operation } from '../schema/telemetry.ts'

/** What the events of one agent and operation say, taken together. */
export interface SeenFields {
  /** As it was seen last, whatever it did: the same with every operation. */
  readonly agent: Agent
  readonly operation: Operation
  /** Paths of `schema/field-path.ts` that at least one of them says something under. */
  readonly fields: readonly string[]
}

/**
 * `covered`: every agent that does what the detector judges gives it all that it needs. `data-missing`: some of them do
 * not. `blind`: none does, or no agent does such things at all. The best first.
 */
export const COVERAGE_STATUSES = ['covered', 'data-missing', 'blind'] as const
export type CoverageStatus = (typeof COVERAGE_STATUSES)[number]

/** A need that is not met, and by whom. */
export interface MissingNeed {
  /** Any one of these would do. */
  readonly needs: readonly string[]
  /** Ids of agents that lack it, sorted; at most `SHOWN_AGENTS`. */
  readonly agents: readonly string[]
  /** How many lack it. */
  readonly count: number
}

export interface DetectorCoverage {
  readonly id: string
  readonly title: string
  readonly status: CoverageStatus
  /** Operations that it judges. */
  readonly on: readonly Operation[]
  /** Agents that did such things, and how many of them give it all that it needs. */
  readonly agents: number
  readonly covered: number
  readonly missing: readonly MissingNeed[]
}

export interface TechniqueCoverage {
  readonly id: string
  readonly name: string
  /** The best of its detectors. */
  readonly status: CoverageStatus
  readonly detectors: readonly string[]
}

export interface Coverage {
  /** Agents seen. */
  readonly agents: number
  readonly detectors: readonly DetectorCoverage[]
  /** Every technique that some detector may report, by id. */
  readonly techniques: readonly TechniqueCoverage[]
}

/** The most agents named for one missing need. */
export const SHOWN_AGENTS = 20

/** What coverage needs to know of a detector. */
export type Described = Pick<AnyDetector, 'id' | 'title' | 'on' | 'needs' | 'techniques'>

/** @param sectionsOf the sections of the policy that governs an agent; none without a policy. */
export function coverageOf(
  seen: readonly SeenFields[],
  detectors: readonly Described[],
  sectionsOf: (agent: Agent) => readonly PolicySection[],
): Coverage {
  const covered = detectors.map((detector) => coverageOfDetector(detector, seen, sectionsOf))
  return {
    agents: new Set(seen.map(({ agent }) => agent.id)).size,
    detectors: covered,
    techniques: techniquesOf(detectors, covered),
  }
}

function coverageOfDetector(
  { id, title, on, needs }: Described,
  seen: readonly SeenFields[],
  sectionsOf: (agent: Agent) => readonly PolicySection[],
): DetectorCoverage {
  const told = new Map<string, Set<string>>()
  for (const { agent, operation, fields } of seen) {
    if (on.includes(operation)) {
      const known = told.get(agent.id) ?? new Set(sectionsOf(agent).map((section) => `policy.${section}`))
      told.set(agent.id, new Set([...known, ...fields]))
    }
  }
  const all = needs.map((need) => (typeof need === 'string' ? [need] : need))
  const lacking = (need: readonly string[]) =>
    [...told].flatMap(([agent, known]) => (need.some((name) => known.has(name)) ? [] : [agent])).sort()
  const missing = all.flatMap((need) => {
    const agents = lacking(need)
    return agents.length === 0 ? [] : [{ needs: need, agents: agents.slice(0, SHOWN_AGENTS), count: agents.length }]
  })
  const blind = new Set(all.flatMap(lacking))
  const count = told.size - blind.size
  const status = count === 0 ? 'blind' : blind.size === 0 ? 'covered' : 'data-missing'
  return { id, title, status, on, agents: told.size, covered: count, missing }
}

function techniquesOf(detectors: readonly Described[], covered: readonly DetectorCoverage[]): TechniqueCoverage[] {
  const ids = [...new Set(detectors.flatMap(({ techniques }) => techniques))].sort()
  return ids.map((id) => {
    const by = covered.filter((_, index) => detectors[index]?.techniques.includes(id) === true)
    const best = Math.min(...by.map(({ status }) => COVERAGE_STATUSES.indexOf(status)))
    return {
      id,
      name: technique(id)?.title ?? id,
      status: COVERAGE_STATUSES[best] ?? 'blind',
      detectors: by.map((detector) => detector.id),
    }
  })
}
