/**
 * What every bus must do, whatever it is made of. A member passes when `busContract` is green on it; the embedded
 * one runs it beside its own tests, Kafka where a broker is at hand.
 */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import {
  type Assignment,
  type Bus,
  type BusRecord,
  type Commit,
  type ConsumeOptions,
  type StateEntry,
  type StoredRecord,
  TOPICS,
  type Topic,
} from './bus.ts'
import { busModelProperty } from './histories.contract.ts'

export interface BusFactoryOptions {
  /** Opening the same name again, after `close`, gives the same log. Unique per test. */
  readonly name: string
  /** Per topic. Default 1. */
  readonly partitions?: number
}

export type BusFactory = (options: BusFactoryOptions) => Promise<Bus>

/** Long enough for a broker to hand over a partition. */
const PATIENCE_MS = 60_000

export function busContract(kind: string, open: BusFactory, limits: { readonly largestRecordBytes: number }): void {
  let opened = 0
  const buses = new Set<Bus>()

  async function openBus(options: Partial<BusFactoryOptions> = {}): Promise<Bus> {
    const bus = await open({ name: options.name ?? uniqueName(), ...options })
    buses.add(bus)
    return bus
  }

  async function closeBus(bus: Bus): Promise<void> {
    buses.delete(bus)
    await bus.close()
  }

  function uniqueName(): string {
    opened += 1
    return `contract-${process.pid}-${opened}`
  }

  afterEach(async () => {
    await Promise.all([...buses].map(closeBus))
  })

  describe(`${kind} bus: records`, { timeout: PATIENCE_MS }, () => {
    test('come back with key and value as appended, offsets rising', async () => {
      const bus = await openBus()
      await bus.append('events', [record('a', 'one'), record('b', 'two')])
      await bus.append('events', [record('a', 'three')])
      const read = await drain(bus, { group: 'g', topic: 'events' }, 3)
      expect(read.map(({ key, value }) => [key, text(value)])).toEqual([
        ['a', 'one'],
        ['b', 'two'],
        ['a', 'three'],
      ])
      expect(read.map(({ offset }) => offset)).toEqual([...read.map(({ offset }) => offset)].sort((x, y) => x - y))
    })

    test('of one key keep their order and share a partition, whatever the number of partitions', async () => {
      const bus = await openBus({ partitions: 4 })
      const keys = Array.from({ length: 40 }, (_, index) => `agent-${index}`)
      for (let round = 0; round < 5; round += 1) {
        await bus.append(
          'events',
          keys.map((key) => record(key, `${round}`)),
        )
      }
      const partitions = new Map<string, Set<number>>()
      const rounds = new Map<string, string[]>()
      await drain(bus, { group: 'g', topic: 'events' }, 200, ({ key, value }, partition) => {
        partitions.set(key, (partitions.get(key) ?? new Set()).add(partition))
        rounds.set(key, [...(rounds.get(key) ?? []), text(value)])
      })
      expect([...partitions.values()].every((seen) => seen.size === 1)).toBe(true)
      expect(new Set([...partitions.values()].flatMap((seen) => [...seen])).size).toBe(4)
      expect([...rounds.values()].every((seen) => seen.join() === '0,1,2,3,4')).toBe(true)
    })

    test('may have empty keys, empty values, any bytes, and any Unicode key', async () => {
      const bus = await openBus()
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      const keys = ['', '\0', '__proto__', 'é𝕏\n', 'x'.repeat(5000)]
      await bus.append('events', [
        ...keys.map((key) => ({ key, value: bytes })),
        { key: 'empty', value: new Uint8Array() },
      ])
      const read = await drain(bus, { group: 'g', topic: 'events' }, keys.length + 1)
      expect(read.map(({ key }) => key)).toEqual([...keys, 'empty'])
      expect(read.slice(0, -1).every(({ value }) => Buffer.from(value).equals(bytes))).toBe(true)
      expect(read.at(-1)?.value).toHaveLength(0)
    })

    test('may be large, alone and among small ones', async () => {
      const bus = await openBus()
      const large = { key: 'large', value: Buffer.alloc(limits.largestRecordBytes, 'L') }
      await bus.append('events', [record('a', 'before'), large, record('a', 'after')])
      const read = await drain(bus, { group: 'g', topic: 'events' }, 3, undefined, { maxBytes: 1000 })
      expect(read.map(({ value }) => value.byteLength)).toEqual([6, limits.largestRecordBytes, 5])
      expect(Buffer.from(read[1]?.value ?? []).equals(large.value)).toBe(true)
    })

    test('appended by many at once are all there, each append in its own order', async () => {
      const bus = await openBus()
      const appends = Array.from({ length: 200 }, (_, writer) =>
        bus.append('events', [record(`w${writer}`, '0'), record(`w${writer}`, '1'), record(`w${writer}`, '2')]),
      )
      await Promise.all(appends)
      const seen = new Map<string, string>()
      await drain(bus, { group: 'g', topic: 'events' }, 600, ({ key, value }) => {
        seen.set(key, (seen.get(key) ?? '') + text(value))
      })
      expect(seen.size).toBe(200)
      expect([...seen.values()].every((order) => order === '012')).toBe(true)
    })

    test('survive a reopen, in order, with those appended after it', async () => {
      const name = uniqueName()
      const before = await openBus({ name })
      await before.append('events', [record('a', 'one'), record('a', 'two')])
      await closeBus(before)
      const after = await openBus({ name })
      await after.append('events', [record('a', 'three')])
      const read = await drain(after, { group: 'g', topic: 'events' }, 3)
      expect(read.map(({ value }) => text(value))).toEqual(['one', 'two', 'three'])
    })

    test('of one topic are not seen in another', async () => {
      const bus = await openBus()
      for (const topic of TOPICS) {
        await bus.append(topic, [record('k', topic)])
      }
      for (const topic of TOPICS) {
        const read = await drain(bus, { group: 'g', topic }, 1)
        expect(read.map(({ value }) => text(value))).toEqual([topic])
      }
    })
  })

  describe(`${kind} bus: reading`, { timeout: PATIENCE_MS }, () => {
    test('returns at most as many records as asked for, and goes on after them', async () => {
      const bus = await openBus()
      await bus.append('events', numbered(10))
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const seen: string[] = []
        while (seen.length < 10) {
          const batch = await assignment.read({ maxRecords: 3, waitMs: 1000 })
          expect(batch.length).toBeLessThanOrEqual(3)
          seen.push(...batch.map(({ value }) => text(value)))
        }
        expect(seen).toEqual(numbered(10).map(({ value }) => text(value)))
      })
    })

    test('waits for a record that comes later', async () => {
      const bus = await openBus()
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const waiting = assignment.read({ maxRecords: 10, waitMs: PATIENCE_MS })
        await bus.append('events', [record('a', 'late')])
        const read = await waiting
        expect(read.map(({ value }) => text(value))).toEqual(['late'])
      })
    })

    test('returns empty when nothing comes in time', async () => {
      const bus = await openBus()
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        expect(await assignment.read({ maxRecords: 10, waitMs: 20 })).toEqual([])
      })
    })

    test('stops waiting when the consumer is told to stop', async () => {
      const bus = await openBus()
      const stop = new AbortController()
      const consumed = bus.consume(
        { group: 'g', topic: 'events' },
        async (assignment, signal) => {
          const waiting = assignment.read({ maxRecords: 10, waitMs: PATIENCE_MS })
          stop.abort()
          expect(await waiting).toEqual([])
          expect(signal.aborted).toBe(true)
        },
        stop.signal,
      )
      await consumed
    })

    test('starts a new group at the beginning, or at the end when told so', async () => {
      const bus = await openBus()
      await bus.append('events', [record('a', 'old')])
      await owning(bus, { group: 'late', topic: 'events', from: 'latest' }, async (assignment) => {
        await assignment.read({ maxRecords: 1, waitMs: 0 })
        await bus.append('events', [record('a', 'new')])
        const [first] = await readSome(assignment)
        expect(first && text(first.value)).toBe('new')
      })
      const read = await drain(bus, { group: 'early', topic: 'events' }, 2)
      expect(read.map(({ value }) => text(value))).toEqual(['old', 'new'])
    })

    test('shows each group everything, at its own pace', async () => {
      const bus = await openBus()
      await bus.append('alerts', numbered(5))
      expect(await drain(bus, { group: 'siem', topic: 'alerts' }, 5)).toHaveLength(5)
      expect(await drain(bus, { group: 'webhook', topic: 'alerts' }, 5)).toHaveLength(5)
    })

    test('gives every partition of the topic to the group', async () => {
      const bus = await openBus({ partitions: 3 })
      const owned = new Set<number>()
      const stop = new AbortController()
      await bus.consume(
        { group: 'g', topic: 'events' },
        async ({ partition }, signal) => {
          owned.add(partition)
          if (owned.size === 3) {
            stop.abort()
          }
          await aborted(signal)
        },
        stop.signal,
      )
      expect([...owned].sort()).toEqual([0, 1, 2])
    })
  })

  describe(`${kind} bus: committing`, { timeout: PATIENCE_MS }, () => {
    test('makes the next owner go on after the commit; what was only read is seen again', async () => {
      const name = uniqueName()
      const before = await openBus({ name })
      await before.append('events', numbered(4))
      await owning(before, { group: 'g', topic: 'events' }, async (assignment) => {
        const read = await readSome(assignment, 4)
        await assignment.commit(emptyCommit(offsetAfter(read[1])))
      })
      await closeBus(before)
      const after = await openBus({ name })
      const start = await owning(after, { group: 'g', topic: 'events' }, async (assignment) => assignment.start)
      const again = await drain(after, { group: 'g', topic: 'events' }, 2)
      expect(again[0]?.offset).toBe(start)
      expect(again.map(({ value }) => text(value))).toEqual(['2', '3'])
    })

    test('appends outputs, to several topics and in order, for others to read', async () => {
      const bus = await openBus()
      await bus.append('fragments', [record('a', 'in')])
      await owning(bus, { group: 'g', topic: 'fragments' }, async (assignment) => {
        const [read] = await readSome(assignment)
        await assignment.commit({
          next: offsetAfter(read),
          outputs: [
            { topic: 'events', records: [record('a', 'one'), record('a', 'two')] },
            { topic: 'dead_letters', records: [record('a', 'bad')] },
            { topic: 'events', records: [record('a', 'three')] },
          ],
          state: [],
        })
      })
      const events = await drain(bus, { group: 'next', topic: 'events' }, 3)
      expect(events.map(({ value }) => text(value))).toEqual(['one', 'two', 'three'])
      expect(await drain(bus, { group: 'next', topic: 'dead_letters' }, 1)).toHaveLength(1)
    })

    test('keeps state: changed, deleted, per group and partition', async () => {
      const name = uniqueName()
      const before = await openBus({ name })
      await before.append('events', numbered(2))
      const long = `agent-${'x'.repeat(5000)}`
      await owning(before, { group: 'g', topic: 'events' }, async (assignment) => {
        const [first] = await readSome(assignment, 1)
        await assignment.commit({
          ...emptyCommit(offsetAfter(first)),
          state: [entry('', 'empty'), entry('kept', '1'), entry('gone', '1'), entry('changed', '1'), entry(long, 'L')],
        })
        const [second] = await readSome(assignment, 1)
        const state = [{ key: 'gone', value: undefined }, entry('changed', '2'), { key: 'never', value: undefined }]
        await assignment.commit({ ...emptyCommit(offsetAfter(second)), state })
      })
      await closeBus(before)
      const after = await openBus({ name })
      const state = await restored(after, { group: 'g', topic: 'events' })
      expect(state).toEqual(
        new Map([
          ['', 'empty'],
          ['kept', '1'],
          ['changed', '2'],
          [long, 'L'],
        ]),
      )
      expect(await restored(after, { group: 'other', topic: 'events' })).toEqual(new Map())
    })

    test('restores much state, all of it', async () => {
      const bus = await openBus()
      await bus.append('events', numbered(1))
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const [read] = await readSome(assignment)
        const state = Array.from({ length: 3000 }, (_, index) => entry(`agent-${index}`, `${index}`))
        await assignment.commit({ ...emptyCommit(offsetAfter(read)), state })
      })
      const state = await restored(bus, { group: 'g', topic: 'events' })
      expect(state.size).toBe(3000)
      expect([...state].every(([key, value]) => key === `agent-${value}`)).toBe(true)
    })

    test('is refused after ownership has ended, and changes nothing', async () => {
      const bus = await openBus()
      await bus.append('events', numbered(1))
      const stale = await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const [read] = await readSome(assignment)
        return { assignment, next: offsetAfter(read) }
      })
      const late = {
        next: stale.next,
        outputs: [{ topic: 'alerts' as const, records: numbered(1) }],
        state: [entry('k', 'v')],
      }
      await expect(stale.assignment.commit(late)).rejects.toThrow(Unavailable)
      await expect(stale.assignment.read({ maxRecords: 1, waitMs: 0 })).rejects.toThrow(Unavailable)
      await expect(stale.assignment.append('events', numbered(1))).rejects.toThrow(Unavailable)
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        expect(assignment.epoch).toBeGreaterThan(stale.assignment.epoch)
        expect(await readSome(assignment)).toHaveLength(1)
        expect(await stateOf(assignment)).toEqual(new Map())
      })
    })

    test('raises the epoch with every owner, over a reopen too', async () => {
      const name = uniqueName()
      const epochs: number[] = []
      for (let round = 0; round < 3; round += 1) {
        const bus = await openBus({ name })
        epochs.push(await owning(bus, { group: 'g', topic: 'events' }, async ({ epoch }) => epoch))
        await closeBus(bus)
      }
      expect(epochs[1]).toBeGreaterThan(epochs[0] ?? 0)
      expect(epochs[2]).toBeGreaterThan(epochs[1] ?? 0)
    })

    test('can be preceded by appends to the own partition, whatever their key, which are then read', async () => {
      const bus = await openBus({ partitions: 4 })
      const seen = new Map<number, string>()
      const stop = new AbortController()
      await bus.consume(
        { group: 'g', topic: 'events' },
        async (assignment, signal) => {
          await assignment.append('events', [record('tick', `for ${assignment.partition}`)])
          const [read] = await readSome(assignment)
          seen.set(assignment.partition, text(read?.value ?? new Uint8Array()))
          if (seen.size === 4) {
            stop.abort()
          }
          await aborted(signal)
        },
        stop.signal,
      )
      expect(seen).toEqual(new Map([0, 1, 2, 3].map((partition) => [partition, `for ${partition}`])))
    })

    test('can be preceded by appends to another topic', async () => {
      const bus = await openBus()
      await owning(bus, { group: 'g', topic: 'events' }, (assignment) =>
        assignment.append('dead_letters', [record('a', 'bad')]),
      )
      const [read] = await drain(bus, { group: 'g', topic: 'dead_letters' }, 1)
      expect(read && text(read.value)).toBe('bad')
    })

    test('shows in the lag of the group', async () => {
      const bus = await openBus()
      await bus.append('events', numbered(5))
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const read = await readSome(assignment, 5)
        await assignment.commit(emptyCommit(offsetAfter(read[2])))
        const lag = await bus.lag()
        expect(lag).toContainEqual(expect.objectContaining({ group: 'g', topic: 'events', partition: 0 }))
        const place = lag.find(({ group }) => group === 'g')
        expect(place && place.end - place.committed).toBe(2)
      })
    })
  })

  describe(`${kind} bus: consumers`, { timeout: PATIENCE_MS }, () => {
    test('that throw make consume reject with that error, after the others were told to stop', async () => {
      const bus = await openBus({ partitions: 2 })
      const bug = new Error('a bug')
      let told = 0
      const consumed = bus.consume(
        { group: 'g', topic: 'events' },
        async ({ partition }, signal) => {
          if (partition === 0) {
            throw bug
          }
          await aborted(signal)
          told += 1
        },
        new AbortController().signal,
      )
      await expect(consumed).rejects.toBe(bug)
      expect(told).toBe(1)
    })

    test('are told to stop when the bus closes, and may commit before they return', async () => {
      const name = uniqueName()
      const bus = await openBus({ name })
      await bus.append('events', numbered(1))
      let owned = (): void => undefined
      const reading = new Promise<void>((resolve) => {
        owned = resolve
      })
      const consumed = bus.consume(
        { group: 'g', topic: 'events' },
        async (assignment, signal) => {
          const [read] = await readSome(assignment)
          owned()
          await aborted(signal)
          await assignment.commit({ ...emptyCommit(offsetAfter(read)), state: [entry('last', 'words')] })
        },
        new AbortController().signal,
      )
      await reading
      await closeBus(bus)
      await consumed
      const after = await openBus({ name })
      expect(await restored(after, { group: 'g', topic: 'events' })).toEqual(new Map([['last', 'words']]))
    })

    test('and appends after close are refused with Unavailable', async () => {
      const bus = await openBus()
      await closeBus(bus)
      await expect(bus.append('events', numbered(1))).rejects.toThrow(Unavailable)
      const consumed = bus.consume({ group: 'g', topic: 'events' }, async () => undefined, new AbortController().signal)
      await expect(consumed).rejects.toThrow(Unavailable)
    })
  })

  describe(`${kind} bus: any history`, { timeout: 2 * PATIENCE_MS }, () => {
    test('of appends, reads, commits and reopens behaves like the model', async () => {
      await fc.assert(busModelProperty(open, uniqueName), { numRuns: 40, endOnFailure: true })
    })
  })
}

/** Runs `work` as the first owner of partition 0 and gives up ownership when it returns. */
export async function owning<Result>(
  bus: Bus,
  options: ConsumeOptions,
  work: (assignment: Assignment) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController()
  let result: { readonly value: Result } | undefined
  await bus.consume(
    options,
    async (assignment, signal) => {
      if (assignment.partition === 0) {
        result = { value: await work(assignment) }
        stop.abort()
      } else {
        await aborted(signal)
      }
    },
    stop.signal,
  )
  if (result === undefined) {
    throw new Error('partition 0 was never assigned')
  }
  return result.value
}

/** Reads `count` records over all partitions, committing each batch, then gives up ownership. */
async function drain(
  bus: Bus,
  options: ConsumeOptions,
  count: number,
  see: (record: StoredRecord, partition: number) => void = () => undefined,
  limits: { readonly maxBytes?: number } = {},
): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  const stop = new AbortController()
  await bus.consume(
    options,
    async (assignment, signal) => {
      while (!signal.aborted) {
        const batch = await assignment.read({ maxRecords: 100, waitMs: 1000, ...limits })
        for (const read of batch) {
          records.push(read)
          see(read, assignment.partition)
        }
        if (batch.length > 0) {
          await assignment.commit(emptyCommit(offsetAfter(batch.at(-1))))
        }
        if (records.length >= count) {
          stop.abort()
        }
      }
    },
    stop.signal,
  )
  return records
}

async function readSome(assignment: Assignment, maxRecords = 10): Promise<readonly StoredRecord[]> {
  return assignment.read({ maxRecords, waitMs: PATIENCE_MS })
}

async function stateOf(assignment: Assignment): Promise<Map<string, string>> {
  const state = new Map<string, string>()
  for await (const { key, value } of assignment.restore()) {
    state.set(key, text(value))
  }
  return state
}

function restored(bus: Bus, options: { readonly group: string; readonly topic: Topic }): Promise<Map<string, string>> {
  return owning(bus, options, stateOf)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
    }
    signal.addEventListener('abort', () => resolve())
  })
}

function record(key: string, value: string): BusRecord {
  return { key, value: Buffer.from(value) }
}

function numbered(count: number): readonly BusRecord[] {
  return Array.from({ length: count }, (_, index) => record('k', `${index}`))
}

function entry(key: string, value: string): StateEntry {
  return { key, value: Buffer.from(value) }
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}

function emptyCommit(next: number): Commit {
  return { next, outputs: [], state: [] }
}

function offsetAfter(record: StoredRecord | undefined): number {
  if (record === undefined) {
    throw new Error('nothing was read')
  }
  return record.offset + 1
}
