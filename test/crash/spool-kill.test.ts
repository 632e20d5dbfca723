import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openSpool } from '../../engine/spool.ts'
import { FileRemote, landedIn } from './file-remote.ts'
import { type Compiled, compile, KILLS, run, runWithFileLimit, seeded } from './victim.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-spool-kill-'))
const PATIENCE_MS = 30_000 + KILLS * 5000

const programs: Compiled[] = []

function compiled(program: string): Compiled {
  const made = compile(program)
  programs.push(made)
  return made
}

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
  for (const program of programs) {
    program.remove()
  }
})

describe(`a spool that is killed with kill -9, ${KILLS} times (TELLTALE_KILLS)`, () => {
  test('brings all that it acknowledged to the bus, in order', { timeout: PATIENCE_MS }, async () => {
    const program = compiled('spool.ts')
    const random = seeded(3)
    const directory = join(home, 'spool')
    const bus = join(home, 'bus')
    const acknowledged: string[] = []
    let killsWithSpooled = 0
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const victim = run(program, directory, bus, `${kill}`)
      await victim.said(1 + Math.floor(random() * 2000))
      await victim.kill()
      acknowledged.push(...victim.lines)
      // Most lives begin with what the one before left on disk.
      if (kill % 3 === 0 || kill === KILLS) {
        killsWithSpooled += (await drainAll(directory, bus)) > 0 ? 1 : 0
        const landed = landedIn(bus)
        const there = new Set(landed)
        expect(acknowledged.filter((record) => !there.has(record))).toEqual([])
        expect(overtaken(landed)).toEqual([])
      }
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS * 10)
    expect(killsWithSpooled).toBeGreaterThan(0)
  })
})

describe.skipIf(process.platform === 'win32')('a disk that is full (a limit on file size stands in for it)', () => {
  test('refuses what it has no room for, and is drained under clients that go on trying', async () => {
    const victim = runWithFileLimit(compiled('spool-full.ts'), 8, join(home, 'full'))
    expect(await victim.ended).toBe(0)
    const said = (what: string) =>
      victim.lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1))
    expect(said('taken').length).toBeGreaterThan(20)
    expect(new Set(said('refused'))).toEqual(new Set(['Unavailable']))
    expect([...new Set(said('landed'))]).toEqual(said('taken'))
  })
})

/** Drains the spool to a bus that takes everything; answers how many records it found. */
async function drainAll(directory: string, bus: string): Promise<number> {
  const remote = new FileRemote(bus)
  const spool = await openSpool({ directory, remote })
  const found = spool.state.records
  const left = await spool.close(60_000)
  remote.close()
  expect(left).toMatchObject({ isSpooling: false, records: 0 })
  return found
}

/** Records that landed after one of their key that was appended later. */
function overtaken(landed: readonly string[]): string[] {
  const last = new Map<string, readonly number[]>()
  return landed.filter((record) => {
    const [key = '', place = ''] = record.replace(';', '').split(' ')
    const numbers = place.split('.').map(Number)
    const before = last.get(key) ?? []
    last.set(key, numbers)
    return isBefore(numbers, before)
  })
}

function isBefore(place: readonly number[], other: readonly number[]): boolean {
  const differing = place.findIndex((number, index) => number !== other[index])
  return differing >= 0 && (place[differing] ?? 0) < (other[differing] ?? -1)
}
