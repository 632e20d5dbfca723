/**
 * How much the findings of one session prove together. Findings that have one source are one piece of evidence, however
 * many they are: opinions about one text (`origin`), opinions of one kind about one event, and the same cause again.
 */
import { type AlertKind, type Finding, SEVERITIES, type Severity, severityRank } from '../../schema/finding.ts'
import { DETECTOR_FAILED } from '../detector-failed.ts'

/** Not what was concluded from other findings, what only adds context, or that a detector was blind. */
function isEvidence({ kind, severity, detector }: Finding): boolean {
  return kind !== 'correlation' && severity !== 'informational' && detector !== DETECTOR_FAILED
}

/** At least one finding. */
export type Findings = readonly [Finding, ...Finding[]]

/** The independent pieces of evidence among findings. */
export function piecesOf(findings: readonly Finding[]): readonly Findings[] {
  let pieces: readonly { readonly sources: ReadonlySet<string>; readonly findings: Findings }[] = []
  for (const finding of findings.filter(isEvidence)) {
    const sources = sourcesOf(finding)
    const isSame = (piece: (typeof pieces)[number]) => sources.some((source) => piece.sources.has(source))
    // A finding may show that two pieces have one source.
    const same = pieces.filter(isSame)
    const joined = {
      sources: new Set([...sources, ...same.flatMap((piece) => [...piece.sources])]),
      findings: [finding, ...same.flatMap((piece) => piece.findings)] as const,
    }
    pieces = [...pieces.filter((piece) => !isSame(piece)), joined]
  }
  return pieces.map((piece) => piece.findings)
}

function sourcesOf({ origin, event_id, kind, detector, cause }: Finding): readonly string[] {
  const own = [`event ${event_id} ${kind}`, `cause ${detector} ${cause}`]
  return origin === undefined ? own : [...own, `origin ${origin}`]
}

/**
 * That something is wrong, given all findings: one minus the probability that every independent piece of evidence errs
 * (noisy-or), a piece counting as its strongest finding. Never less than the strongest finding says.
 */
export function confidenceOf(findings: readonly Finding[]): number {
  const strongest = (each: readonly Finding[]) => Math.max(0, ...each.map(({ confidence }) => confidence))
  const allErr = piecesOf(findings).reduce((product, piece) => product * (1 - strongest(piece)), 1)
  const outside = withoutBlindness(findings).filter(
    (finding) => !isEvidence(finding) && finding.severity !== 'informational',
  )
  return Math.min(1, Math.max(1 - allErr, strongest(outside)))
}

/** What was found; that a detector was blind only where there is nothing else, or whoever blinds one hides the rest. */
function withoutBlindness(findings: readonly Finding[]): readonly Finding[] {
  const seen = findings.filter(({ detector, severity }) => detector !== DETECTOR_FAILED && severity !== 'informational')
  return seen.length === 0 ? findings : seen
}

/** The finding that says most: the highest severity, then confidence, then the earliest. */
export function worstOf(findings: Findings): Finding {
  return withoutBlindness(findings).reduce((worst, finding) => {
    const more =
      severityRank(finding.severity) - severityRank(worst.severity) ||
      finding.confidence - worst.confidence ||
      worst.time_ms - finding.time_ms
    return more > 0 ? finding : worst
  })
}

/** What leads comes first: text or a changed part that steers an agent, then what the agent does that it may not. */
const LEADS: Partial<Record<AlertKind, number>> = { content: 0, integrity: 1, policy: 2 }

/**
 * The worst severity. Independent evidence of different kinds that meets in an order that makes sense counts one step more
 * than the worst of it; what was concluded from the same evidence already is not raised once more.
 */
export function severityOf(findings: Findings): Severity {
  const worst = worstOf(findings).severity
  const ranks = isChain(findings) ? findings.filter(isEvidence).map(({ severity }) => severityRank(severity) + 1) : []
  return SEVERITIES[Math.min(Math.max(severityRank(worst), ...ranks), SEVERITIES.length - 1)] ?? worst
}

function isChain(findings: readonly Finding[]): boolean {
  const pieces = piecesOf(findings)
  return pieces.some((causes) =>
    pieces.some(
      (effects) => causes !== effects && causes.some((cause) => effects.some((each) => leadsTo(cause, each))),
    ),
  )
}

function leadsTo(cause: Finding, effect: Finding): boolean {
  const [before, after] = [LEADS[cause.kind], LEADS[effect.kind]]
  return (
    before !== undefined &&
    after !== undefined &&
    before < after &&
    cause.event_id !== effect.event_id &&
    cause.time_ms <= effect.time_ms
  )
}
