/** Steps on the severity scale. */
import { SEVERITIES, type Severity, severityRank } from '../../schema/finding.ts'

/** Raises (or with negative steps lowers) a severity, never below `low` and never above `critical`. */
export function raise(severity: Severity, steps: number): Severity {
  const at = Math.min(Math.max(severityRank(severity) + steps, 1), SEVERITIES.length - 1)
  return SEVERITIES[at] ?? severity
}
