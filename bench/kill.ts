/**
 * `npm run bench:kill -- --kills 100`: kills Telltale with SIGKILL in the middle of the demo, again and again, and then
 * holds what it stored and sent against an uninterrupted run of the same sessions.
 *
 * The client is another process's part: it sends every session until it is acknowledged, and is never killed. Nor is
 * the receiver of the alerts.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReceiver } from '../commands/receiver.ts'
import { packagePath } from '../package-files.ts'
import { readSessions } from '../replay/perform.ts'
import { recordSessions } from './recorded.ts'
import { TelltaleProcess } from './telltale-process.ts'

export interface KillResult {
  readonly kills: number
  readonly requests: number
  /** Acknowledged events that an uninterrupted run stored and this one did not, and the other way round. */
  readonly missingEvents: readonly string[]
  readonly strangeEvents: readonly string[]
  readonly missingAlerts: readonly string[]
  readonly strangeAlerts: readonly string[]
  /** Alert ids that the webhook receiver never got. */
  readonly undelivered: readonly string[]
  readonly events: number
  readonly alerts: number
}

export interface KillOptions {
  readonly kills: number
  /** Decides when the kills come; times of the machine do the rest. */
  readonly seed: number
  readonly onRound?: (round: number, kills: number) => void
}

const DEMO = packagePath('replay/scenarios/demo')
/** Event time of the first session; long past, so that nothing depends on today. */
const START_MS = Date.UTC(2026, 0, 5, 8)

export async function measureKills(options: KillOptions): Promise<KillResult> {
  const rounds = await recordRounds(options.kills)
  return compared(await runRounds(rounds, options), await runRounds(rounds, undefined), rounds.flat().length)
}

/** What a run that was harmed lacks, and has too much, beside one that was not. */
export function compared(killed: Outcome, whole: Outcome, requests: number): KillResult {
  return {
    kills: killed.kills,
    requests,
    events: whole.events.size,
    alerts: whole.alerts.size,
    missingEvents: difference(whole.events, killed.events),
    strangeEvents: difference(killed.events, whole.events),
    missingAlerts: difference(whole.alerts, killed.alerts),
    strangeAlerts: difference(killed.alerts, whole.alerts),
    undelivered: difference(whole.alerts, killed.delivered),
  }
}

/** The requests of `count` runs of the demo's sessions. */
async function recordRounds(count: number): Promise<readonly (readonly Uint8Array[])[]> {
  const rounds: (readonly Uint8Array[])[] = []
  for await (const round of endlessRounds()) {
    rounds.push(round)
    if (rounds.length === count) {
      break
    }
  }
  return rounds
}

/** The requests of one run of the demo's sessions after the other, always the same ones, an hour of event time apart. */
export async function* endlessRounds(): AsyncGenerator<readonly Uint8Array[], never> {
  const sessions = await readSessions(DEMO)
  let startMs = START_MS
  for (let round = 0; ; round += 1) {
    const { bodies, endMs } = await recordSessions(sessions, `round-${round}`, startMs)
    yield bodies
    // The same cause in two rounds is not one alert.
    startMs = endMs + 3_600_000
  }
}

/** What was to be seen when a run had come to its end. */
export interface Outcome {
  readonly kills: number
  readonly events: ReadonlySet<string>
  readonly alerts: ReadonlySet<string>
  readonly delivered: ReadonlySet<string>
}

/** Sends all rounds to a Telltale of its own, all in one process; with `killing`, one kill comes in every round. */
export async function runRounds(
  rounds: readonly (readonly Uint8Array[])[],
  killing: KillOptions | undefined,
): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'telltale-kill-'))
  const delivered = new Set<string>()
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const receiver = await openReceiver(secret, (alert) => delivered.add(alert.alert_id))
  const victim = await TelltaleProcess.prepare(directory, {
    sinks: [{ type: 'webhook', name: 'receiver', url: receiver.url, secret, allow: ['127.0.0.0/8'] }],
  })
  try {
    await victim.start()
    let random = killing?.seed ?? 0
    for (const [round, bodies] of rounds.entries()) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
      const kill = killing === undefined ? undefined : sleep((random % 1000) * 0.6).then(() => victim.killAndRestart())
      for (const body of bodies) {
        await victim.send(body)
      }
      await kill
      killing?.onRound?.(round + 1, victim.kills)
    }
    await victim.settle()
    const events = await victim.ids('events', 'event_id')
    const alerts = await victim.ids('alerts', 'alert_id')
    const deadline = Date.now() + 30_000
    while (difference(alerts, delivered).length > 0 && Date.now() < deadline) {
      await sleep(200)
    }
    return { kills: victim.kills, events, alerts, delivered }
  } finally {
    await victim.stop()
    await receiver.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function difference(one: ReadonlySet<string>, other: ReadonlySet<string>): readonly string[] {
  return [...one].filter((id) => !other.has(id))
}
