/** `telltale replay FILE...`: history through the engine, as fast as it goes. */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import { type Config, loadConfig } from '../config.ts'
import { checkRecordings, type Recorded } from '../replay/recording.ts'
import { DAMAGED, type ReplayResult, replay } from '../replay/replay.ts'
import { loadPolicies } from '../rules/load.ts'
import type { Alert } from '../schema/alert.ts'
import { SEVERITIES } from '../schema/finding.ts'
import { printable } from '../schema/printable.ts'
import { validateTelemetry } from '../schema/validate.ts'
import { pureStages, SHIPPED_POLICIES } from '../wire.ts'
import { openIntake } from '../wire-intake.ts'
import { alertText } from './alert-text.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { openEventFile } from './event-file.ts'
import { checkOutputs } from './output-files.ts'
import { progress } from './progress.ts'

export interface ReplayArguments {
  readonly files: readonly string[]
  /** Alerts as NDJSON, each in its last state, in the order in which they were raised. */
  readonly out?: string
  /** The normalised events as NDJSON. */
  readonly events?: string
  readonly policies?: string
}

export interface ReplaySummary extends ReplayResult {
  readonly alerts: readonly Alert[]
}

/** Everything replayed arrives at one moment, so only this bounds what waits for relatives until the end. */
const MAX_HELD = 500_000

/** A file of another kind than its name says would fill the screen. */
const SHOWN_REJECTIONS = 20

/** @throws Misconfigured when a file cannot be read or written; nothing was done then. */
export async function runReplay(config: Config, args: ReplayArguments): Promise<ReplaySummary> {
  checkRecordings(args.files)
  checkOutputs(args)
  const policies = await loadPolicies(args.policies ?? config.policies ?? SHIPPED_POLICIES)
  const alerts = new Map<string, Alert>()
  const events = args.events === undefined ? undefined : openEventFile(args.events)
  const shown = progress()
  let rejected = 0
  const result = await replay({
    files: args.files,
    tenantId: config.tenant,
    stages: pureStages({ policies, assemble: { clamp: false, maxHeld: MAX_HELD } }),
    fragmentsOf: fragmentsOf(config),
    validateEvent: validateTelemetry,
    onEvent: (event) => events?.write(event),
    onAlert: (alert) => alerts.set(alert.alert_id, alert),
    onRejected: (place, why, reason) => {
      // That a file breaks off is never one of the many.
      if (rejected < SHOWN_REJECTIONS || reason === DAMAGED) {
        shown.end()
        process.stderr.write(`${place}: ${printable(why)}\n`)
      }
      rejected += reason === DAMAGED ? 0 : 1
    },
    onProgress: (received) => shown.update(`${received} records, ${alerts.size} alerts`),
  })
  shown.end()
  if (rejected > SHOWN_REJECTIONS) {
    process.stderr.write(`... and ${rejected - SHOWN_REJECTIONS} more that could not be read\n`)
  }
  await events?.close()
  if (args.out !== undefined) {
    await writeLines(args.out, alerts.values())
  }
  return { ...result, alerts: [...alerts.values()] }
}

/** What the door does with a body, without the door. */
function fragmentsOf(config: Config) {
  let refused = new Map<string, number>()
  const count = (outcome: string, records: number) => refused.set(outcome, (refused.get(outcome) ?? 0) + records)
  const intake = openIntake({ publish: async () => undefined, count, retention: config.retention.content })
  return (recorded: Extract<Recorded, { kind: 'otlp' }>, tenantId: string, observedMs: number) => {
    refused = new Map()
    const request = decodeOtlp(recorded.body, { signal: recorded.signal, encoding: recorded.encoding })
    for (const { reason, records } of request.rejected) {
      count(`rejected:${reason}`, records)
    }
    const fragments = intake.fragments(request.records, tenantId, observedMs)
    const rejected = request.rejected.reduce((sum, { records }) => sum + records, 0)
    const unspoken = request.records.length - fragments.length
    if (unspoken > 0) {
      count('ignored:not-agent-telemetry', unspoken)
    }
    return { fragments, received: request.records.length + rejected, refused }
  }
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
export function replayText(summary: ReplaySummary, color: boolean): string {
  const worstFirst = [...summary.alerts].sort(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.time_ms - b.time_ms,
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
    maxOperands: Number.POSITIVE_INFINITY,
    summary: 'history through the engine, as fast as it goes',
    options: {
      out: { type: 'string' },
      events: { type: 'string' },
      policies: { type: 'string' },
    },
    help: [
      ['FILE', 'telemetry .ndjson, OTLP/JSON lines .otlp.jsonl, OTLP bodies .json and .pb; each also with .gz'],
      ['--out FILE', 'write the alerts as NDJSON'],
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
