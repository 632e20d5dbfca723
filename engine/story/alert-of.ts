/** The alert that tells the story of a session. */
import type { Alert, AlertFinding } from '../../schema/alert.ts'
import { ATLAS_VERSION, technique } from '../../schema/atlas.ts'
import { type Finding, type Severity, severityRank } from '../../schema/finding.ts'
import { confidenceOf, worstOf } from './evidence.ts'
import { tell } from './steps.ts'
import type { Story } from './story.ts'

/** Steps for the analyst, by detector id. */
export type Runbooks = ReadonlyMap<string, readonly string[]>

const DEFAULT_RUNBOOK = ['Open the event in the store by its event_id and read what the agent did before and after it.']

/** An alert of many detectors would else be a book. */
const MOST_TECHNIQUES = 32
const MOST_OWASP = 20
const MOST_STEPS = 20

/** @param said what is not in the findings: how severe the alert is, and when its last notice came about. */
export function alertOf(
  story: Story,
  said: { readonly severity: Severity; readonly timeMs: number },
  runbooks: Runbooks,
): Alert {
  const { findings } = story
  const worst = worstOf(findings)
  const { title, reason, isComposite } = tell(findings, story.count)
  const worstFirst = [...findings].sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
  const policy = worstFirst.find((finding) => finding.policy !== undefined)?.policy
  return {
    schema_version: '1',
    alert_id: story.alert_id,
    time_ms: said.timeMs,
    first_event_ms: findings[0].time_ms,
    tenant_id: worst.tenant_id,
    agent: worst.agent,
    session_id: worst.session_id,
    trace_id: worst.trace_id,
    title,
    reason,
    severity: said.severity,
    confidence: confidenceOf(findings),
    kind: isComposite ? 'correlation' : worst.kind,
    findings: findings.map(alertFinding),
    techniques: techniquesOf(worstFirst),
    atlas_version: ATLAS_VERSION,
    owasp: [...new Set(worstFirst.flatMap(({ owasp }) => owasp))].slice(0, MOST_OWASP),
    ...(policy === undefined ? {} : { policy }),
    runbook: runbookOf(worstFirst, runbooks),
    status: 'new',
  }
}

function alertFinding(finding: Finding): AlertFinding {
  return {
    finding_id: finding.finding_id,
    detector: finding.detector,
    event_id: finding.event_id,
    time_ms: finding.time_ms,
    agent_id: finding.agent.id,
    severity: finding.severity,
    reason: finding.reason,
    observed: finding.observed,
    expected: finding.expected,
    ...(finding.silence === undefined ? {} : { silence: finding.silence }),
    ...(finding.p === undefined ? {} : { p: finding.p }),
    evidence: finding.evidence,
    techniques: finding.techniques,
  }
}

/** The steps of every detector that spoke, the worst first, each once. */
function runbookOf(worstFirst: readonly Finding[], runbooks: Runbooks): string[] {
  const detectors = [...new Set(worstFirst.map(({ detector }) => detector))]
  const steps = detectors.flatMap((detector) => runbooks.get(detector) ?? DEFAULT_RUNBOOK)
  return [...new Set(steps)].slice(0, MOST_STEPS)
}

function techniquesOf(findings: readonly Finding[]): Alert['techniques'] {
  const ids = new Set(findings.flatMap(({ techniques }) => techniques))
  return [...ids].slice(0, MOST_TECHNIQUES).map((id) => {
    const known = technique(id)
    return { id: known?.id ?? id, name: known?.title ?? id, tactics: [...(known?.tactics ?? [])] }
  })
}
