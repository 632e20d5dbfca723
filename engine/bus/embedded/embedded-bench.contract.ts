/** What the tests of the embedded bus share: buses in directories of their own, closed after each test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import type { Bus } from '../bus.ts'
import { owning, text } from '../consuming.contract.ts'
import { type EmbeddedBusOptions, openEmbeddedBus } from '../embedded.ts'

export interface Bench {
  readonly home: string
  newDirectory(): string
  openBus(options?: Partial<EmbeddedBusOptions>): Promise<Bus>
  closeBus(bus: Bus): Promise<void>
}

/** Call once per test file. */
export function embeddedBench(): Bench {
  const home = mkdtempSync(join(tmpdir(), 'telltale-bus-'))
  const buses = new Set<Bus>()
  let made = 0
  const newDirectory = (): string => {
    made += 1
    return join(home, `d${made}`)
  }
  const closeBus = async (bus: Bus): Promise<void> => {
    buses.delete(bus)
    await bus.close()
  }
  afterEach(async () => {
    await Promise.all([...buses].map(closeBus))
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  return {
    home,
    newDirectory,
    openBus: async (options = {}) => {
      const bus = await openEmbeddedBus({ directory: newDirectory(), ...options })
      buses.add(bus)
      return bus
    },
    closeBus,
  }
}

/** What a new group reads of the events. */
export async function readAll(bus: Bus, group = 'reader'): Promise<string[]> {
  return owning(bus, { group, topic: 'events' }, async (assignment) => {
    const values: string[] = []
    for (;;) {
      const read = await assignment.read({ maxRecords: 100, waitMs: 0 })
      if (read.length === 0) {
        return values
      }
      values.push(...read.map(({ value }) => text(value)))
    }
  })
}
