/** Of the bus contract: what is appended comes back, and how it is read. */
import { describe, expect, test } from 'vitest'
import { TOPICS } from './bus.ts'
import {
  aborted,
  type Buses,
  drain,
  numbered,
  owning,
  PATIENCE_MS,
  readSome,
  record,
  text,
} from './consuming.contract.ts'

export function recordsContract(kind: string, buses: Buses, limits: { readonly largestRecordBytes: number }): void {
  describe(`${kind} bus: records`, { timeout: PATIENCE_MS }, () => {
    test('come back with key and value as appended, offsets rising', async () => {
      const bus = await buses.open()
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
      const bus = await buses.open({ partitions: 4 })
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
      const bus = await buses.open()
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
      const bus = await buses.open()
      const large = { key: 'large', value: Buffer.alloc(limits.largestRecordBytes, 'L') }
      await bus.append('events', [record('a', 'before'), large, record('a', 'after')])
      const read = await drain(bus, { group: 'g', topic: 'events' }, 3, undefined, { maxBytes: 1000 })
      expect(read.map(({ value }) => value.byteLength)).toEqual([6, limits.largestRecordBytes, 5])
      expect(Buffer.from(read[1]?.value ?? []).equals(large.value)).toBe(true)
    })

    test('appended by many at once are all there, each append in its own order', async () => {
      const bus = await buses.open()
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
      const name = buses.uniqueName()
      const before = await buses.open({ name })
      await before.append('events', [record('a', 'one'), record('a', 'two')])
      await buses.close(before)
      const after = await buses.open({ name })
      await after.append('events', [record('a', 'three')])
      const read = await drain(after, { group: 'g', topic: 'events' }, 3)
      expect(read.map(({ value }) => text(value))).toEqual(['one', 'two', 'three'])
    })

    test('of one topic are not seen in another', async () => {
      const bus = await buses.open()
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
      const bus = await buses.open()
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
      const bus = await buses.open()
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const waiting = assignment.read({ maxRecords: 10, waitMs: PATIENCE_MS })
        await bus.append('events', [record('a', 'late')])
        const read = await waiting
        expect(read.map(({ value }) => text(value))).toEqual(['late'])
      })
    })

    test('returns empty when nothing comes in time', async () => {
      const bus = await buses.open()
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        expect(await assignment.read({ maxRecords: 10, waitMs: 20 })).toEqual([])
      })
    })

    test('stops waiting when the consumer is told to stop', async () => {
      const bus = await buses.open()
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
      const bus = await buses.open()
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
      const bus = await buses.open()
      await bus.append('alerts', numbered(5))
      expect(await drain(bus, { group: 'siem', topic: 'alerts' }, 5)).toHaveLength(5)
      expect(await drain(bus, { group: 'webhook', topic: 'alerts' }, 5)).toHaveLength(5)
    })

    test('gives every partition of the topic to the group', async () => {
      const bus = await buses.open({ partitions: 3 })
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
}
