/** An alert as a person reads it in a terminal: what happened first, then why, then what to do. */
import type { Alert } from '../schema/alert.ts'
import { SEVERITIES, type Severity } from '../schema/finding.ts'
import { printable } from '../schema/printable.ts'

const COLORS: Record<Severity, string> = {
  informational: '37',
  low: '36',
  medium: '33',
  high: '31',
  critical: '97;41',
}

/** @param color whether the terminal takes ANSI colors. */
export function alertText(alert: Alert, color: boolean): string {
  const finding = alert.findings.find(({ severity }) => severity === worstOf(alert)) ?? alert.findings[0]
  const severity = alert.severity.toUpperCase()
  const head = color ? `\u001b[${COLORS[alert.severity]}m ${severity} \u001b[0m` : `[${severity}]`
  const title = color ? `\u001b[1m${printable(alert.title)}\u001b[0m` : printable(alert.title)
  const rows: [string, string | undefined][] = [
    ['why', alert.reason],
    ...storyRows(alert),
    ['saw', finding?.observed],
    ['expected', finding?.expected],
    ['mapped to', [...alert.techniques.map(({ id, name }) => `${id} ${name}`), ...alert.owasp].join(' · ')],
    ['policy', policyText(alert)],
    ['silence', finding?.silence],
    ['agent', `${alert.agent.id}${alert.agent.version === undefined ? '' : ` ${alert.agent.version}`}`],
    ['session', alert.session_id],
    ['alert', alert.alert_id],
  ]
  const lines = rows
    .filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '')
    .map(([name, value]) => `    ${name.padEnd(10)} ${printable(value)}`)
  return [`${head} ${title}`, ...lines].join('\n')
}

/** The highest severity of its findings; that of the alert may be higher, when they meet. */
function worstOf({ findings }: Alert): Severity | undefined {
  return SEVERITIES.findLast((each) => findings.some(({ severity }) => severity === each))
}

/** What happened in the order of event time, when it took several steps. */
function storyRows({ kind, findings }: Alert): [string, string][] {
  const told = kind === 'correlation' && findings.length > 1 ? findings : []
  return told.map(({ time_ms, detector, reason }, index) => {
    const time = new Date(time_ms).toISOString().slice(11, 19)
    return [index === 0 ? 'story' : '', `${time} ${detector}: ${reason}`]
  })
}

function policyText({ policy }: Alert): string | undefined {
  if (policy === undefined) {
    return undefined
  }
  const place = policy.line === undefined ? policy.file : `${policy.file}:${policy.line}`
  return policy.allow_with === undefined ? place : `${place}; to allow it: ${policy.allow_with}`
}
