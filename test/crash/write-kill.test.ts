import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'
import { runWriter, WRITE_GROUP } from '../../engine/write.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { hasChdb } from '../../store/chdb/installed.contract.ts'
import { openStore } from '../../store/clickhouse.ts'
import type { Store } from '../../store/store.ts'
import { compile, KILLS, run, seeded } from './victim.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-write-kill-'))
const PATIENCE_MS = 120_000 + KILLS * 15_000

afterAll(() => rmSync(home, { recursive: true, force: true }))

describe.skipIf(!hasChdb)(
  `the store after kill -9, ${KILLS} times (TELLTALE_KILLS; needs the optional package chdb)`,
  () => {
    it('has every acknowledged event, once, in its newest version', { timeout: PATIENCE_MS }, async () => {
      const program = compile('write.ts')
      const random = seeded(3)
      const acknowledged = new Map<string, number>()
      let storedBeforeKill = 0
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const victim = run(program, home, `${kill}`)
        await victim.started
        await sleep(random() * 1500)
        if (kill % 3 === 0) {
          killEngine(victim.lines)
          await sleep(random() * 1000)
        }
        await victim.kill()
        for (const line of victim.lines) {
          const [what, seed = '', count] = line.split(' ')
          if (what === 'acknowledged') {
            acknowledged.set(seed, Number(count))
          } else if (what === 'stored') {
            storedBeforeKill += 1
          }
        }
      }
      program.remove()
      const { shown, rows } = await drain()

      const missing: string[] = []
      for (const [seed, count] of acknowledged) {
        for (let number = 0; number < count; number += 1) {
          const version = shown.get(`${seed}.${number}`)
          if (version !== (number % 10 === 0 ? 'amended' : 'plain')) {
            missing.push(`${seed}.${number} is ${version}`)
          }
        }
      }
      expect(missing).toEqual([])
      expect(rows).toBe(shown.size)
      // Else it was not the writer that was killed.
      expect(storedBeforeKill).toBeGreaterThan(KILLS)
      expect(shown.size).toBeGreaterThan(KILLS * 50)
      console.log(`${KILLS} kills: ${shown.size} events shown, 0 missing, 0 twice`)
    })
  },
)

function killEngine(lines: readonly string[]): void {
  const pid = Number(lines.find((line) => line.startsWith('engine '))?.split(' ')[1])
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** Writes what is left, then reads all that is shown. */
async function drain(): Promise<{ shown: Map<string, 'plain' | 'amended'>; rows: number }> {
  const bus = await openEmbeddedBus({ directory: join(home, 'bus'), sync: false })
  const store = await openStore({ embedded: { directory: join(home, 'store') } })
  const stop = new AbortController()
  const running = runWriter({ bus, store, signal: stop.signal })
  const isDone = async () =>
    (await bus.lag()).every(({ group, committed, end }) => group !== WRITE_GROUP || committed === end)
  do {
    await Promise.race([running, sleep(100)])
  } while (!(await isDone()))
  stop.abort()
  await running
  try {
    return await everything(store)
  } finally {
    await store.close()
    await bus.close()
  }
}

async function everything(store: Store): Promise<{ shown: Map<string, 'plain' | 'amended'>; rows: number }> {
  const shown = new Map<string, 'plain' | 'amended'>()
  let rows = 0
  let cursor: string | undefined
  do {
    const page = await store.events({ tenant: 'default', limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
    for (const { attributes } of page.items as readonly Telemetry[]) {
      shown.set(String(attributes.id), attributes.amended === true ? 'amended' : 'plain')
    }
    rows += page.items.length
    cursor = page.next
  } while (cursor !== undefined)
  return { shown, rows }
}
