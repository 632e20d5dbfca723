/**
 * The story of a session: its findings, of whatever agents and detectors, as one alert tells them. Findings that only add
 * context are kept with the session, and are told when another opens an alert.
 */
import type { Alert, Notice } from '../../schema/alert.ts'
import { type Finding, severityRank } from '../../schema/finding.ts'
import { idOf } from '../../schema/ids.ts'
import { alertOf, type Runbooks } from './alert-of.ts'
import { type Findings, severityOf, worstOf } from './evidence.ts'
import { withFinding } from './kept-findings.ts'

/** How long a story goes on. Event time. */
export interface StoryLimits {
  /** A finding this long after the last one begins another story. */
  readonly quietMs: number
  /** A finding this long after the first one does, whatever came between: sessions of services never end. */
  readonly longestMs: number
}

export const STORY_LIMITS: StoryLimits = { quietMs: 3_600_000, longestMs: 86_400_000 }

/** Findings that were taken in and are not kept, so that an amendment is not counted as another finding. */
const GONE_REMEMBERED = 64
/** Detectors whose joining was told; there are fewer, unless a stranger writes findings. */
const MOST_TOLD = 64

/** Raise when `Story` changes shape: older ones are then dropped. */
export const STORY_VERSION = 2

/** Plain JSON: the state of a session in the correlate stage. */
export interface Story {
  readonly alert_id: string
  /** Event time of the finding that began it. */
  readonly startMs: number
  readonly lastMs: number
  readonly findings: Findings
  /** Different findings so far, those not kept included. */
  readonly count: number
  readonly gone: readonly Gone[]
  /** What the last notice said; absent while only context is known. */
  readonly told?: Told
}

/** A finding that made room for others, and how severe it was. */
type Gone = Pick<Finding, 'finding_id' | 'severity'>

interface Told {
  readonly severity: Alert['severity']
  readonly timeMs: number
  /** Detectors of which a finding of severity medium or more has been told. */
  readonly detectors: readonly string[]
}

/**
 * Begins a story. Its alert has an id made of the session and of the quiet time's worth of event time in which it begins:
 * agents of one session are judged in several places, so which of their findings comes first is chance, and an id must
 * not be. Two stories of a session never share one, since more than the quiet time lies between their beginnings.
 */
export function beginStory(finding: Finding, limits: StoryLimits): Story {
  const period = Math.floor(finding.time_ms / limits.quietMs)
  return {
    alert_id: idOf(finding.tenant_id, finding.session_id, 'story', period),
    startMs: finding.time_ms,
    lastMs: finding.time_ms,
    findings: [finding],
    count: 1,
    gone: [],
  }
}

/** Whether a finding comes too late to be part of the story. */
export function isOver(story: Story, finding: Finding, limits: StoryLimits): boolean {
  return finding.time_ms - story.lastMs > limits.quietMs || finding.time_ms - story.startMs > limits.longestMs
}

/** The story with one more finding; the same story when it tells nothing new. An amended finding that is worse counts. */
export function goOn(story: Story, finding: Finding): Story {
  const isSame = (each: Gone) => each.finding_id === finding.finding_id
  const known = story.findings.find(isSame) ?? story.gone.find(isSame)
  if (known !== undefined && severityRank(finding.severity) <= severityRank(known.severity)) {
    return story
  }
  const others = story.findings.filter((each) => each !== known)
  const findings = withFinding(others, finding) as Findings
  const leaving = [...others, finding].filter((each) => !findings.includes(each))
  const gone = [
    ...story.gone.filter((each) => each !== known),
    ...leaving.map(({ finding_id, severity }) => ({ finding_id, severity })),
  ]
  return {
    ...story,
    lastMs: Math.max(story.lastMs, finding.time_ms),
    findings,
    count: story.count + (known === undefined ? 1 : 0),
    gone: gone.slice(-GONE_REMEMBERED),
  }
}

/**
 * What is told of a story after a finding joined it: when an alert opens, when its severity rises, and when a detector
 * speaks for the first time with a severity of medium or more. So there is at most one notice for each detector and severity.
 */
export function tellOf(
  story: Story,
  finding: Finding,
  runbooks: Runbooks,
): { readonly story: Story; readonly notice: Notice | undefined } {
  const { told } = story
  if (worstOf(story.findings).severity === 'informational') {
    return { story, notice: undefined }
  }
  const severity = severityOf(story.findings)
  const rises = told === undefined || severityRank(severity) > severityRank(told.severity)
  const isWeighty = severityRank(finding.severity) >= severityRank('medium')
  const joins = isWeighty && told !== undefined && !told.detectors.includes(finding.detector)
  if (!rises && !(joins && told.detectors.length < MOST_TOLD)) {
    return { story, notice: undefined }
  }
  const next: Told = {
    // What is kept changes, and what was told stays told: an alert never gets milder by itself.
    severity: told === undefined || rises ? severity : told.severity,
    timeMs: Math.max(told?.timeMs ?? 0, finding.time_ms),
    detectors: isWeighty ? [...new Set([...(told?.detectors ?? []), finding.detector])] : (told?.detectors ?? []),
  }
  const alert = alertOf(story, { severity: next.severity, timeMs: next.timeMs }, runbooks)
  const notice: Notice =
    told === undefined
      ? { type: 'alert.created', alert, notice_id: idOf(alert.alert_id, 'created') }
      : {
          type: 'alert.updated',
          alert,
          notice_id: idOf(alert.alert_id, rises ? 'raised' : 'joined', next.severity, finding.detector),
        }
  return { story: { ...story, told: next }, notice }
}
