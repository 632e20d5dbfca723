/**
 * How many hijacked sessions of recorded agents are alerted, no later than the hijacked call, by what detectors say of
 * content and arguments alone, and how many benign ones. Sessions come as OTLP through the whole pipeline.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replayHistory } from '../commands/history.ts'
import { compilePolicies } from '../rules/compile.ts'
import type { Alert } from '../schema/alert.ts'
import type { QualityRow } from './text-quality.ts'

/** Alone, and together: what a session is alerted by. */
const BY: readonly (readonly string[])[] = [['injection', 'tainted-argument'], ['tainted-argument']]
const SUITES = [
  'agentdojo-banking',
  'agentdojo-travel',
  'agentdojo-workspace',
  'agentdyn-shopping',
  'agentdyn-dailylife',
  'injecagent',
  'taubench-airline',
  'openagentsafety',
]

interface Label {
  readonly session: string
  readonly phase: 'learn' | 'test'
  readonly label: 'benign' | 'exposed' | 'hijacked'
  readonly hijack_ms?: number
}

/** Rows per suite and set of detectors. Empty where there is no data, or not the tool that makes telemetry of it. */
export async function measureSessions(dataDir: string): Promise<QualityRow[]> {
  const tool = join(dataDir, '..', '..', 'tools', 'trajectories.mjs')
  const rows: QualityRow[] = []
  for (const suite of SUITES) {
    const data = join(dataDir, 'agents', `${suite}.jsonl.gz`)
    if (existsSync(tool) && existsSync(data)) {
      rows.push(...(await measureSuite(tool, suite, data)))
    }
  }
  return rows.sort((one, other) => (one.group < other.group ? -1 : one.group > other.group ? 1 : 0))
}

async function measureSuite(tool: string, suite: string, data: string): Promise<QualityRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-sessions-'))
  try {
    const prefix = join(directory, suite)
    execFileSync(process.execPath, [tool, data, prefix])
    const alerts = await replayed(`${prefix}.otlp.jsonl`)
    const labels = readFileSync(`${prefix}.labels.jsonl`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Label)
      .filter(({ phase }) => phase === 'test')
    return BY.flatMap((by) => rowsOf(suite, labels, flaggedAt(alerts, by), by))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function replayed(file: string): Promise<readonly Alert[]> {
  const alerts = new Map<string, Alert>()
  await replayHistory(
    { tenant: 'default', retention: { content: 'masked' } },
    { files: [file], policies: compilePolicies([]), onAlert: (alert) => alerts.set(alert.alert_id, alert) },
  )
  return [...alerts.values()].filter(({ severity }) => severity !== 'informational')
}

/** When each session was first alerted by one of the detectors. */
function flaggedAt(alerts: readonly Alert[], by: readonly string[]): ReadonlyMap<string, number> {
  const flagged = new Map<string, number>()
  for (const { session_id: session, findings } of alerts) {
    for (const { detector, time_ms: at } of findings) {
      if (by.includes(detector)) {
        flagged.set(session, Math.min(at, flagged.get(session) ?? at))
      }
    }
  }
  return flagged
}

function rowsOf(
  suite: string,
  labels: readonly Label[],
  flagged: ReadonlyMap<string, number>,
  by: readonly string[],
): QualityRow[] {
  const inTime = ({ session, hijack_ms }: Label) => {
    const at = flagged.get(session)
    return at !== undefined && (hijack_ms === undefined || at <= hijack_ms)
  }
  const row = (what: string, kind: Label['label'], counts: (label: Label) => boolean): QualityRow => {
    const members = labels.filter(({ label }) => label === kind)
    return {
      group: `sessions by ${by.join(' and ')}: ${what}`,
      source: suite,
      total: members.length,
      flagged: members.filter(counts).length,
      naive: undefined,
    }
  }
  return [
    row('hijacked, alerted in time', 'hijacked', inTime),
    row('benign, false alarms', 'benign', ({ session }) => flagged.has(session)),
  ].filter(({ total }) => total > 0)
}
