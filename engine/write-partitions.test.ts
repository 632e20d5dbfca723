import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Unavailable } from '../schema/errors.ts'
import type { Store } from '../store/store.ts'
import { aborted } from './bus/aborted.ts'
import type { Assignment, Bus, BusRecord, Commit } from './bus/bus.ts'
import { embeddedBench } from './bus/embedded/embedded-bench.contract.ts'
import { partitionOf } from './bus/partition-of.ts'
import { type Change, changedAssignments } from './changed-assignments.contract.ts'
import { said, text } from './counting-stage.contract.ts'
import { type Failure, FlakyStore } from './flaky-store.contract.ts'
import { decode } from './records.ts'
import { runWriter, type WrittenBatch } from './write.ts'
import { isDeath, writeAll } from './write-all.contract.ts'

const { closeBus, ...bench } = embeddedBench()
const openBus = (partitions: number) => bench.openBus({ sync: false, partitions })

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A key of that partition. */
function keyOf(partition: number, partitions: number): string {
  for (let number = 0; ; number += 1) {
    if (partitionOf(`k${number}`, partitions) === partition) {
      return `k${number}`
    }
  }
}

/** A bus with these rows for each partition. */
async function busWith(...rows: readonly (readonly string[])[]): Promise<Bus> {
  const bus = await openBus(rows.length)
  const records = rows.flatMap((texts, partition) => texts.map((row) => said(keyOf(partition, rows.length), row)))
  await bus.append('events', records)
  return bus
}

const announces = ({ state }: Commit) => state.some(({ value }) => value !== undefined)

/** The bus, where one partition's first announcement ends otherwise. */
function announcing(bus: Bus, partition: number, end: (land: () => Promise<void>) => Promise<void>): Bus {
  let isFirst = true
  return changedAssignments(bus, (assignment): Change => {
    const commit = async (turn: Commit) => {
      const land = () => assignment.commit(turn)
      if (assignment.partition !== partition || !announces(turn) || !isFirst) {
        return await land()
      }
      isFirst = false
      return await end(land)
    }
    return { commit }
  })
}

/** Waits while timers stand still. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * A writer for which no time passes, so that a partition inserts when it has two rows and all others have two: what is
 * shown then was not waited for. Does not commit at the end.
 */
function writeWithoutWaiting(bus: Bus) {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const store = new FlakyStore()
  const stop = new AbortController()
  const batches: WrittenBatch[] = []
  const inserts: string[] = []
  const writing = runWriter({
    bus,
    store: store as Partial<Store> as Store,
    signal: stop.signal,
    topics: ['events'],
    limits: { maxRows: 2 },
    onBatch: (batch) => batches.push(batch),
    onInsert: (table) => inserts.push(table),
  })
  const end = async () => {
    stop.abort()
    vi.useRealTimers()
    await writing
  }
  return { store, batches, inserts, end }
}

async function lettersAbout(bus: Bus, partitions: number): Promise<string[]> {
  const bodies = new Set<string>()
  const stop = new AbortController()
  let left = partitions
  const look = async (assignment: Assignment) => {
    for (const { value } of await assignment.read({ maxRecords: 10_000, waitMs: 0 })) {
      bodies.add(Buffer.from(decode<DeadLetter>(value).value_base64 ?? '', 'base64').toString())
    }
    left -= 1
    if (left === 0) {
      stop.abort()
    }
  }
  await bus.consume({ group: 'look', topic: 'dead_letters' }, look, stop.signal)
  return [...bodies].sort()
}

describe('the writer of several partitions', () => {
  it('puts their batches into one insert, and tells of each', async () => {
    const { store, inserts, batches, end } = writeWithoutWaiting(await busWith(['a', 'b'], ['c', 'd'], ['e', 'f']))
    await until(() => batches.length === 3)
    await end()
    expect(store.attempts.length).toBe(1)
    expect([...store.rows].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(inserts).toEqual(['events'])
    const told = batches.map(({ partition, rows }) => [partition, rows])
    expect(told.sort()).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ])
  })

  it('has them ready at the same tick of one clock, whenever the first row of each came', async () => {
    const bus = await busWith(['a'], ['b'])
    const store = new FlakyStore()
    const now = performance.now.bind(performance)
    const MINUTE_MS = 60_000
    const isAheadMs = MINUTE_MS - 1000 - (now() % MINUTE_MS)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + isAheadMs)
    // A minute since the first row would be too late for this test.
    await writeAll(bus, store, { isPartitioned: true, limits: { intervalMs: MINUTE_MS } })
    expect([...store.rows].sort()).toEqual(['a', 'b'])
    expect(store.attempts.length).toBe(1)
  })

  it('tells once of an insert that failed, and tries again for all', async () => {
    const bus = await busWith(['a'], ['b'], ['c'])
    const store = new FlakyStore()
    store.failures = ['before']
    const retries: string[] = []
    await writeAll(bus, store, { onRetry: (of, _, error) => retries.push(`${of}: ${error.message}`) })
    expect([...store.rows].sort()).toEqual(['a', 'b', 'c'])
    expect(retries).toEqual(['store: down'])
  })

  it('tells the bus from the store where an announcement fails', async () => {
    const bus = announcing(await busWith(['a']), 0, () => Promise.reject(new Unavailable('nobody leads it')))
    const retries: string[] = []
    await writeAll(bus, new FlakyStore(), { onRetry: (of, _, error) => retries.push(`${of}: ${error.message}`) })
    expect(retries).toEqual(['bus: nobody leads it'])
  })

  it.each<Failure>(['death before', 'death after'])('loses and repeats nothing in any of them: %s', async (failure) => {
    const bus = await busWith(['a', 'b'], ['c'], ['d'])
    const store = new FlakyStore()
    store.failures = [failure]
    await expect(writeAll(bus, store)).rejects.toThrow('killed')
    await writeAll(bus, store)
    expect([...store.rows].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it.each([
    ['refused', ['death after']],
    ['inserted without the refused rows', ['fine', 'death before']],
    ['stored without the refused rows', ['fine', 'death after']],
  ] as const)(
    'loses nothing of others to refused rows of one, even when it dies as they are %s',
    async (_, failures) => {
      const bus = await busWith(['a', 'bad b', 'c'], ['d', 'e'], ['bad f'])
      const store = new FlakyStore()
      store.failures = [...failures]
      await expect(writeAll(bus, store)).rejects.toThrow('killed')
      await writeAll(bus, store)
      expect([...store.rows].sort()).toEqual(['a', 'c', 'd', 'e'])
      expect(await lettersAbout(bus, 3)).toEqual(['bad b', 'bad f'])
    },
  )

  it('keeps the rows of who announced them and died before knowing', async () => {
    const bus = await busWith(['a', 'b'], ['c', 'd'])
    const dying = announcing(bus, 0, async (land) => {
      await land()
      throw new Error('killed')
    })
    const { store, end } = writeWithoutWaiting(dying)
    await until(() => store.rows.length === 4)
    await expect(end()).rejects.toThrow('killed')
    await writeAll(bus, store)
    expect([...store.rows].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it.each([
    ['landed all the same', true, ['a', 'b', 'c', 'd', 'e', 'f']],
    // Its next owner cannot know; to readers it is one row.
    ['did not land', false, ['a', 'a', 'b', 'b', 'c', 'd', 'e', 'f']],
  ])('goes on when one is taken away while it announces, which %s', async (_, hasLanded, stored) => {
    const bus = await busWith(['a', 'b'], ['c', 'd'])
    const taken = new AbortController()
    const announced = announcing(bus, 0, async (land) => {
      if (hasLanded) {
        await land()
      }
      taken.abort()
      throw new Unavailable('somebody else owns the partition')
    })
    const losing = changedAssignments(announced, (assignment, owned): Change => {
      const signal = AbortSignal.any([owned, taken.signal])
      const read: Assignment['read'] = (options) =>
        Promise.race([assignment.read(options), aborted(signal).then(() => [])])
      return assignment.partition === 0 ? { signal, read } : {}
    })
    const { store, batches, end } = writeWithoutWaiting(losing)
    await until(() => batches.length === 2)
    expect([...store.rows].sort()).toEqual(['a', 'b', 'c', 'd'])
    // Nor is it waited for when the others go on.
    await bus.append(
      'events',
      ['e', 'f'].map((row) => said(keyOf(1, 2), row)),
    )
    await until(() => batches.length === 3)
    await end()
    await writeAll(bus, store)
    expect([...store.rows].sort()).toEqual(stored)
  })
})

/** What becomes of a commit. */
type CommitFailure = 'fine' | 'before' | 'after' | 'death after'

/** The bus, whose commits fail as told: before they land or after, which looks the same. */
function flakyCommits(bus: Bus, failures: CommitFailure[]): Bus {
  const lost = () => new Unavailable('the answer of the bus was lost', { retryAfterMs: 1 })
  return changedAssignments(bus, (assignment) => ({
    commit: async (turn) => {
      const failure = failures.shift()
      if (failure === 'before') {
        throw lost()
      }
      await assignment.commit(turn)
      if (failure === 'after') {
        throw lost()
      }
      if (failure === 'death after') {
        throw new Error('killed')
      }
    },
  }))
}

describe('the writer of several partitions, whatever fails', () => {
  const failures = fc.array(fc.constantFrom<Failure>('fine', 'before', 'after', 'death before', 'death after'), {
    maxLength: 8,
  })
  const commitFailures = fc.array(fc.constantFrom<CommitFailure>('fine', 'before', 'after', 'death after'), {
    maxLength: 12,
  })
  const history = {
    partitions: fc.integer({ min: 2, max: 4 }),
    failures,
    /** Of each record its key, and whether the store will refuse it. */
    records: fc.array(
      fc.record({ key: fc.integer({ min: 0, max: 9 }), isBad: fc.nat({ max: 9 }).map((n) => n === 0) }),
      {
        minLength: 1,
        maxLength: 80,
      },
    ),
    maxRows: fc.integer({ min: 3, max: 30 }),
    isPartitioned: fc.boolean(),
  }

  /** Runs until it has survived it all; gives what the store has, by arrival, and what was refused. */
  async function survive(run: {
    readonly partitions: number
    readonly failures: readonly Failure[]
    readonly commitFailures: readonly CommitFailure[]
    readonly records: readonly { readonly key: number; readonly isBad: boolean }[]
    readonly maxRows: number
    readonly isPartitioned: boolean
  }) {
    const bus = await openBus(run.partitions)
    const store = new FlakyStore()
    store.failures = [...run.failures]
    const records: BusRecord[] = run.records.map(({ key, isBad }, index) =>
      said(`k${key}`, `${isBad ? 'bad' : 'row'} ${index}`),
    )
    await bus.append('events', records)
    const flaky = flakyCommits(bus, [...run.commitFailures])
    const { isPartitioned, maxRows } = run
    let deaths = 0
    while (
      await writeAll(flaky, store, { isPartitioned, limits: { intervalMs: 1, maxRows } }).then(() => false, isDeath)
    ) {
      deaths += 1
    }
    const letters = await lettersAbout(bus, run.partitions)
    await closeBus(bus)
    const texts = records.map(({ value }) => text(value))
    const good = texts.filter((row) => !row.startsWith('bad'))
    const bad = texts.filter((row) => row.startsWith('bad')).sort()
    return { good, bad, rows: store.rows, letters, deaths }
  }

  it('stores every record once when none is refused', { timeout: 60_000 }, async () => {
    let deaths = 0
    await fc.assert(
      fc.asyncProperty(fc.record(history), async (run) => {
        const records = run.records.map(({ key }) => ({ key, isBad: false }))
        const { good, rows, ...ended } = await survive({ ...run, records, commitFailures: [] })
        deaths += ended.deaths
        expect([...rows].sort()).toEqual([...good].sort())
      }),
      { numRuns: 30 },
    )
    expect(deaths).toBeGreaterThan(0)
  })

  it('shows every record once, or dead-letters it, even when announcements fail after they landed', {
    timeout: 60_000,
  }, async () => {
    let deaths = 0
    await fc.assert(
      fc.asyncProperty(fc.record({ ...history, commitFailures }), async (run) => {
        const { good, bad, rows, letters, ...ended } = await survive(run)
        deaths += ended.deaths
        // Rows that come twice are one row to readers.
        expect([...new Set(rows)].sort()).toEqual([...good].sort())
        expect(letters).toEqual(bad)
      }),
      { numRuns: 20 },
    )
    expect(deaths).toBeGreaterThan(10)
  })
})
