/** The detectors of whole sessions, asked about every mark and finding of a session, with what they know of it. */
import type { AnySessionDetector, Seen } from '../detectors/session-detector.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { isMark } from '../schema/mark.ts'
import type { StateEntry } from './bus/bus.ts'
import { DETECTOR_FAILED, failureOf, type OnFailure } from './detector-failed.ts'
import { findingOf } from './finding-of.ts'
import { RecentEntries, type RecentLimits } from './recent-entries.ts'

/** What the session detectors know of one session, by their ids. */
type Known = Readonly<Record<string, { readonly version: number; readonly state: object }>>

const PREFIX = 'session/'
/** Of `Known`; the states of detectors have versions of their own. */
const VERSION = 1
/** Marks of one agent come again after six hours, so a session that goes on is never forgotten. */
const DEFAULT_LIMITS: RecentLimits = { max: 50_000, keepMs: 24 * 3_600_000 }

export interface SessionJudge {
  /** What the session now shows, told as findings. */
  judge(seen: Seen): readonly Finding[]
  changes(): readonly StateEntry[]
}

/** @param onFailure told when a detector throws: a bug, which must neither stop the others nor go unnoticed. */
export function sessionJudge(
  detectors: readonly AnySessionDetector[],
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  limits: Partial<RecentLimits> = {},
  onFailure?: OnFailure,
): SessionJudge {
  const sessions = new RecentEntries<Known>(PREFIX, VERSION, { ...DEFAULT_LIMITS, ...limits }, state)
  // Their own findings come back on the same topic. That one failed is nothing to ask it about, for it might fail for ever.
  const said: ReadonlySet<string> = new Set([DETECTOR_FAILED, ...detectors.map(({ id }) => id)])
  return {
    judge: (seen) => {
      if (!isMark(seen) && said.has(seen.detector)) {
        return []
      }
      const id = idOf(seen.tenant_id, seen.session_id)
      const known = sessions.get(id)
      const found: Finding[] = []
      let next: Known | undefined
      for (const detector of detectors) {
        const kept = known?.[detector.id]
        const state: object = kept?.version === detector.stateVersion ? kept.state : detector.initial()
        const findings = observe(detector, seen, state, onFailure)
        if (findings !== undefined) {
          next = { ...(next ?? known), [detector.id]: { version: detector.stateVersion, state } }
          found.push(...findings)
        }
      }
      if (next !== undefined) {
        sessions.set(id, next, seen.time_ms)
      }
      return found
    },
    changes: () => sessions.changes(),
  }
}

/** What it leaves of its state when it throws is what it goes on with, so that is what is kept. */
function observe(
  detector: AnySessionDetector,
  seen: Seen,
  state: object,
  onFailure: OnFailure | undefined,
): readonly Finding[] | undefined {
  try {
    const said = detector.observe(seen, state)
    return said?.map(({ about, draft }) => findingOf(draft, detector, { ...seen, ...about }))
  } catch (error) {
    return [failureOf(detector.id, seen, error, onFailure)]
  }
}
