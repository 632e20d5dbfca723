/** The detectors of whole sessions, asked about every mark and finding of a session, with what they know of it. */
import type { AnySessionDetector, Seen, SessionFinding } from '../detectors/session-detector.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { isMark } from '../schema/mark.ts'
import type { StateEntry } from './bus/bus.ts'
import { RecentEntries, type RecentLimits } from './recent-entries.ts'

/** What the session detectors know of one session, by their ids. */
type Known = Readonly<Record<string, { readonly version: number; readonly state: object }>>

const PREFIX = 'session/'
/** Marks of one agent come again after six hours, so a session that goes on is never forgotten. */
const DEFAULT_LIMITS: RecentLimits = { max: 50_000, keepMs: 24 * 3_600_000 }

export interface SessionJudge {
  /** What the session now shows, told as findings. */
  judge(seen: Seen): readonly Finding[]
  changes(): readonly StateEntry[]
}

/**
 * @param onFailure told when a detector throws: a bug, which must neither stop the others nor go unnoticed. What it threw
 *   on is not judged by it.
 */
export function sessionJudge(
  detectors: readonly AnySessionDetector[],
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  limits: Partial<RecentLimits> = {},
  onFailure?: (detector: string, error: unknown) => void,
): SessionJudge {
  const sessions = new RecentEntries<Known>(PREFIX, { ...DEFAULT_LIMITS, ...limits }, state)
  const own = new Set(detectors.map(({ id }) => id))
  return {
    judge: (seen) => {
      // Their own findings come back on the same topic.
      if (!isMark(seen) && own.has(seen.detector)) {
        return []
      }
      const id = idOf(seen.tenant_id, seen.session_id)
      const known = sessions.get(id)
      const found: Finding[] = []
      let next: Known | undefined
      for (const detector of detectors) {
        const kept = known?.[detector.id]
        const before: object = kept?.version === detector.stateVersion ? kept.state : detector.initial()
        const said = observe(detector, seen, before, onFailure)
        if (said !== undefined) {
          next = { ...(next ?? known), [detector.id]: { version: detector.stateVersion, state: before } }
          found.push(...said.map((each) => findingOf(each, detector, seen)))
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

function observe(
  detector: AnySessionDetector,
  seen: Seen,
  state: object,
  onFailure: ((detector: string, error: unknown) => void) | undefined,
): readonly SessionFinding[] | undefined {
  try {
    return detector.observe(seen, state)
  } catch (error) {
    onFailure?.(detector.id, error)
    return undefined
  }
}

function findingOf({ about, draft }: SessionFinding, detector: AnySessionDetector, seen: Seen): Finding {
  return {
    schema_version: '1',
    finding_id: idOf(seen.tenant_id, detector.id, detector.version, about.event_id, draft.cause),
    tenant_id: seen.tenant_id,
    detector: detector.id,
    detector_version: detector.version,
    kind: detector.kind,
    event_id: about.event_id,
    time_ms: about.time_ms,
    agent: about.agent,
    session_id: seen.session_id,
    trace_id: about.trace_id,
    owasp: [...detector.owasp],
    ...draft,
  }
}
