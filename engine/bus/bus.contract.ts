/**
 * What every bus must do, whatever it is made of. A member passes when `busContract` is green on it; the embedded
 * one runs it beside its own tests, Kafka where a broker is at hand.
 */
import fc from 'fast-check'
import { afterEach, describe, test } from 'vitest'
import type { Bus } from './bus.ts'
import { committingContract } from './committing.contract.ts'
import { type Buses, PATIENCE_MS } from './consuming.contract.ts'
import { busModelProperty } from './histories.contract.ts'
import { recordsContract } from './records.contract.ts'

export interface BusFactoryOptions {
  /** Opening the same name again, after `close`, gives the same log. Unique per test. */
  readonly name: string
  /** Per topic. Default 1. */
  readonly partitions?: number
}

export type BusFactory = (options: BusFactoryOptions) => Promise<Bus>

export interface BusLimits {
  readonly largestRecordBytes: number
  /** How many histories are tried; fewer where a bus is slow to open. Default 40. */
  readonly histories?: number
}

export function busContract(kind: string, open: BusFactory, limits: BusLimits): void {
  const opened = new Set<Bus>()
  let names = 0
  const buses: Buses = {
    open: async (options = {}) => {
      const bus = await open({ name: buses.uniqueName(), ...options })
      opened.add(bus)
      return bus
    },
    close: async (bus) => {
      opened.delete(bus)
      await bus.close()
    },
    uniqueName: () => {
      names += 1
      return `contract-${process.pid}-${names}`
    },
  }

  afterEach(async () => {
    await Promise.all([...opened].map(buses.close))
  })

  recordsContract(kind, buses, limits)
  committingContract(kind, buses)

  describe(`${kind} bus: any history`, { timeout: 2 * PATIENCE_MS }, () => {
    test('of appends, reads, commits and reopens behaves like the model', async () => {
      const numRuns = limits.histories ?? 40
      await fc.assert(busModelProperty(open, buses.uniqueName), { numRuns, endOnFailure: true })
    })
  })
}
