/** Telltale as a process of its own, with ports and a data directory of its own: what measurements drive and kill. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packagePath } from '../package-files.ts'
import { freePorts } from '../test/free-ports.ts'

const CLI = packagePath('dist/cli.js')
/** As the command and `npm start` have them. */
export const NODE_FLAGS = ['--max-semi-space-size=64', '--v8-pool-size=2'] as const
/** What is held goes on after two seconds; then some room. */
const LONGEST_HOLD_MS = 3000

const ANSWER_MS = 10_000
/** How much of what a process writes is kept, in UTF-16 units. */
const SAID_LENGTH = 8000

/** What of a process's health is looked at. */
export interface ProcessHealth {
  /** Of every group, by group and topic; empty while the bus cannot tell. */
  readonly lag: Readonly<Record<string, number>>
  readonly spool?: { readonly records: number }
}

export class TelltaleProcess {
  kills = 0
  readonly #config: string
  readonly #directory: string
  readonly #stages: readonly string[]
  readonly otlp: string
  readonly otlpGrpc: string
  readonly api: string
  #process: ChildProcess | undefined
  #up: Promise<void> = Promise.resolve()
  /** Why it ended, when nobody had asked it to. */
  #ended: Error | undefined
  #said = ''

  private constructor(
    directory: string,
    config: string,
    stages: readonly string[],
    [otlpPort, grpcPort, apiPort]: readonly [number, number, number],
  ) {
    this.#directory = directory
    this.#stages = stages
    this.#config = config
    this.otlp = `http://127.0.0.1:${otlpPort}`
    this.otlpGrpc = `http://127.0.0.1:${grpcPort}`
    this.api = `http://127.0.0.1:${apiPort}`
  }

  /**
   * @param settings of telltale.yml, over the ports and the data directory that it gets anyway.
   * @param stages as on the command line; default all.
   */
  static async prepare(
    directory: string,
    settings: Readonly<Record<string, unknown>>,
    stages: readonly string[] = ['start'],
  ): Promise<TelltaleProcess> {
    if (!existsSync(CLI)) {
      throw new Error('dist/cli.js is missing: npm run build')
    }
    await mkdir(directory, { recursive: true })
    const [otlpHttp = 0, otlpGrpc = 0, api = 0] = await freePorts(3)
    const config = join(directory, 'telltale.yml')
    // JSON is YAML.
    await writeFile(
      config,
      JSON.stringify({
        data: './data',
        listen: { otlp_http_port: otlpHttp, otlp_grpc_port: otlpGrpc, api_port: api },
        ...settings,
      }),
    )
    return new TelltaleProcess(directory, config, stages, [otlpHttp, otlpGrpc, api])
  }

  /** Resolves when the last start has come to be ready; rejects when it ended by itself. */
  get up(): Promise<void> {
    return this.#up
  }

  /** The end of what it wrote since its last start, logs included: for whoever has to say why it does not get on. */
  get said(): string {
    return this.#said
  }

  start(): Promise<void> {
    this.#up = (async () => {
      const child = spawn(process.execPath, [...NODE_FLAGS, CLI, ...this.#stages, '--config', this.#config], {
        cwd: this.#directory,
        // A group of its own, so that a kill reaches the embedded store's process, too.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      this.#process = child
      this.#said = ''
      const hear = (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString('utf8')).slice(-SAID_LENGTH)
      }
      child.stderr.on('data', hear)
      child.stdout.on('data', hear)
      const ready = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => (chunk.includes('Telltale is ready') ? resolve() : undefined))
      })
      const died = new Promise<never>((_resolve, reject) => {
        child.once('exit', (code, signal) => {
          if (signal !== 'SIGKILL' && this.#process !== undefined) {
            this.#ended = new Error(`${this.#stages.join(' ')} ended by itself (${code ?? signal}): ${this.#said}`)
            reject(this.#ended)
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
    await this.kill()
    await this.start()
  }

  /** SIGKILL, ready or not; resolves when the process is gone. @throws Error when it had ended by itself */
  async kill(): Promise<void> {
    if (this.#ended !== undefined) {
      throw this.#ended
    }
    const child = this.#process as ChildProcess
    const gone = new Promise((resolve) => child.once('exit', resolve))
    process.kill(this.kills % 2 === 0 ? -(child.pid as number) : (child.pid as number), 'SIGKILL')
    this.kills += 1
    await gone
  }

  /** SIGSTOP: connections stay open, and nothing answers. */
  freeze(): void {
    process.kill(-(this.#process?.pid as number), 'SIGSTOP')
  }

  thaw(): void {
    process.kill(-(this.#process?.pid as number), 'SIGCONT')
  }

  /** Sends until it is acknowledged, as an exporter with patience would. */
  async send(body: Uint8Array): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      if (await this.sendOnce(body)) {
        return
      }
      await sleep(50)
    }
    throw new Error('a request was not acknowledged for half a minute')
  }

  /** Whether it was acknowledged. */
  async sendOnce(body: Uint8Array): Promise<boolean> {
    try {
      const headers = { 'content-type': 'application/x-protobuf' }
      const signal = AbortSignal.timeout(10_000)
      const init = { method: 'POST', headers, body: Buffer.from(body), signal }
      const response = await fetch(`${this.otlp}/v1/traces`, init)
      await response.arrayBuffer()
      return response.status === 200
    } catch {
      // Down at the moment.
      return false
    }
  }

  /** Until nothing is behind: all that was sent is judged, delivered and stored. */
  async drain(): Promise<void> {
    const deadline = Date.now() + 120_000
    for (;;) {
      const lag = await this.lag()
      if (Object.values(lag).every((behind) => behind === 0)) {
        return
      }
      if (Date.now() > deadline) {
        throw new Error(`still behind: ${JSON.stringify(lag)}`)
      }
      await sleep(50)
    }
  }

  /** Records behind, by group and topic. */
  async lag(): Promise<Readonly<Record<string, number>>> {
    return (await this.health()).lag
  }

  async health(): Promise<ProcessHealth> {
    const response = await fetch(`${this.api}/api/v1/health`, { signal: AbortSignal.timeout(ANSWER_MS) })
    return (await response.json()) as ProcessHealth
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.api}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) })
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith(name))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** Until nothing is behind and nothing is held any more. */
  async settle(): Promise<void> {
    await sleep(LONGEST_HOLD_MS)
    await this.drain()
  }

  async ids(resource: string, field: string): Promise<ReadonlySet<string>> {
    const ids: string[] = []
    let next: string | undefined
    do {
      const query = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`
      const response = await fetch(`${this.api}/api/v1/${resource}?limit=1000${query}`)
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

  /** Processor seconds so far and anonymous memory, of Telltale itself and of the embedded store's process. */
  usage(): { readonly self: ProcessUsage; readonly store: ProcessUsage } {
    const pid = this.#process?.pid as number
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    const store = Number(children[0])
    return { self: usageOf(pid), store: store > 0 ? usageOf(store) : { cpuSeconds: 0, anonymousBytes: 0 } }
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return
    }
    const gone = new Promise((resolve) => child.once('exit', resolve))
    this.#process = undefined
    child.kill('SIGTERM')
    await Promise.race([gone, sleep(15_000).then(() => process.kill(-(child.pid as number), 'SIGKILL'))])
  }
}

export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly anonymousBytes: number
}

/** Linux counts in ticks of 10 ms. */
const TICKS_PER_SECOND = 100

export function usageOf(pid: number): ProcessUsage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    anonymousBytes: Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
  }
}
