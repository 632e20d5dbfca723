/**
 * The correlate stage: findings in, alerts out. The findings of one session, whatever agents and detectors they are of,
 * are one alert; what repeats is absorbed, and only what makes it worse or is new is told again.
 */
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { BusRecord, StateEntry, StoredRecord } from './bus/bus.ts'
import { decode, decodeRecord, encode, noticeRecord } from './records.ts'
import type { Stage, StagePartition } from './stage.ts'
import type { Runbooks } from './story/alert-of.ts'
import { beginStory, goOn, isOver, STORY_LIMITS, type Story, type StoryLimits, tellOf } from './story/story.ts'

export interface CorrelateOptions {
  /** Given by the list of detectors. */
  readonly runbooks: Runbooks
  /** What is wrong with a value that claims to be a finding, or `undefined`. */
  readonly validate: (value: unknown) => string | undefined
  readonly limits?: Partial<StoryLimits & { readonly maxStories: number }>
}

/** A story with its findings takes up to some 20 KiB. */
const DEFAULT_MAX_STORIES = 20_000

export function correlateStage(options: CorrelateOptions): Stage {
  return {
    id: 'correlate',
    input: 'findings',
    open: (_partition, state) => correlatePartition(options, state),
  }
}

/** A story with its place among the others: the lowest is the one to forget, before and after a restart. */
interface Entry {
  readonly story: Story
  readonly order: number
}

const PREFIX = 'story/'

function correlatePartition(
  options: CorrelateOptions,
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
): StagePartition {
  const limits = { ...STORY_LIMITS, maxStories: DEFAULT_MAX_STORIES, ...options.limits }
  const entries = [...state]
  const restored = entries
    .filter(({ key }) => key.startsWith(PREFIX))
    .map(({ key, value }) => [key, decode<Entry>(value)] as const)
  const open = new Map(restored.sort(([, a], [, b]) => a.order - b.order))
  let order = restored.at(-1)?.[1].order ?? 0
  let newestMs = Math.max(...restored.map(([, { story }]) => story.lastMs), 0)
  // State of another form is dropped.
  const dirty = new Set(entries.map(({ key }) => key).filter((key) => !open.has(key)))

  const absorb = (finding: Finding): Notice | undefined => {
    const key = PREFIX + idOf(finding.tenant_id, finding.session_id)
    const known = open.get(key)?.story
    const before = known === undefined || isOver(known, finding, limits) ? undefined : known
    const joined = before === undefined ? beginStory(finding, limits) : goOn(before, finding)
    if (joined === before) {
      return undefined
    }
    const { story, notice } = tellOf(joined, finding, options.runbooks)
    remember(key, story)
    return notice
  }

  const remember = (key: string, story: Story): void => {
    order += 1
    open.delete(key)
    open.set(key, { story, order })
    dirty.add(key)
    newestMs = Math.max(newestMs, story.lastMs)
    // Records come late by hours at most; what has been quiet for twice as long as it must be absorbs nothing more.
    for (const [oldest, { story: old }] of open) {
      if (open.size <= limits.maxStories && newestMs - old.lastMs <= 2 * limits.quietMs) {
        break
      }
      open.delete(oldest)
      dirty.add(oldest)
    }
  }

  return {
    apply: (records) => {
      const notices: BusRecord[] = []
      const outcomes = { alerted: 0, absorbed: 0 }
      const poison: { record: StoredRecord; reason: string }[] = []
      for (const record of records) {
        const finding = decodeRecord<Finding>(record, options.validate)
        if (finding === undefined) {
          poison.push({ record, reason: 'invalid-finding' })
          continue
        }
        const notice = absorb(finding)
        outcomes[notice === undefined ? 'absorbed' : 'alerted'] += 1
        if (notice !== undefined) {
          notices.push(noticeRecord(notice))
        }
      }
      return {
        outputs: notices.length === 0 ? [] : [{ topic: 'alerts', records: notices }],
        outcomes: new Map(Object.entries(outcomes).filter(([, count]) => count > 0)),
        poison,
      }
    },
    changes: () => changesOf(dirty, open),
  }
}

function changesOf(dirty: Set<string>, open: ReadonlyMap<string, Entry>): readonly StateEntry[] {
  const entries: StateEntry[] = [...dirty].map((key) => {
    const entry = open.get(key)
    return { key, value: entry === undefined ? undefined : encode(entry) }
  })
  dirty.clear()
  return entries
}
