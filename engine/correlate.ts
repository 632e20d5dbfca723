/**
 * The correlate stage: findings in, alerts out. Findings of one session with one cause are one alert; what repeats
 * is absorbed, and only a rise in severity is told again.
 */
import type { Alert, AlertFinding, Notice } from '../schema/alert.ts'
import { ATLAS_VERSION, technique } from '../schema/atlas.ts'
import { type Finding, SEVERITIES } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { BusRecord, StateEntry, StoredRecord } from './bus/bus.ts'
import { decode, decodeRecord, encode, noticeRecord } from './records.ts'
import type { Stage, StagePartition } from './stage.ts'

export interface CorrelateOptions {
  /** Steps for the analyst, by detector id; given by the list of detectors. */
  readonly runbooks: ReadonlyMap<string, readonly string[]>
  /** What is wrong with a value that claims to be a finding, or `undefined`. */
  readonly validate: (value: unknown) => string | undefined
  /** The same cause this long after it was last seen is a new alert. Event time. */
  readonly quietMs?: number
  readonly maxOpenAlerts?: number
}

const DEFAULT_QUIET_MS = 3_600_000
/** An alert with its findings takes up to some 20 KiB. */
const DEFAULT_MAX_OPEN = 20_000
const MAX_FINDINGS = 20
const DEFAULT_RUNBOOK = ['Open the event in the store by its event_id and read what the agent did before and after it.']

/** What is remembered of an alert that may still absorb findings. */
interface OpenAlert {
  alert: Alert
  lastMs: number
  /** Rises with every change: the lowest is the one to forget, before and after a restart. */
  order: number
  /** Findings absorbed after `MAX_FINDINGS` are only counted; the store has them all. */
  seen: string[]
}

export function correlateStage(options: CorrelateOptions): Stage {
  return {
    id: 'correlate',
    input: 'findings',
    open: (_partition, state) => correlatePartition(options, state),
  }
}

function correlatePartition(
  options: CorrelateOptions,
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
): StagePartition {
  const quietMs = options.quietMs ?? DEFAULT_QUIET_MS
  const maxOpen = options.maxOpenAlerts ?? DEFAULT_MAX_OPEN
  const restored = [...state].map(({ key, value }) => [key, decode<OpenAlert>(value)] as const)
  const open = new Map(restored.sort(([, a], [, b]) => (a.order ?? 0) - (b.order ?? 0)))
  let order = restored.at(-1)?.[1].order ?? 0
  let newestMs = Math.max(...restored.map(([, { lastMs }]) => lastMs), 0)
  const dirty = new Set<string>()

  const absorb = (finding: Finding): Notice | undefined => {
    const key = `open/${idOf(finding.tenant_id, finding.session_id, finding.detector, finding.cause)}`
    const known = open.get(key)
    if (known === undefined || finding.time_ms - known.lastMs > quietMs) {
      const alert = alertOf(finding, options)
      remember(key, { alert, lastMs: finding.time_ms, seen: [finding.finding_id] })
      return { type: 'alert.created', alert, notice_id: idOf(alert.alert_id, 'created') }
    }
    if (known.seen.includes(finding.finding_id)) {
      return undefined
    }
    const more = known.alert.findings.length < MAX_FINDINGS
    const rises = SEVERITIES.indexOf(finding.severity) > SEVERITIES.indexOf(known.alert.severity)
    const alert = more || rises ? grown(known.alert, finding, rises) : known.alert
    remember(key, {
      alert,
      lastMs: Math.max(known.lastMs, finding.time_ms),
      seen: [...known.seen, finding.finding_id].slice(-MAX_FINDINGS),
    })
    return rises
      ? { type: 'alert.updated', alert, notice_id: idOf(alert.alert_id, finding.severity, finding.finding_id) }
      : undefined
  }

  const remember = (key: string, entry: Omit<OpenAlert, 'order'>): void => {
    order += 1
    open.delete(key)
    open.set(key, { ...entry, order })
    dirty.add(key)
    newestMs = Math.max(newestMs, entry.lastMs)
    // Records come late by hours at most; what has been quiet for twice as long as it must be absorbs nothing more.
    for (const [oldest, { lastMs }] of open) {
      if (open.size <= maxOpen && newestMs - lastMs <= 2 * quietMs) {
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

function changesOf(dirty: Set<string>, open: ReadonlyMap<string, OpenAlert>): readonly StateEntry[] {
  const entries: StateEntry[] = [...dirty].map((key) => {
    const entry = open.get(key)
    return { key, value: entry === undefined ? undefined : encode(entry) }
  })
  dirty.clear()
  return entries
}

function alertOf(finding: Finding, options: CorrelateOptions): Alert {
  return {
    schema_version: '1',
    alert_id: idOf(
      finding.tenant_id,
      finding.session_id,
      finding.cause,
      finding.detector,
      finding.detector_version,
      finding.event_id,
    ),
    time_ms: finding.time_ms,
    first_event_ms: finding.time_ms,
    tenant_id: finding.tenant_id,
    agent: finding.agent,
    session_id: finding.session_id,
    trace_id: finding.trace_id,
    title: finding.title,
    reason: finding.reason,
    severity: finding.severity,
    confidence: finding.confidence,
    kind: finding.kind,
    findings: [alertFinding(finding)],
    techniques: techniquesOf([finding.techniques]),
    atlas_version: ATLAS_VERSION,
    owasp: finding.owasp,
    ...(finding.policy === undefined ? {} : { policy: finding.policy }),
    runbook: [...(options.runbooks.get(finding.detector) ?? DEFAULT_RUNBOOK)],
    status: 'new',
  }
}

/** The alert with one more finding; the newest takes the place of the last when there is no room left. */
function grown(alert: Alert, finding: Finding, rises: boolean): Alert {
  const findings = [...alert.findings.slice(0, MAX_FINDINGS - 1), alertFinding(finding)]
  return {
    ...alert,
    time_ms: rises ? finding.time_ms : alert.time_ms,
    first_event_ms: Math.min(alert.first_event_ms, finding.time_ms),
    ...(rises ? { title: finding.title, reason: finding.reason, severity: finding.severity } : {}),
    confidence: Math.max(alert.confidence, finding.confidence),
    findings,
    techniques: techniquesOf(findings.map((each) => each.techniques)),
  }
}

function alertFinding(finding: Finding): AlertFinding {
  return {
    finding_id: finding.finding_id,
    detector: finding.detector,
    event_id: finding.event_id,
    time_ms: finding.time_ms,
    reason: finding.reason,
    observed: finding.observed,
    expected: finding.expected,
    ...(finding.silence === undefined ? {} : { silence: finding.silence }),
    ...(finding.p === undefined ? {} : { p: finding.p }),
    evidence: finding.evidence,
    techniques: finding.techniques,
  }
}

function techniquesOf(lists: readonly (readonly string[])[]): Alert['techniques'] {
  return [...new Set(lists.flat())].map((id) => {
    const known = technique(id)
    return { id: known?.id ?? id, name: known?.title ?? id, tactics: [...(known?.tactics ?? [])] }
  })
}
