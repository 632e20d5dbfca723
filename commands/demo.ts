/**
 * `telltale demo`: recorded sessions of several agents, benign and attacked, through the real doors with the real
 * OpenTelemetry SDK. Alerts come back by signed webhook and are printed as they arrive.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { makeKey } from '../api/keys.ts'
import { type Config, loadConfig } from '../config.ts'
import { packagePath } from '../package-files.ts'
import type { NamedSession } from '../replay/perform.ts'
import { startTelltale, type Telltale } from '../run.ts'
import type { Alert } from '../schema/alert.ts'
import { Misconfigured } from '../schema/errors.ts'
import { alertText } from './alert-text.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { openReceiver } from './receiver.ts'
import { readyText, runUntilStopped } from './running.ts'

const SESSIONS = packagePath('replay/scenarios/demo')
/** How long the summary waits for records that are still held and alerts that are still on their way. */
const SETTLE_MS = 30_000
const BETWEEN_MS = 400

interface Performed {
  readonly session: NamedSession
  readonly conversation: string
}

export const demoCommand: Command = {
  syntax: {
    name: 'demo',
    summary: 'recorded agents, benign and attacked, and the alerts they raise',
    options: { once: { type: 'boolean' }, run: { type: 'string' } },
    help: [
      ['--once', 'stop when all sessions are told, instead of staying up'],
      ['--run NAME', 'makes ids: the same name gives the same sessions'],
    ],
  },
  run: async (args) => {
    const { values } = parseCommand(demoCommand.syntax, args)
    const loaded = loadConfig(values.config as string | undefined)
    const color = process.stdout.isTTY === true
    const alerts: Alert[] = []
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const receiver = await openReceiver(secret, (alert) => {
      alerts.push(alert)
      process.stdout.write(`\n${alertText(alert, color)}\n`)
    })
    const sink = { type: 'webhook', name: 'demo-terminal', url: receiver.url, secret, allow: ['127.0.0.0/8'] }
    // Where keys are asked for, the recorded agents have one, too.
    const ingest = loaded.keys.length === 0 ? undefined : makeKey('ingest')
    const own: Config['keys'] =
      ingest === undefined ? [] : [{ name: 'demo', scope: 'ingest', sha256: ingest.sha256, tenant: loaded.tenant }]
    const config: Config = { ...loaded, sinks: [...loaded.sinks, sink], keys: [...loaded.keys, ...own] }
    try {
      const start = (log: Logger) => startTelltale(config, log)
      return await runUntilStopped(start, async (telltale) => {
        const run = typeof values.run === 'string' ? values.run : newRun()
        await tell({ telltale, config, alerts, run, key: ingest?.key })
        if (values.once !== true) {
          process.stdout.write('It stays up; Ctrl-C stops it.\n')
        }
        return values.once === true ? 'stop' : 'stay'
      })
    } finally {
      await receiver.close()
    }
  },
}

function newRun(): string {
  return randomBytes(4).toString('hex')
}

interface Telling {
  readonly telltale: Telltale
  readonly config: Config
  /** Filled meanwhile by the receiver. */
  readonly alerts: readonly Alert[]
  readonly run: string
  readonly key: string | undefined
}

async function tell({ telltale, config, alerts, run, key }: Telling): Promise<void> {
  const { exporterFor, perform, readSessions } = await sdk()
  const sessions = await readSessions(SESSIONS)
  process.stdout.write(`${readyText(telltale, config)}\n\n`)
  process.stdout.write(
    `${sessions.length} recorded sessions now come in by OTLP, alerts come back by signed webhook.\n`,
  )
  const performed: Performed[] = []
  let startMs = Date.now()
  for (const [index, session] of sessions.entries()) {
    const doors = { http: telltale.otlpHttp, grpc: telltale.otlpGrpc, ...(key === undefined ? {} : { key }) }
    const { conversation, endMs } = await perform(session, run, startMs, exporterFor(index, doors))
    performed.push({ session, conversation })
    startMs = endMs
    await sleep(BETWEEN_MS)
  }
  await settled(telltale)
  process.stdout.write(`\n${summaryText(performed, alerts)}\n`)
  process.stdout.write(
    `\nEverything is stored and can be read:\n  ${telltale.api}/api/v1/alerts\n  ${telltale.api}/api/v1/agents\n`,
  )
  process.stdout.write(`  ${telltale.api}/api/v1/events?outcome=error\n`)
}

/** Until every record has come to its end and every alert is delivered. */
async function settled(telltale: Telltale): Promise<void> {
  const deadline = Date.now() + SETTLE_MS
  let isQuiet = false
  while (!isQuiet && Date.now() < deadline) {
    await sleep(200)
    const { lag, records, sinks } = await telltale.health()
    const waiting = [records.in_flight ?? 0, ...Object.values(lag), ...sinks.map(({ pending }) => pending)]
    isQuiet = waiting.every((count) => count === 0)
  }
}

/** The SDK is for development: a deployment does not carry it. */
async function sdk() {
  try {
    return await import('../replay/perform.ts')
  } catch (cause) {
    if ((cause as { readonly code?: string }).code !== 'ERR_MODULE_NOT_FOUND') {
      throw cause
    }
    throw new Misconfigured([
      { file: 'demo', message: 'needs the OpenTelemetry SDK', suggestion: 'run it in a checkout, after npm ci' },
    ])
  }
}

/** What each session was meant to show, and what was raised. */
function summaryText(performed: readonly Performed[], alerts: readonly Alert[]): string {
  const lines = performed.map(({ session: { session }, conversation }) => {
    const raised = alerts
      .filter(({ session_id }) => session_id === conversation)
      .flatMap(({ findings }) => findings.map(({ detector }) => detector))
    const told = [...new Set(raised)].sort().join(', ') || 'nothing'
    return `  ${session.story.padEnd(7)} ${session.title.padEnd(72)} ${told}`
  })
  return ['What each session raised:', ...lines].join('\n')
}
