/**
 * The detect stage: events in, findings out. Each event is first judged against what was known before it, then
 * absorbed. It names no detector; the list is given.
 */
import type { AnyDetector, DetectionContext } from '../detectors/detector.ts'
import type { Marker } from '../detectors/marks/mark.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Finding } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { BusRecord, StoredRecord } from './bus/bus.ts'
import { failureOf, type OnFailure } from './detector-failed.ts'
import { findingOf } from './finding-of.ts'
import { newsOf } from './marks.ts'
import { decodeRecord, findingRecord, markRecord } from './records.ts'
import { type DetectorStates, detectorStates, type ScopeLimits } from './scopes.ts'
import { SEEN_PREFIX, type SeenEvents, seenEvents } from './seen.ts'
import type { Stage, StagePartition, StageResult } from './stage.ts'

export interface DetectOptions {
  readonly detectors: readonly AnyDetector[]
  /** Asked after the detectors for what judging whole sessions needs. */
  readonly markers?: readonly Marker[]
  readonly policies: PolicySet
  /** What is wrong with a value that claims to be an event, or `undefined`. */
  readonly validate: (value: unknown) => string | undefined
  /** Told when a detector or marker throws: a bug, which must neither stop the others nor go unnoticed. */
  readonly onDetectorFailure?: OnFailure
  readonly limits?: Partial<ScopeLimits & { readonly seenEvents: number }>
}

const DEFAULT_LIMITS = { maxAgents: 100_000, maxSessions: 50_000, seenEvents: 262_144 }
/** The same for one of many partitions, of which a process has several: a quarter, as of what `assemble` remembers. */
export const DETECT_PARTITIONED = {
  maxAgents: DEFAULT_LIMITS.maxAgents / 4,
  maxSessions: DEFAULT_LIMITS.maxSessions / 4,
  seenEvents: DEFAULT_LIMITS.seenEvents / 4,
}

export function detectStage(options: DetectOptions): Stage {
  const byOperation = new Map<string, AnyDetector[]>()
  for (const detector of options.detectors) {
    for (const operation of detector.on) {
      byOperation.set(operation, [...(byOperation.get(operation) ?? []), detector])
    }
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  return {
    id: 'detect',
    input: 'events',
    open: (_partition, state) => {
      const entries = [...state]
      const partition = {
        states: detectorStates(limits, entries),
        seen: seenEvents(
          limits.seenEvents,
          entries.filter(({ key }) => key.startsWith(SEEN_PREFIX)),
        ),
      }
      return detectPartition(options, byOperation, partition)
    },
  }
}

interface Memory {
  readonly states: DetectorStates
  readonly seen: SeenEvents
}

function detectPartition(
  options: DetectOptions,
  byOperation: ReadonlyMap<string, readonly AnyDetector[]>,
  memory: Memory,
): StagePartition {
  return {
    apply: (records) => {
      const findings: BusRecord[] = []
      const counts = { judged: 0, repeated: 0 }
      const poison: { record: StoredRecord; reason: string }[] = []
      for (const record of records) {
        const event = decodeRecord<Telemetry>(record, options.validate)
        if (event === undefined) {
          poison.push({ record, reason: 'invalid-event' })
          continue
        }
        const repeated = memory.seen.observe(event.event_id)
        const { policies } = options
        const context = { policy: policies.governing(event.agent, event.time_ms), policies, repeated }
        for (const detector of byOperation.get(event.operation) ?? NONE) {
          for (const finding of judge(detector, event, context, memory.states, options)) {
            findings.push(findingRecord(finding))
          }
        }
        for (const marker of options.markers ?? NONE) {
          const noted = note(marker, event, memory.states, options)
          if (noted !== undefined) {
            findings.push(noted)
          }
        }
        counts[repeated ? 'repeated' : 'judged'] += 1
      }
      return stageResult(findings, counts, poison)
    },
    changes: () => [...memory.states.changes(), ...memory.seen.changes()],
  }
}

const NONE: readonly never[] = []

function stageResult(
  findings: readonly BusRecord[],
  counts: Readonly<Record<string, number>>,
  poison: StageResult['poison'],
): StageResult {
  const outcomes = new Map(Object.entries(counts).filter(([, count]) => count > 0))
  return { outputs: findings.length === 0 ? [] : [{ topic: 'findings', records: findings }], outcomes, poison }
}

/**
 * Asks one detector, then lets it absorb. A repeated event is judged again, since an amendment may show more, but not
 * learned from twice; what was flagged is not learned from at all. What was found is told though absorbing fails.
 */
function judge(
  detector: AnyDetector,
  event: Telemetry,
  context: DetectionContext & { readonly repeated: boolean },
  states: DetectorStates,
  options: DetectOptions,
): readonly Finding[] {
  let found: readonly Finding[] = NONE
  try {
    const state = states.of(detector, event)
    const drafts = detector.check(event, state, context)
    found = drafts.length === 0 ? NONE : drafts.map((draft) => findingOf(draft, detector, event))
    if (!context.repeated && detector.scope !== 'none' && (found.length === 0 || detector.spoke !== undefined)) {
      const absorb = found.length === 0 ? detector.learn : detector.spoke
      if (absorb?.call(detector, event, state, context) !== false) {
        states.touched(detector, event)
      }
    }
    return found
  } catch (error) {
    // What it leaves of its state is what it goes on with, after a restart, too.
    states.touched(detector, event)
    return [...found, failureOf(detector.id, event, error, options.onDetectorFailure)]
  }
}

/** What a marker has to say of an event that is news. */
function note(
  marker: Marker,
  event: Telemetry,
  states: DetectorStates,
  { onDetectorFailure }: DetectOptions,
): BusRecord | undefined {
  try {
    const mark = newsOf(event, marker, states)
    return mark === undefined ? undefined : markRecord(mark)
  } catch (error) {
    return findingRecord(failureOf(`marks/${marker.kind}`, event, error, onDetectorFailure))
  }
}
