/** `telltale replay FILE...`: history through the engine, as fast as it goes. */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { type Config, loadConfig } from '../config.ts'
import { checkRecordings } from '../replay/recording.ts'
import type { ReplayResult } from '../replay/replay.ts'
import { loadPolicies } from '../rules/load.ts'
import type { Alert } from '../schema/alert.ts'
import { severityRank } from '../schema/finding.ts'
import { alertText } from './alert-text.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { openEventFile } from './event-file.ts'
import { replayHistory } from './history.ts'
import { checkOutputs } from './output-files.ts'

export interface ReplayArguments {
  readonly files: readonly string[]
  /** Alerts as NDJSON, one line a notice: each alert as it was when it was raised, and whenever it was told again. */
  readonly out?: string
  /** The normalised events as NDJSON. */
  readonly events?: string
  readonly policies?: string
}

export interface ReplaySummary extends ReplayResult {
  readonly alerts: readonly Alert[]
}

/** @throws Misconfigured when a file cannot be read or written; nothing was done then. */
export async function runReplay(config: Config, args: ReplayArguments): Promise<ReplaySummary> {
  checkRecordings(args.files)
  checkOutputs(args)
  const policies = await loadPolicies(args.policies ?? config.policies)
  const alerts = new Map<string, Alert>()
  const told: Alert[] = []
  const events = args.events === undefined ? undefined : openEventFile(args.events)
  const result = await replayHistory(config, {
    files: args.files,
    policies,
    onEvent: (event) => events?.write(event),
    onAlert: (alert) => {
      alerts.set(alert.alert_id, alert)
      if (args.out !== undefined) {
        told.push(alert)
      }
    },
  })
  await events?.close()
  if (args.out !== undefined) {
    await writeLines(args.out, told)
  }
  return { ...result, alerts: [...alerts.values()] }
}

async function writeLines(path: string, values: Iterable<unknown>): Promise<void> {
  const stream = createWriteStream(path, { mode: 0o600 })
  for (const value of values) {
    stream.write(`${JSON.stringify(value)}\n`)
  }
  stream.end()
  await finished(stream)
}

/** What a person sees at the end: the alerts, worst first, and where every record went. */
function replayText(summary: ReplaySummary, color: boolean): string {
  const worstFirst = [...summary.alerts].sort(
    (a, b) => severityRank(b.severity) - severityRank(a.severity) || a.time_ms - b.time_ms,
  )
  const shown = worstFirst.slice(0, 20).map((alert) => `${alertText(alert, color)}\n`)
  const more =
    worstFirst.length > 20 ? [`... and ${worstFirst.length - 20} more alerts; --out FILE writes them all\n`] : []
  const outcomes = [...summary.outcomes].flatMap(([stage, counts]) =>
    [...counts].map(([outcome, records]) => `    ${stage.padEnd(10)} ${outcome.padEnd(32)} ${records}`),
  )
  return [
    ...shown,
    ...more,
    `${summary.received} records received, ${summary.alerts.length} alerts. What became of the records:`,
    ...outcomes,
  ].join('\n')
}

export const replayCommand: Command = {
  syntax: {
    name: 'replay',
    operands: 'FILE...',
    minOperands: 1,
    summary: 'history through the engine, as fast as it goes',
    options: {
      out: { type: 'string' },
      events: { type: 'string' },
      policies: { type: 'string' },
    },
    help: [
      ['FILE', 'telemetry .ndjson, OTLP/JSON lines .otlp.jsonl, OTLP bodies .json and .pb; each also with .gz'],
      ['--out FILE', 'write the alerts as NDJSON, again whenever one changed so that it was told again'],
      ['--events FILE', 'write the normalised events as NDJSON'],
      ['--policies DIR', 'policies to judge by, instead of the configured ones'],
    ],
  },
  run: async (args) => {
    const { operands, values } = parseCommand(replayCommand.syntax, args)
    const { config: file, ...paths } = values
    const config = loadConfig(file as string | undefined)
    const summary = await runReplay(config, { files: operands, ...paths })
    process.stdout.write(`${replayText(summary, process.stdout.isTTY === true)}\n`)
    return 0
  },
}
