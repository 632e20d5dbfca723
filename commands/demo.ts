/**
 * `telltale demo`: recorded sessions of several agents, benign and attacked, through the real doors with the real
 * OpenTelemetry SDK. Alerts come back by signed webhook and are printed as they arrive.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { loadConfig } from '../config.ts'
import type { NamedSession } from '../replay/perform.ts'
import type { Telltale } from '../run.ts'
import type { Alert } from '../schema/alert.ts'
import { Misconfigured } from '../schema/errors.ts'
import { packagePath } from '../wire.ts'
import { alertText } from './alert-text.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { openReceiver } from './receiver.ts'
import { addressesText, runUntilStopped } from './running.ts'

const SESSIONS = packagePath('replay/scenarios/demo')
/** After the last session: the longest hold, delivery, and some room. */
const SETTLE_MS = 4000
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
    const config: Config = { ...loaded, sinks: [...loaded.sinks, sink] }
    try {
      return await runUntilStopped(config, async (telltale) => {
        await tell(telltale, config, alerts, typeof values.run === 'string' ? values.run : newRun())
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

async function tell(telltale: Telltale, config: Config, alerts: readonly Alert[], run: string): Promise<void> {
  const { exporterFor, perform, readSessions } = await sdk()
  const sessions = await readSessions(SESSIONS)
  process.stdout.write(`Telltale is ready.\n${addressesText(telltale, config)}\n\n`)
  process.stdout.write(
    `${sessions.length} recorded sessions now come in by OTLP, alerts come back by signed webhook.\n`,
  )
  const performed: Performed[] = []
  let startMs = Date.now()
  for (const [index, session] of sessions.entries()) {
    const doors = { http: telltale.otlpHttp, grpc: telltale.otlpGrpc }
    const { conversation, endMs } = await perform(session, run, startMs, exporterFor(index, doors))
    performed.push({ session, conversation })
    startMs = endMs
    await sleep(BETWEEN_MS)
  }
  await sleep(SETTLE_MS)
  process.stdout.write(`\n${summaryText(performed, alerts)}\n`)
  process.stdout.write(
    `\nEverything is stored and can be read:\n  ${telltale.api}/api/v1/alerts\n  ${telltale.api}/api/v1/agents\n`,
  )
  process.stdout.write(`  ${telltale.api}/api/v1/events?outcome=error\nIt stays up; Ctrl-C stops it.\n`)
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
