/**
 * A program of this folder, run as a process of its own so that it can be killed. It is compiled first, because a
 * plain Node process does not read TypeScript.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** How often each test kills. More finds more: rare faults have needed hundreds. */
export const KILLS = Number(process.env.TELLTALE_KILLS ?? 20)

export interface Compiled {
  /** The program's JavaScript. */
  readonly path: string
  remove(): void
}

/** Compiles a program of this folder and what it imports, inside the checkout so that packages are found. */
export function compile(program: string): Compiled {
  const cache = join(ROOT, 'node_modules/.telltale')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'crash-'))
  const source = join(ROOT, 'test/crash', program)
  const config = {
    extends: relative(folder, join(ROOT, 'tsconfig.build.json')),
    compilerOptions: { incremental: false, tsBuildInfoFile: null, rootDir: relative(folder, ROOT), outDir: '.' },
    include: [],
    files: [relative(folder, source)],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'inherit' })
  const path = join(folder, 'test/crash', program.replace(/\.ts$/, '.js'))
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface Victim {
  /** Whole lines that it has written. What it wrote last may be cut by the kill. */
  readonly lines: readonly string[]
  /** Resolves at the first line. Rejects when it ends before. */
  readonly started: Promise<void>
  /** Resolves once it has said so many lines. Rejects when it ends before. */
  said(lines: number): Promise<void>
  /** Resolves when it has ended, with its exit code, or `null` when it was killed. */
  readonly ended: Promise<number | null>
  kill(): Promise<void>
}

export function run(program: Compiled, ...options: readonly string[]): Victim {
  return watch(spawn(process.execPath, [program.path, ...options], { stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** Runs it where no file can grow beyond some MiB: Node ignores the signal, so writes fail as on a full disk. */
export function runWithFileLimit(program: Compiled, mebibytes: number, ...options: readonly string[]): Victim {
  const script = `ulimit -f ${mebibytes * 1024} && exec "$@"`
  const args = ['-c', script, 'bash', process.execPath, program.path, ...options]
  return watch(spawn('bash', args, { stdio: ['ignore', 'pipe', 'ignore'] }))
}

function watch(child: ChildProcess): Victim {
  const lines: string[] = []
  let rest = ''
  const ended = new Promise<number | null>((resolveEnded) => child.on('close', (code) => resolveEnded(code)))
  const output = new EventEmitter()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    output.emit('lines')
  })
  const said = (count: number): Promise<void> =>
    new Promise((resolveSaid, reject) => {
      const look = (): void => {
        if (lines.length >= count) {
          output.off('lines', look)
          resolveSaid()
        }
      }
      output.on('lines', look)
      look()
      void ended.then((code) => reject(new Error(`the program ended with ${code} after ${lines.length} lines`)))
    })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { lines, started: said(1), said, ended, kill }
}

/** Numbers in [0, 1) that only the seed decides (mulberry32), so that a failing run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
