/**
 * Keeps the embedded engine running: starts its child process, restarts it when it dies, stops it with us.
 *
 * The engine is not the source of truth, the log is. So a directory that will not open is moved aside, loudly, and
 * a fresh one is begun; it is never deleted.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Misconfigured, Unavailable } from '../../schema/errors.ts'
import { type Command, type Report, SERVER_MODULE, type ServeOptions } from './server.ts'

export interface EmbeddedOptions {
  /** Holds the engine's files (`chdb/`), its socket and its spool. One process at a time. */
  readonly directory: string
  /** Of the engine, merges and queries together. Default 1 GiB. */
  readonly maxMemoryBytes?: number
  /** A reading port on 127.0.0.1 for dashboards. Default none. */
  readonly reading?: ServeOptions['reading']
  /** How long to wait for another process to let go of the directory. Default 15 s. */
  readonly lockWaitMs?: number
  /** What an operator should know: crashes, restarts, a directory moved aside. */
  readonly onEvent?: (event: EmbeddedEvent) => void
}

export type EmbeddedEvent =
  | { readonly type: 'restarted'; readonly restarts: number }
  | { readonly type: 'crashed'; readonly message: string }
  /** Stored rows are in `to` and no longer in the store; what the log still holds can be written again. */
  | { readonly type: 'moved_aside'; readonly from: string; readonly to: string; readonly message: string }

export interface EmbeddedHealth {
  readonly state: 'running' | 'restarting' | 'closed'
  readonly restarts: number
  readonly pid: number | undefined
  readonly lastError: string | undefined
}

export interface Embedded {
  readonly socketPath: string
  readingPort(): number | undefined
  health(): EmbeddedHealth
  close(): Promise<void>
}

const DEFAULT_MEMORY_BYTES = 1024 ** 3
const START_TIMEOUT_MS = 60_000
const MAX_BACKOFF_MS = 10_000
/** Starts that must fail in a row before the directory, not the moment, is blamed. */
const ATTEMPTS_BEFORE_MOVING = 3

/**
 * Starts the engine and resolves when it answers.
 *
 * @throws Misconfigured when chDB is not installed or another process has the directory.
 * @throws Unavailable when the machine refuses (disk full, no memory, no permission).
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const supervisor = new Supervisor(options, {
    directory: join(directory, 'chdb'),
    spoolDirectory: join(directory, 'spool'),
    socketPath: socketPathFor(directory),
    maxMemoryBytes: options.maxMemoryBytes ?? DEFAULT_MEMORY_BYTES,
    ...(options.reading === undefined ? {} : { reading: options.reading }),
  })
  await supervisor.start()
  return supervisor
}

/** Why a start failed, as far as it decides what to do next. */
class StartFailed extends Error {
  readonly why: 'missing' | 'locked' | 'machine' | 'directory'

  constructor(why: StartFailed['why'], message: string) {
    super(message)
    this.name = 'StartFailed'
    this.why = why
  }
}

class Supervisor implements Embedded {
  readonly socketPath: string
  private readonly options: EmbeddedOptions
  private readonly serve: ServeOptions
  private child: ChildProcess | undefined
  private state: EmbeddedHealth['state'] = 'restarting'
  private restarts = 0
  private lastError: string | undefined
  private port: number | undefined
  private readonly closing = new AbortController()

  constructor(options: EmbeddedOptions, serve: ServeOptions) {
    this.options = options
    this.serve = serve
    this.socketPath = serve.socketPath
  }

  readingPort(): number | undefined {
    return this.port
  }

  health(): EmbeddedHealth {
    return { state: this.state, restarts: this.restarts, pid: this.child?.pid, lastError: this.lastError }
  }

  async start(): Promise<void> {
    const lockDeadlineMs = Date.now() + (this.options.lockWaitMs ?? 15_000)
    for (let failures = 1; ; failures += 1) {
      try {
        await this.launch()
        return
      } catch (error) {
        if (!(error instanceof StartFailed)) {
          throw error
        }
        this.lastError = error.message
        const why = error.why === 'directory' && (await isServed(this.socketPath)) ? 'locked' : error.why
        await this.afterFailedStart(new StartFailed(why, error.message), failures, lockDeadlineMs)
      }
    }
  }

  /** Returns when another start is worth while; throws what the operator must know when not. */
  private async afterFailedStart(error: StartFailed, failures: number, lockDeadlineMs: number): Promise<void> {
    const { directory } = this.serve
    switch (error.why) {
      case 'missing':
        throw new Misconfigured([
          {
            file: 'store',
            message: 'the embedded store needs the package chdb, which is not installed or not made for this machine',
            suggestion: 'npm install chdb (Linux with glibc, macOS), or set store.url to a ClickHouse server',
          },
        ])
      case 'machine':
        throw new Unavailable(`The embedded store cannot open ${directory}: ${error.message}`, { cause: error })
      case 'locked':
        // A process that was killed may need a moment to let go.
        if (Date.now() > lockDeadlineMs) {
          throw new Misconfigured([
            {
              file: directory,
              message: 'another process uses this data directory',
              suggestion: 'stop it, or give this one a data directory of its own',
            },
          ])
        }
        break
      case 'directory':
        if (failures > ATTEMPTS_BEFORE_MOVING) {
          throw new Unavailable(`The embedded store does not start: ${error.message}`, { cause: error })
        }
        if (failures === ATTEMPTS_BEFORE_MOVING) {
          this.moveAside(error.message)
        }
    }
    await sleep(200, undefined, { signal: this.closing.signal })
  }

  private moveAside(message: string): void {
    const from = this.serve.directory
    const to = `${from}.broken-${new Date().toISOString().replaceAll(':', '-')}`
    if (existsSync(from)) {
      renameSync(from, to)
      this.options.onEvent?.({ type: 'moved_aside', from, to, message })
    }
  }

  private async launch(): Promise<void> {
    const child = fork(serverEntry(), [], {
      execArgv: [],
      // Not our environment: secrets in it are no business of the engine.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH, TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    // It ends when our end of the channel closes, so it must not keep us alive.
    child.unref()
    child.channel?.unref()
    this.child = child
    try {
      this.port = await started(child, this.serve, this.closing.signal)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
    this.state = 'running'
    child.once('exit', (code, signal) => this.onExit(`the engine ended (${signal ?? `exit code ${code}`})`))
  }

  private onExit(message: string): void {
    if (this.closing.signal.aborted) {
      return
    }
    this.state = 'restarting'
    this.lastError = message
    this.options.onEvent?.({ type: 'crashed', message })
    void this.restart()
  }

  private async restart(): Promise<void> {
    for (let attempt = 0; !this.closing.signal.aborted; attempt += 1) {
      try {
        await sleep(Math.min(MAX_BACKOFF_MS, 100 * 2 ** attempt), undefined, { signal: this.closing.signal })
        await this.start()
        this.restarts += 1
        this.options.onEvent?.({ type: 'restarted', restarts: this.restarts })
        return
      } catch (error) {
        // Nobody waits for this call: health() tells, and the next attempt follows.
        this.lastError = error instanceof Error ? error.message : String(error)
      }
    }
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.state = 'closed'
    const child = this.child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return
    }
    const exited = new Promise((done) => child.once('exit', done))
    child.ref()
    if (child.connected) {
      child.send({ type: 'stop' } satisfies Command)
    }
    const late = setTimeout(() => child.kill('SIGKILL'), 5000)
    await exited
    clearTimeout(late)
  }
}

/** Resolves with the reading port once the child serves. */
function started(child: ChildProcess, options: ServeOptions, signal: AbortSignal): Promise<number | undefined> {
  let complaint = ''
  let failure: (Report & { readonly type: 'failed' }) | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-2000)
  })
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail(new StartFailed('machine', 'no answer in a minute')), START_TIMEOUT_MS)
    const abort = () => fail(new Unavailable('The store is closing'))
    const settle = () => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
    }
    const fail = (error: Error) => {
      settle()
      reject(error)
    }
    signal.addEventListener('abort', abort)
    child.once('error', (error) => fail(new StartFailed('machine', error.message)))
    // After `exit`: the engine says on the error output, not in its error, that another process has the files.
    child.once('close', (code, signalName) => {
      const message = `${failure?.message ?? signalName ?? `exit code ${code}`} ${complaint}`.trim()
      fail(new StartFailed(failure?.missing ? 'missing' : causeOf(message), message))
    })
    child.once('message', (report: Report) => {
      if (report.type === 'failed') {
        failure = report
      } else {
        settle()
        // The pipe would keep us alive, too.
        ;(child.stderr as unknown as { unref?: () => void } | null)?.unref?.()
        resolve(report.readingPort)
      }
    })
    child.send({ type: 'start', options } satisfies Command)
  })
}

/** Whether somebody answers on the socket: then its directory is in use, whatever the engine says. */
function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function causeOf(message: string): StartFailed['why'] {
  if (/Code: 76\b|Cannot lock file/.test(message)) {
    return 'locked'
  }
  return /No space left|NOT_ENOUGH_SPACE|Permission denied|EACCES|EROFS|ENOSPC|EMFILE|Cannot allocate|MEMORY_LIMIT|EADDRINUSE/.test(
    message,
  )
    ? 'machine'
    : 'directory'
}

/** Socket addresses hold about 100 bytes; a longer path moves to a private directory in the temporary one. */
function socketPathFor(directory: string): string {
  const path = join(directory, 'chdb.sock')
  if (Buffer.byteLength(path) <= 100) {
    return path
  }
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16)
  const place = join(tmpdir(), `telltale-${userInfo().uid}-${name}`)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(place)
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) {
    throw new Misconfigured([
      { file: place, message: 'is open to others, and the path of the data directory is too long for a socket' },
    ])
  }
  return join(place, 'chdb.sock')
}

/**
 * The compiled child. Under vitest this file runs as TypeScript, which Node 20 cannot start as a process: then the
 * build is used (`npm test` makes it first).
 */
function serverEntry(): string {
  if (!SERVER_MODULE.endsWith('.ts')) {
    return fileURLToPath(SERVER_MODULE)
  }
  const built = fileURLToPath(new URL('../../dist/store/chdb/server.js', SERVER_MODULE))
  if (!existsSync(built)) {
    throw new Error(`${built} is missing: run npm run build`)
  }
  return built
}
