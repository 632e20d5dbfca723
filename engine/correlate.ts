/**
 * The correlate stage: findings and marks in, alerts out. The findings of one session, whatever agents and detectors they
 * are of, are one alert; what repeats is absorbed, and only what makes it worse or is new is told again. What detectors of
 * whole sessions find goes onto `[findings]`, from where it comes back as a finding like any other.
 */
import type { AnySessionDetector, Seen } from '../detectors/session-detector.ts'
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { isMark } from '../schema/mark.ts'
import type { BusRecord, StoredRecord } from './bus/bus.ts'
import type { OnFailure } from './detector-failed.ts'
import { RecentEntries } from './recent-entries.ts'
import { decodeRecord, findingRecord, noticeRecord } from './records.ts'
import { sessionJudge } from './session-judge.ts'
import type { Stage, StagePartition } from './stage.ts'
import type { Runbooks } from './story/alert-of.ts'
import {
  beginStory,
  goOn,
  isOver,
  STORY_LIMITS,
  STORY_VERSION,
  type Story,
  type StoryLimits,
  tellOf,
} from './story/story.ts'

export interface CorrelateOptions {
  readonly sessionDetectors?: readonly AnySessionDetector[]
  /** Given by the list of detectors. */
  readonly runbooks: Runbooks
  /** What is wrong with a value that claims to be a finding or a mark, or `undefined`. */
  readonly validate: (value: unknown) => string | undefined
  /** Told when a session detector throws. */
  readonly onDetectorFailure?: OnFailure
  readonly limits?: Partial<StoryLimits & { readonly maxStories: number; readonly maxSessions: number }>
}

/** A story with its findings takes up to some 20 KiB, what detectors know of a session some hundreds of bytes. */
const DEFAULT_LIMITS = { ...STORY_LIMITS, maxStories: 20_000, maxSessions: 50_000 }
/** The same for one of many partitions, of which a process has several: a quarter, as of what `assemble` remembers. */
export const CORRELATE_PARTITIONED = {
  maxStories: DEFAULT_LIMITS.maxStories / 4,
  maxSessions: DEFAULT_LIMITS.maxSessions / 4,
}

export function correlateStage(options: CorrelateOptions): Stage {
  return {
    id: 'correlate',
    input: 'findings',
    open: (_partition, state) => correlatePartition(options, [...state]),
  }
}

const STORY = 'story/'
/** Event times are at most so long behind others of the partition: collectors clamp what is older. */
const LATEST_MS = 24 * 3_600_000

function correlatePartition(
  options: CorrelateOptions,
  state: readonly { readonly key: string; readonly value: Uint8Array }[],
): StagePartition {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const kept = { max: limits.maxStories, keepMs: LATEST_MS + limits.quietMs }
  const stories = new RecentEntries<Story>(STORY, STORY_VERSION, kept, state)
  const sessions = sessionJudge(
    options.sessionDetectors ?? [],
    state,
    { max: limits.maxSessions },
    options.onDetectorFailure,
  )

  const absorb = (finding: Finding): Notice | undefined => {
    const id = idOf(finding.tenant_id, finding.session_id)
    const known = stories.get(id)
    const before = known === undefined || isOver(known, finding, limits) ? undefined : known
    const joined = before === undefined ? beginStory(finding, limits) : goOn(before, finding)
    if (joined === before) {
      return undefined
    }
    const { story, notice } = tellOf(joined, finding, options.runbooks)
    stories.set(id, story, finding.time_ms)
    return notice
  }

  return {
    apply: (records) => {
      const notices: BusRecord[] = []
      const findings: BusRecord[] = []
      const outcomes = { alerted: 0, absorbed: 0, noted: 0 }
      const poison: { record: StoredRecord; reason: string }[] = []
      for (const record of records) {
        const seen = decodeRecord<Seen>(record, options.validate)
        if (seen === undefined) {
          poison.push({ record, reason: 'invalid-finding' })
          continue
        }
        findings.push(...sessions.judge(seen).map(findingRecord))
        if (isMark(seen)) {
          outcomes.noted += 1
          continue
        }
        const notice = absorb(seen)
        outcomes[notice === undefined ? 'absorbed' : 'alerted'] += 1
        if (notice !== undefined) {
          notices.push(noticeRecord(notice))
        }
      }
      return {
        outputs: [
          ...(notices.length === 0 ? [] : [{ topic: 'alerts', records: notices } as const]),
          ...(findings.length === 0 ? [] : [{ topic: 'findings', records: findings } as const]),
        ],
        outcomes: new Map(Object.entries(outcomes).filter(([, count]) => count > 0)),
        poison,
      }
    },
    changes: () => [...stories.changes(), ...sessions.changes()],
  }
}
