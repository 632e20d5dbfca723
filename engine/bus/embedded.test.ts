import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { busContract } from './bus.contract.ts'
import type { Assignment, Bus } from './bus.ts'
import { aborted, owning, record, text } from './consuming.contract.ts'
import { embeddedBench, readAll } from './embedded/embedded-bench.contract.ts'
import { openEmbeddedBus } from './embedded.ts'
import { historiesThat } from './histories.contract.ts'

const { home, newDirectory, openBus, closeBus } = embeddedBench()

busContract(
  'embedded',
  ({ name, partitions }) =>
    openEmbeddedBus({ directory: join(home, name), ...(partitions === undefined ? {} : { partitions }) }),
  { largestRecordBytes: 24 * 1024 * 1024 },
)

describe('histories of the contract', () => {
  test('reach what can go wrong', () => {
    const uncommitted = historiesThat((step, before) => {
      return step.do === 'restart' && before.some((earlier) => earlier.do === 'turn' && earlier.share < 0.5)
    }, 200)
    const reopened = historiesThat(
      (step, before) => step.do === 'turn' && before.some((b) => b.do === 'restart' && b.reopen),
      200,
    )
    const removed = historiesThat((step, before) => {
      return (
        step.do === 'turn' && before.some((b) => b.do === 'turn' && b.keys.some((key) => step.remove.includes(key)))
      )
    }, 200)
    expect(uncommitted).toBeGreaterThan(20)
    expect(reopened).toBeGreaterThan(20)
    expect(removed).toBeGreaterThan(20)
  })
})

describe('appending', () => {
  test('many at once share one transaction', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    const before = transactions(directory)
    await Promise.all(Array.from({ length: 1000 }, () => bus.append('events', [record('a', 'x')])))
    expect(transactions(directory) - before).toBe(1)
  })

  test('more than may wait in memory is refused, and what was taken before is kept', async () => {
    const bus = await openBus({ maxPendingBytes: 100_000 })
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => bus.append('events', [record('a', 'x'.repeat(10_000))])),
    )
    const taken = results.filter(({ status }) => status === 'fulfilled').length
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(100)
    const refused = results.find((result) => result.status === 'rejected')
    expect(refused?.reason).toBeInstanceOf(Unavailable)
    expect(await readAll(bus)).toHaveLength(taken)
  })

  test('is finished by close when it has begun', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    const appended = bus.append('events', [record('a', 'x')])
    await closeBus(bus)
    await appended
    expect(await readAll(await openBus({ directory }))).toEqual(['x'])
  })

  test('tells how long it took', async () => {
    const told: string[] = []
    const bus = await openBus({ onAppend: (topic, durationMs) => told.push(`${topic} ${durationMs > 0}`) })
    await bus.append('events', [record('a', 'x')])
    expect(told).toEqual(['events true'])
  })
})

describe('what was appended', () => {
  /** Reads all of it as a group of its own, and says of each record whether it came as it was appended, not from disk. */
  const inMemory = async (assignment: Assignment) => {
    const records = await assignment.read({ maxRecords: 100, waitMs: 1000 })
    return records.map(({ decoded }) => decoded !== undefined)
  }
  const append = (bus: Bus) => bus.append('events', [{ ...record('a', '1'), decoded: {} }])

  test('is in memory until everybody who consumes it has read it', async () => {
    const bus = await openBus()
    await owning(bus, { group: 'slow', topic: 'events' }, async (slow) => {
      await append(bus)
      expect(await owning(bus, { group: 'fast', topic: 'events' }, inMemory)).toEqual([true])
      expect(await inMemory(slow)).toEqual([true])
    })
  })

  test('is then read from disk by whoever comes later', async () => {
    const bus = await openBus()
    await owning(bus, { group: 'first', topic: 'events' }, async (first) => {
      await append(bus)
      expect(await inMemory(first)).toEqual([true])
      expect(await owning(bus, { group: 'later', topic: 'events' }, inMemory)).toEqual([false])
    })
  })
})

describe('a second consumer of one group and topic', () => {
  test('stands by until the first has let go, then goes on after its commit', async () => {
    const bus = await openBus()
    await bus.append('events', [record('a', 'one'), record('a', 'two')])
    const order: string[] = []
    const turn = (name: string) =>
      owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const [read] = await assignment.read({ maxRecords: 1, waitMs: 1000 })
        order.push(`${name} ${read && text(read.value)}`)
        await assignment.commit({ next: (read?.offset ?? 0) + 1, outputs: [], state: [] })
      })
    await Promise.all([turn('first'), turn('second')])
    expect(order).toEqual(['first one', 'second two'])
  })

  test('can be told to stop while it stands by', async () => {
    const bus = await openBus()
    const first = new AbortController()
    const second = new AbortController()
    const options = { group: 'g', topic: 'events' } as const
    const holding = bus.consume(options, (_, signal) => aborted(signal), first.signal)
    const standing = bus.consume(options, () => Promise.reject(new Error('it was never its turn')), second.signal)
    second.abort()
    first.abort()
    await Promise.all([holding, standing])
  })
})

const META_PAGES = [0, 4096]
const TRANSACTION_AT = 152

function transactions(directory: string): number {
  const content = readFileSync(join(directory, 'data.mdb'))
  return Math.max(...META_PAGES.map((meta) => Number(content.readBigUInt64LE(meta + TRANSACTION_AT))))
}
