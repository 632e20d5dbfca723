import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import type { Bus } from '../bus.ts'
import { owning, record, stateOf } from '../consuming.contract.ts'
import { embeddedBench, readAll } from './embedded-bench.contract.ts'

const { newDirectory, openBus, closeBus } = embeddedBench()

describe('retention', () => {
  const KILOBYTE = 'x'.repeat(1000)

  /** Appends `count` records of about 1 kB, each a chunk of its own. */
  async function fill(bus: Bus, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      await bus.append('events', [record('a', KILOBYTE)])
    }
  }

  async function commitAll(bus: Bus, group: string): Promise<void> {
    await owning(bus, { group, topic: 'events' }, async (assignment) => {
      for (;;) {
        const read = await assignment.read({ maxRecords: 100, waitMs: 0 })
        const last = read.at(-1)
        if (last === undefined) {
          return
        }
        await assignment.commit({ next: last.offset + 1, outputs: [], state: [] })
      }
    })
  }

  test('keeps about as many bytes as told of what every group has read', async () => {
    const clock = new Clock()
    const bus = await openBus({ retention: { maxBytes: 10_000 }, sweepEveryMs: 5, now: clock.now })
    await commitAll(bus, 'known')
    await fill(bus, 50)
    await commitAll(bus, 'known')
    await fill(bus, 1)
    await clock.sweeps()
    const left = await readAll(bus, 'new')
    expect(left.length).toBeGreaterThanOrEqual(9)
    expect(left.length).toBeLessThanOrEqual(11)
  })

  test('keeps what one group has not read, however much another has', async () => {
    const clock = new Clock()
    const bus = await openBus({ retention: { maxBytes: 10_000 }, sweepEveryMs: 5, now: clock.now })
    await commitAll(bus, 'slow')
    await commitAll(bus, 'fast')
    await fill(bus, 50)
    await commitAll(bus, 'fast')
    await fill(bus, 1)
    await clock.sweeps()
    expect(await readAll(bus, 'slow')).toHaveLength(51)
  })

  test('keeps a chunk whole while a part of it is unread', async () => {
    const clock = new Clock()
    const directory = newDirectory()
    const bus = await openBus({ directory, retention: { maxBytes: 1 }, sweepEveryMs: 5, now: clock.now })
    await bus.append(
      'events',
      ['0', '1', '2', '3'].map((value) => record('a', value)),
    )
    await owning(bus, { group: 'known', topic: 'events' }, async (assignment) => {
      await assignment.read({ maxRecords: 2, waitMs: 0 })
      await assignment.commit({ next: 2, outputs: [], state: [] })
    })
    await fill(bus, 1)
    await clock.sweeps()
    // The newest records are in memory, too, whatever became of them on disk.
    await closeBus(bus)
    const after = await openBus({ directory, now: clock.now })
    expect((await readAll(after, 'known')).slice(0, 2)).toEqual(['2', '3'])
  })

  test('deletes by age what was read, without anybody appending', async () => {
    const clock = new Clock()
    const bus = await openBus({ retention: { maxAgeMs: 1000 }, sweepEveryMs: 5, now: clock.now })
    await fill(bus, 40)
    await commitAll(bus, 'known')
    clock.ms = 900
    await fill(bus, 3)
    clock.ms = 1500
    await clock.sweeps()
    expect(await readAll(bus, 'new')).toHaveLength(3)
  })

  test('survives a reopen: what is left is read from where it begins', async () => {
    const directory = newDirectory()
    const before = await openBus({ directory, retention: { maxBytes: 10_000 } })
    await fill(before, 50)
    await closeBus(before)
    const after = await openBus({ directory, retention: { maxBytes: 10_000 } })
    await after.append('events', [record('a', 'last')])
    const left = await readAll(after)
    expect(left.length).toBeLessThan(13)
    expect(left.at(-1)).toBe('last')
  })

  test('uses freed space again: the file stays near what it holds', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory, retention: { maxBytes: 1_000_000 }, sync: false })
    const big = Array.from({ length: 100 }, () => record('a', KILOBYTE))
    for (let append = 0; append < 200; append += 1) {
      await bus.append('events', big)
    }
    expect(statSync(join(directory, 'data.mdb')).size).toBeLessThan(4_000_000)
  })

  test('never loses what is unread: a full topic refuses appends, and takes them again once it was read', async () => {
    const bus = await openBus({ retention: { maxBytes: 5_000 }, maxBacklogBytes: 20_000 })
    await commitAll(bus, 'known')
    await expect(fill(bus, 100)).rejects.toThrow(Unavailable)
    await expect(bus.append('events', [record('a', 'x')])).rejects.toThrow(
      /events holds \d+ bytes that not every consumer has read/,
    )
    await bus.append('alerts', [record('a', 'other topics are not full')])
    await commitAll(bus, 'known')
    await commitAll(bus, 'known')
    await bus.append('events', [record('a', 'x')])
  })

  test('refuses nothing for what it keeps although it was read', async () => {
    const bus = await openBus({ retention: { maxBytes: 5_000 }, maxBacklogBytes: 2_000 })
    await commitAll(bus, 'known')
    for (let index = 0; index < 20; index += 1) {
      // The second finds the log as full as it may be of what was read, and the first on top.
      await fill(bus, 2)
      await commitAll(bus, 'known')
    }
    expect((await readAll(bus, 'new')).length).toBeGreaterThan(2)
  })

  test('forgets a group that nobody has consumed for long, with its state; a running one never', async () => {
    let nowMs = 0
    const bus = await openBus({
      retention: { maxBytes: 10_000 },
      forgetGroupsAfterMs: 1000,
      sweepEveryMs: 5,
      now: () => nowMs,
    })
    const state = [{ key: 'k', value: Buffer.from('v') }]
    await owning(bus, { group: 'removed', topic: 'events' }, (assignment) => {
      return assignment.commit({ next: 0, outputs: [], state })
    })
    const stop = new AbortController()
    const running = bus.consume(
      { group: 'idle', topic: 'events' },
      async (assignment, signal) => {
        await assignment.commit({ next: 0, outputs: [], state })
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      stop.signal,
    )
    await until(async () => (await bus.lag()).length === 2)
    nowMs = 5000
    await until(async () => (await bus.lag()).length === 1)
    expect(await bus.lag()).toMatchObject([{ group: 'idle' }])
    stop.abort()
    await running
    expect(await stateIn(bus, 'removed')).toEqual([])
    expect(await stateIn(bus, 'idle')).toEqual(['k'])
  })

  test('does not forget a group over a long downtime before its consumer had time to start', async () => {
    const directory = newDirectory()
    const before = await openBus({ directory, now: () => 0 })
    await commitAll(before, 'back-soon')
    await closeBus(before)
    const clock = new Clock()
    clock.ms = 30 * 24 * 3600 * 1000
    const after = await openBus({ directory, now: clock.now, sweepEveryMs: 5 })
    await clock.sweeps()
    expect(await after.lag()).toMatchObject([{ group: 'back-soon' }])
  })
})

async function stateIn(bus: Bus, group: string): Promise<string[]> {
  return [...(await owning(bus, { group, topic: 'events' }, stateOf)).keys()]
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The clock of a bus, which knows when it was swept: each sweep asks for the time a few times. */
class Clock {
  ms = 0
  #asked = 0

  now = (): number => {
    this.#asked += 1
    return this.ms
  }

  /** Resolves after several sweeps. To look for their effect instead would need a group, which holds retention back. */
  async sweeps(): Promise<void> {
    const enough = this.#asked + 50
    await until(async () => this.#asked >= enough)
  }
}
