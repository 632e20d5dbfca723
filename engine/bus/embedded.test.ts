import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Misconfigured, Unavailable } from '../../schema/errors.ts'
import { busContract, owning } from './bus.contract.ts'
import type { Bus, BusRecord } from './bus.ts'
import { type EmbeddedBusOptions, openEmbeddedBus } from './embedded.ts'
import { historiesThat } from './histories.contract.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-bus-'))
const buses = new Set<Bus>()
let made = 0

function newDirectory(): string {
  made += 1
  return join(home, `d${made}`)
}

async function openBus(options: Partial<EmbeddedBusOptions> = {}): Promise<Bus> {
  const bus = await openEmbeddedBus({ directory: newDirectory(), ...options })
  buses.add(bus)
  return bus
}

async function closeBus(bus: Bus): Promise<void> {
  buses.delete(bus)
  await bus.close()
}

afterEach(async () => {
  await Promise.all([...buses].map(closeBus))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

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

describe('one process per directory', () => {
  test('a second bus on the same directory is refused, naming directory and process', async () => {
    const directory = newDirectory()
    await openBus({ directory })
    const second = openEmbeddedBus({ directory })
    await expect(second).rejects.toThrow(Misconfigured)
    await expect(second).rejects.toThrow(`${directory}: the data directory is in use by process ${process.pid}`)
  })

  test('a second process is refused, until the first is gone, however it ended', async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'owner'), { recursive: true })
    const holder = await holdClaim(directory)
    await expect(openEmbeddedBus({ directory })).rejects.toThrow(`in use by process ${holder.pid}`)
    holder.kill('SIGKILL')
    await once(holder, 'close')
    await openBus({ directory })
  })

  test('is free again after close', async () => {
    const directory = newDirectory()
    await closeBus(await openBus({ directory }))
    await openBus({ directory })
  })

  test('another number of partitions is refused: state lives in the partition of its key', async () => {
    const directory = newDirectory()
    await closeBus(await openBus({ directory, partitions: 2 }))
    await expect(openEmbeddedBus({ directory, partitions: 3 })).rejects.toThrow(
      'the data directory has 2 partitions per topic, and 3 are configured',
    )
    await openBus({ directory, partitions: 2 })
  })
})

describe('a damaged data file', () => {
  test.each([
    ['cut short', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2)), /it is cut short/],
    ['cut by one page', (file: string) => truncateSync(file, statSync(file).size - 4096), /it is cut short/],
    [
      'cut to less than a header',
      (file: string) => truncateSync(file, 100),
      /its header is not that of a Telltale bus/,
    ],
    [
      'another file',
      (file: string) => writeFileSync(file, 'x'.repeat(100_000)),
      /its header is not that of a Telltale bus/,
    ],
    [
      'overwritten at its beginning',
      (file: string) => overwrite(file, 0, 64),
      /its header is not that of a Telltale bus/,
    ],
  ])('that is %s is told in words, and the directory is not left locked', async (_how, damage, message) => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    for (let append = 0; append < 20; append += 1) {
      await bus.append('events', [record('a', 'x'.repeat(10_000))])
    }
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    const whole = readFileSync(file)
    damage(file)
    const opened = openEmbeddedBus({ directory })
    await expect(opened).rejects.toThrow(Misconfigured)
    await expect(opened).rejects.toThrow(message)
    writeFileSync(file, whole)
    await openBus({ directory })
  })

  test('whose last pages are free ones is whole all the same', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    await bus.append('events', [record('a', 'kept')])
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    claimOneMorePage(file)
    const again = await openBus({ directory })
    expect(await readAll(again)).toEqual(['kept'])
  })

  test('with other bytes in a record stops the reader, naming the place', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    await bus.append('events', [record('a', 'before')])
    await bus.append('events', [record('a', `NEEDLE${'x'.repeat(10_000)}`)])
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    overwrite(file, readFileSync(file).indexOf('NEEDLE'), 3)
    const damaged = await openBus({ directory })
    await expect(readAll(damaged)).rejects.toThrow(
      'the bus is damaged: events/0, records from offset 1: the checksum does not match',
    )
  })
})

describe('retention', () => {
  const KILOBYTE = 'x'.repeat(1000)
  /** Time for many sweeps at 5 ms. To look for the effect instead would need a group, which holds retention back. */
  const SWEEPS_MS = 300

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
    const bus = await openBus({ retention: { maxBytes: 10_000 }, sweepEveryMs: 5 })
    await commitAll(bus, 'known')
    await fill(bus, 50)
    await commitAll(bus, 'known')
    await fill(bus, 1)
    await sleep(SWEEPS_MS)
    const left = await readAll(bus, 'new')
    expect(left.length).toBeGreaterThanOrEqual(9)
    expect(left.length).toBeLessThanOrEqual(11)
  })

  test('keeps what one group has not read, however much another has', async () => {
    const bus = await openBus({ retention: { maxBytes: 10_000 }, sweepEveryMs: 5 })
    await commitAll(bus, 'slow')
    await commitAll(bus, 'fast')
    await fill(bus, 50)
    await commitAll(bus, 'fast')
    await fill(bus, 1)
    await sleep(SWEEPS_MS)
    expect(await readAll(bus, 'slow')).toHaveLength(51)
  })

  test('deletes by age what was read, without anybody appending', async () => {
    let nowMs = 0
    const bus = await openBus({ retention: { maxAgeMs: 1000 }, sweepEveryMs: 5, now: () => nowMs })
    await fill(bus, 40)
    await commitAll(bus, 'known')
    nowMs = 900
    await fill(bus, 3)
    nowMs = 1500
    await sleep(SWEEPS_MS)
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
    expect(await stateOf(bus, 'removed')).toEqual([])
    expect(await stateOf(bus, 'idle')).toEqual(['k'])
  })
})

describe('appending', () => {
  test('many at once share transactions', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    const before = transactions(directory)
    await Promise.all(Array.from({ length: 1000 }, () => bus.append('events', [record('a', 'x')])))
    expect(transactions(directory) - before).toBeLessThan(20)
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

/** What a new group reads of the events. */
async function readAll(bus: Bus, group = 'reader'): Promise<string[]> {
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

async function stateOf(bus: Bus, group: string): Promise<string[]> {
  return owning(bus, { group, topic: 'events' }, async (assignment) => {
    const keys: string[] = []
    for await (const { key } of assignment.restore()) {
      keys.push(key)
    }
    return keys
  })
}

/** A process that holds the directory's claim as a bus does, without needing to be compiled. */
async function holdClaim(directory: string) {
  const script = `
    const { open } = await import(process.argv[1])
    const environment = open({ path: process.argv[2], noSubdir: false, overlappingSync: false })
    globalThis.slot = environment.useReadTransaction()
    environment.get('owner', { transaction: globalThis.slot })
    console.log('held')
    setInterval(() => {}, 1000)`
  const args = ['--input-type=module', '-e', script, import.meta.resolve('lmdb'), join(directory, 'owner')]
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  return holder
}

function overwrite(file: string, at: number, bytes: number): void {
  const content = readFileSync(file)
  content.fill(0xff, at, at + bytes)
  writeFileSync(file, content)
}

const META_PAGES = [0, 4096]
const LAST_PAGE_AT = 144
const TRANSACTION_AT = 152

/** Writes down a page that is not in the file, as when the last pages were freed before they were ever written. */
function claimOneMorePage(file: string): void {
  const content = readFileSync(file)
  for (const meta of META_PAGES) {
    content.writeBigUInt64LE(content.readBigUInt64LE(meta + LAST_PAGE_AT) + 1n, meta + LAST_PAGE_AT)
  }
  writeFileSync(file, content)
}

function transactions(directory: string): number {
  const content = readFileSync(join(directory, 'data.mdb'))
  return Math.max(...META_PAGES.map((meta) => Number(content.readBigUInt64LE(meta + TRANSACTION_AT))))
}

function record(key: string, value: string): BusRecord {
  return { key, value: Buffer.from(value) }
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await sleep(5)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
