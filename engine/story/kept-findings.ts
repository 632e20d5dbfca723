/** Which findings of a session an alert carries when there are more than it has room for. */
import { type Finding, severityRank } from '../../schema/finding.ts'
import { type Findings, worstOf } from './evidence.ts'

/** The most findings of one session that are kept: what an alert may carry. The store has them all. */
const KEPT_FINDINGS = 20

/** Findings with one more, in the order of event time; of too many, the one that tells least is left out. */
export function withFinding(findings: readonly Finding[], finding: Finding): readonly Finding[] {
  const all = [...findings, finding].sort((one, other) => one.time_ms - other.time_ms || compare(one, other))
  if (all.length <= KEPT_FINDINGS) {
    return all
  }
  const leaving = leastTelling(all as unknown as Findings)
  return all.filter((each) => each !== leaving)
}

/**
 * Of findings of one moment what was concluded stands behind what it was concluded from, and the others in the order of
 * their ids, whichever came first: partitions do not arrive in step.
 */
function compare(one: Finding, other: Finding): number {
  const concluded = Number(one.kind === 'correlation') - Number(other.kind === 'correlation')
  return concluded !== 0 ? concluded : one.finding_id < other.finding_id ? -1 : 1
}

/**
 * Repeats leave before the first of a detector, then the lowest severity, then the same cause again, then the latest. The
 * worst finding never leaves.
 */
function leastTelling(findings: Findings): Finding | undefined {
  const detectors = new Set<string>()
  const causes = new Set<string>()
  const judged = findings.map((finding, index) => {
    const cause = `${finding.detector} ${finding.cause}`
    const worth = [
      detectors.has(finding.detector) ? 0 : 1,
      severityRank(finding.severity),
      causes.has(cause) ? 0 : 1,
      -index,
    ] as const
    detectors.add(finding.detector)
    causes.add(cause)
    return { finding, worth }
  })
  const worst = worstOf(findings)
  const [least] = judged.filter(({ finding }) => finding !== worst).sort((one, other) => lower(one.worth, other.worth))
  return least?.finding
}

function lower(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index])
  return at < 0 ? 0 : (one[at] as number) - (other[at] as number)
}
