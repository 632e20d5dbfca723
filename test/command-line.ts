/** Telltale's command line as a process: what tests type, and what they read. Needs `npm run build`; `npm test` does it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'

export const CLI: string = resolve('dist/cli.js')

/** What makes new, empty directories for the tests of one file; they go when all of these have run. */
export function directories(prefix: string): () => string {
  const root = mkdtempSync(join(tmpdir(), prefix))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  return () => mkdtempSync(join(root, '/'))
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with all of stdout as soon as it holds the text; rejects when the process ends without. */
  says(text: string): Promise<string>
}

/** Starts `telltale ARGS...` in a directory of its own, where no configuration lies around. */
export function start(args: readonly string[], directory: string): Running {
  if (!existsSync(CLI)) {
    throw new Error('dist/cli.js is missing: npm run build')
  }
  const child = spawn(process.execPath, [CLI, ...args], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  const ended = new Promise<Ended>((end) => {
    child.once('close', (code, signal) => end({ code, signal, ...said }))
  })
  const says = (text: string) =>
    new Promise<string>((heard, failed) => {
      const listen = () => (said.stdout.includes(text) ? heard(said.stdout) : undefined)
      child.stdout.on('data', listen)
      listen()
      void ended.then(({ code, stdout, stderr }) => {
        failed(new Error(`ended with ${code} before it said '${text}': ${stdout}${stderr}`))
      })
    })
  return { child, ended, says }
}

/** Runs `telltale ARGS...` to its end. */
export function run(args: readonly string[], directory: string): Promise<Ended> {
  return start(args, directory).ended
}

/** Where a running Telltale says that it listens. */
export function addresses(said: string): { readonly http: string; readonly grpc: string; readonly api: string } {
  const of = (name: string) => new RegExp(`${name} +(http://[^/\\s]+)`).exec(said)?.[1] ?? ''
  return { http: of('OTLP/HTTP'), grpc: of('OTLP/gRPC'), api: of('API') }
}

/** A server that holds a port that others want. */
export async function occupiedPort(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { readonly port: number }
  return { port, close: () => new Promise((closed) => server.close(() => closed())) }
}
