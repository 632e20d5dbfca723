/**
 * `npm run bench:kill -- --kills 100`: kills Telltale with SIGKILL in the middle of the demo, again and again, and then
 * holds what it stored and sent against an uninterrupted run of the same sessions.
 *
 * The client is another process's part: it sends every session until it is acknowledged, and is never killed. Nor is
 * the receiver of the alerts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReceiver, type Receiver } from '../commands/receiver.ts'
import { readSessions } from '../replay/perform.ts'
import { packagePath } from '../wire.ts'
import { recordSessions } from './recorded.ts'

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
const CLI = packagePath('dist/cli.js')
/** Event time of the first session; long past, so that nothing depends on today. */
const START_MS = Date.UTC(2026, 0, 5, 8)

export async function measureKills(options: KillOptions): Promise<KillResult> {
  if (!existsSync(CLI)) {
    throw new Error('dist/cli.js is missing: npm run build')
  }
  const directory = await mkdtemp(join(tmpdir(), 'telltale-kill-'))
  try {
    const rounds = await recordRounds(options.kills)
    const killed = await runRounds(join(directory, 'killed'), rounds, options)
    const whole = await runRounds(join(directory, 'whole'), rounds, undefined)
    return {
      kills: killed.kills,
      requests: rounds.flat().length,
      events: whole.events.size,
      alerts: whole.alerts.size,
      missingEvents: difference(whole.events, killed.events),
      strangeEvents: difference(killed.events, whole.events),
      missingAlerts: difference(whole.alerts, killed.alerts),
      strangeAlerts: difference(killed.alerts, whole.alerts),
      undelivered: difference(whole.alerts, killed.delivered),
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function recordRounds(count: number): Promise<readonly (readonly Uint8Array[])[]> {
  const sessions = await readSessions(DEMO)
  const rounds: (readonly Uint8Array[])[] = []
  let startMs = START_MS
  for (let round = 0; round < count; round += 1) {
    const { bodies, endMs } = await recordSessions(sessions, `round-${round}`, startMs)
    rounds.push(bodies)
    // An hour apart: the same cause in two rounds is not one alert.
    startMs = endMs + 3_600_000
  }
  return rounds
}

interface Outcome {
  readonly kills: number
  readonly events: ReadonlySet<string>
  readonly alerts: ReadonlySet<string>
  readonly delivered: ReadonlySet<string>
}

/** Sends all rounds to a Telltale of its own; with `killing`, one kill comes in every round. */
async function runRounds(
  directory: string,
  rounds: readonly (readonly Uint8Array[])[],
  killing: KillOptions | undefined,
): Promise<Outcome> {
  await mkdir(directory, { recursive: true })
  const delivered = new Set<string>()
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const receiver = await openReceiver(secret, (alert) => delivered.add(alert.alert_id))
  const victim = await Victim.prepare(directory, receiver, secret)
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
  }
}

class Victim {
  kills = 0
  readonly #config: string
  readonly #directory: string
  readonly #otlp: string
  readonly #api: string
  #process: ChildProcess | undefined
  #up: Promise<void> = Promise.resolve()

  private constructor(directory: string, config: string, otlpPort: number, apiPort: number) {
    this.#directory = directory
    this.#config = config
    this.#otlp = `http://127.0.0.1:${otlpPort}`
    this.#api = `http://127.0.0.1:${apiPort}`
  }

  static async prepare(directory: string, receiver: Receiver, secret: string): Promise<Victim> {
    const [otlpHttp, otlpGrpc, api] = [await freePort(), await freePort(), await freePort()]
    const config = join(directory, 'telltale.yml')
    // JSON is YAML.
    await writeFile(
      config,
      JSON.stringify({
        data: './data',
        listen: { otlp_http_port: otlpHttp, otlp_grpc_port: otlpGrpc, api_port: api },
        sinks: [{ type: 'webhook', name: 'receiver', url: receiver.url, secret, allow: ['127.0.0.0/8'] }],
      }),
    )
    return new Victim(directory, config, otlpHttp, api)
  }

  start(): Promise<void> {
    this.#up = (async () => {
      const child = spawn(process.execPath, [CLI, 'start', '--config', this.#config], {
        cwd: this.#directory,
        // A group of its own, so that a kill reaches the embedded store's process, too.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      this.#process = child
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString('utf8')).slice(-4000)
      })
      const ready = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => (chunk.includes('Telltale is ready') ? resolve() : undefined))
      })
      const died = new Promise<never>((_resolve, reject) => {
        child.once('exit', (code, signal) => {
          if (signal !== 'SIGKILL') {
            reject(new Error(`Telltale ended by itself (${code ?? signal}): ${said}`))
          }
        })
      })
      died.catch(() => undefined)
      await Promise.race([ready, died])
    })()
    return this.#up
  }

  /** Every second kill takes the embedded store's process with it; else that process is left to notice. */
  async killAndRestart(): Promise<void> {
    await this.#up
    const child = this.#process as ChildProcess
    const gone = new Promise((resolve) => child.once('exit', resolve))
    process.kill(this.kills % 2 === 0 ? -(child.pid as number) : (child.pid as number), 'SIGKILL')
    this.kills += 1
    await gone
    await this.start()
  }

  /** Sends until it is acknowledged, as an exporter with patience would. */
  async send(body: Uint8Array): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      try {
        const headers = { 'content-type': 'application/x-protobuf' }
        const response = await fetch(`${this.#otlp}/v1/traces`, { method: 'POST', headers, body: Buffer.from(body) })
        await response.arrayBuffer()
        if (response.status === 200) {
          return
        }
      } catch {
        // Down at the moment.
      }
      await sleep(50)
    }
    throw new Error('a request was not acknowledged for half a minute')
  }

  /** Until nothing is behind and nothing is held. */
  async settle(): Promise<void> {
    const deadline = Date.now() + 60_000
    let quiet = 0
    while (quiet < 20) {
      const health = (await (await fetch(`${this.#api}/api/v1/health`)).json()) as { lag: Record<string, number> }
      quiet = Object.values(health.lag).every((behind) => behind === 0) ? quiet + 1 : 0
      if (Date.now() > deadline) {
        throw new Error(`not settled: ${JSON.stringify(health)}`)
      }
      await sleep(200)
    }
  }

  async ids(resource: string, field: string): Promise<ReadonlySet<string>> {
    const ids: string[] = []
    let next: string | undefined
    do {
      const query = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`
      const response = await fetch(`${this.#api}/api/v1/${resource}?limit=1000${query}`)
      const page = (await response.json()) as { items: Record<string, string>[]; next?: string }
      ids.push(...page.items.map((item) => item[field] as string))
      next = page.next
    } while (next !== undefined)
    const distinct = new Set(ids)
    if (distinct.size !== ids.length) {
      throw new Error(`${ids.length - distinct.size} ${resource} are visible twice`)
    }
    return distinct
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return
    }
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await Promise.race([gone, sleep(15_000).then(() => process.kill(-(child.pid as number), 'SIGKILL'))])
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function difference(one: ReadonlySet<string>, other: ReadonlySet<string>): readonly string[] {
  return [...one].filter((id) => !other.has(id))
}
