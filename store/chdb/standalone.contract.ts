/**
 * For tests: a real ClickHouse server with its HTTP and native interfaces, of the library that the embedded engine is.
 *
 * chDB holds the whole of clickhouse-local, which listens when it is told to. Node cannot call it, so Python does,
 * from its standard library. What it has not: the interface by which replicas fetch parts, and the worker of
 * `ON CLUSTER`. Replicated tables can be made with a keeper at hand, and stay read-only.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { hasChdb } from './installed.contract.ts'

/** Dies with its parent (PR_SET_PDEATHSIG), however that ends. */
const LAUNCHER = `import ctypes, sys
ctypes.CDLL(None).prctl(1, 9)
arguments = [b'clickhouse'] + [argument.encode() for argument in sys.argv[2:]]
ctypes.CDLL(sys.argv[1]).chdb_query_cmdline(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))`

export const hasStandalone = hasChdb && process.platform === 'linux' && hasPython()

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import ctypes'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface StandaloneOptions {
  readonly directory: string
  readonly http: number
  readonly tcp: number
  /** Elements of its configuration: `remote_servers`, `macros`. */
  readonly configuration?: string
  /** Elements below `users`, beside `default`, who may do everything and has no password. */
  readonly users?: string
}

export class Standalone {
  readonly url: string
  readonly #options: StandaloneOptions
  #child: ChildProcess | undefined

  constructor(options: StandaloneOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.http}`
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { directory, http, tcp, configuration = '', users = '' } = this.#options
    mkdirSync(directory, { recursive: true })
    const library = join(
      dirname(createRequire(import.meta.url).resolve(`@chdb/lib-linux-${process.arch}-gnu`)),
      'libchdb.so',
    )
    const usersFile = join(directory, 'users.xml')
    const file = join(directory, 'config.xml')
    const rights = '<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>'
    writeFileSync(
      usersFile,
      `<clickhouse><profiles><default/><readonly><readonly>1</readonly></readonly></profiles><quotas><default/></quotas>
<users><default><password/>${rights}</default>${users}</users></clickhouse>`,
    )
    writeFileSync(
      file,
      `<clickhouse><logger><level>none</level></logger><users_config>${usersFile}</users_config>
<max_server_memory_usage>2000000000</max_server_memory_usage>${configuration}</clickhouse>`,
    )
    const statements = [
      'SYSTEM START LISTEN TCP',
      'SYSTEM START LISTEN HTTP',
      // It ends with its last statement.
      'SELECT sleepEachRow(1) FROM system.numbers FORMAT Null SETTINGS max_block_size = 1',
    ]
    const listening = ['--listen_host', '127.0.0.1', '--tcp_port', String(tcp), '--http_port', String(http)]
    const place = ['--config-file', file, '--path', join(directory, 'data')]
    const told = ['--multiquery', '--query', statements.join(';')]
    this.#child = spawn('python3', ['-c', LAUNCHER, library, ...place, ...listening, ...told], { stdio: 'ignore' })
    for (;;) {
      if (this.#child.exitCode !== null) {
        throw new Error('The ClickHouse server ended')
      }
      const up = await fetch(`${this.url}/ping`).catch(() => undefined)
      if (up?.ok) {
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Runs statements as the user `default`, and gives what it says: rows, or the error. */
  async say(statement: string): Promise<string> {
    return await (await fetch(this.url, { method: 'POST', body: statement })).text()
  }

  /** SIGSTOP and SIGCONT freeze it and let it go on; SIGKILL ends it, and `start` begins it again. */
  async signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    const ended = new Promise<void>((resolve) => {
      if (signal !== 'SIGKILL' || child === undefined || child.exitCode !== null || child.signalCode !== null) {
        resolve()
      } else {
        child.once('exit', () => resolve())
      }
    })
    child?.kill(signal)
    await ended
  }
}
