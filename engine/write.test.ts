import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Unavailable } from '../schema/errors.ts'
import { hasChdb } from '../store/chdb/installed.contract.ts'
import { openStore } from '../store/clickhouse.ts'
import type { Store } from '../store/store.ts'
import { exampleNotice } from '../test/example-alert.ts'
import { exampleEvent } from '../test/example-event.ts'
import type { Bus, BusRecord, Topic } from './bus/bus.ts'
import { embeddedBench } from './bus/embedded/embedded-bench.contract.ts'
import { FlakyStore } from './flaky-store.contract.ts'
import { TooMuchPoison } from './poison.ts'
import { eventRecord, noticeRecord } from './records.ts'
import { runWriter } from './write.ts'
import { isDeath, writeAll } from './write-all.contract.ts'

const { home, closeBus, ...bench } = embeddedBench()
const openBus = () => bench.openBus({ sync: false })

const record = (text: string, key = 'k'): BusRecord => ({ key, value: Buffer.from(text) })
const text = (value: Uint8Array) => Buffer.from(value).toString('utf8')
const limits = { intervalMs: 20 }

async function deadLetters(bus: Bus): Promise<DeadLetter[]> {
  return (await readAll(bus, 'dead_letters')).map((value) => JSON.parse(value))
}

async function readAll(bus: Bus, topic: Topic): Promise<string[]> {
  const stop = new AbortController()
  const values: string[] = []
  await bus.consume(
    { group: 'look', topic },
    async (assignment) => {
      const records = await assignment.read({ maxRecords: 10_000, waitMs: 0 })
      values.push(...records.map(({ value }) => text(value)))
      stop.abort()
    },
    stop.signal,
  )
  return values
}

describe('the writer', () => {
  it('writes every record once, in order', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    const rows = Array.from({ length: 500 }, (_, index) => `row ${index}`)
    for (let at = 0; at < rows.length; at += 50) {
      await bus.append(
        'events',
        rows.slice(at, at + 50).map((row) => record(row)),
      )
    }
    const batches = await writeAll(bus, store)
    expect(store.rows).toEqual(rows)
    expect(batches.reduce((sum, batch) => sum + batch.rows, 0)).toBe(500)
  })

  it('writes batches as large as it may', async () => {
    const bus = await openBus()
    await bus.append(
      'events',
      Array.from({ length: 25 }, (_, index) => record(`row ${index}`)),
    )
    const bySize = await writeAll(bus, new FlakyStore(), { limits: { ...limits, maxRows: 10 } })
    expect(bySize.map(({ rows }) => rows)).toEqual([10, 10, 5])
    await bus.append(
      'events',
      Array.from({ length: 8 }, () => record('x'.repeat(1000))),
    )
    const byBytes = await writeAll(bus, new FlakyStore(), { limits: { ...limits, maxBytes: 4000 } })
    expect(Math.max(...byBytes.map(({ bytes }) => bytes))).toBeLessThanOrEqual(5000)
    expect(byBytes.reduce((sum, { rows }) => sum + rows, 0)).toBe(8)
  })

  it('gives every table its topic', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    for (const topic of ['events', 'findings', 'alerts'] as const) {
      await bus.append(topic, [record(`of ${topic}`)])
    }
    await writeAll(bus, store, { topics: ['events', 'findings', 'alerts'] })
    expect([...store.batches.values()].map(({ table, rows }) => [table, rows]).sort()).toEqual([
      ['alerts', ['of alerts']],
      ['events', ['of events']],
      ['findings', ['of findings']],
    ])
  })

  it('waits for a store that is down', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    store.failures = ['before', 'before', 'before']
    await bus.append('events', [record('one'), record('two')])
    const retries: string[] = []
    await writeAll(bus, store, { onRetry: (of, topic, error) => retries.push(`${of}, ${topic}: ${error.message}`) })
    expect(store.rows).toEqual(['one', 'two'])
    expect(retries).toEqual(Array(3).fill('store, events: down'))
    // Under a new id each time: the engine must never mistake one try for another.
    expect(new Set(store.attempts).size).toBe(4)
  })

  it('does not write again what was written when the answer was lost', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    store.failures = ['after']
    await bus.append('events', [record('one')])
    await writeAll(bus, store)
    await bus.append('events', [record('two')])
    await writeAll(bus, store)
    expect(store.rows).toEqual(['one', 'two'])
    expect(store.attempts.length).toBe(2)
  })

  it('asks for the batch in doubt after a death, and skips it when it is there', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    await bus.append('events', [record('one'), record('two')])
    store.failures = ['death after']
    await expect(writeAll(bus, store)).rejects.toThrow('killed')
    await bus.append('events', [record('three')])
    await writeAll(bus, store)
    expect(store.rows).toEqual(['one', 'two', 'three'])
    expect(store.asked).toBe(1)
  })

  it('skips what the batch in doubt holds, and nothing before it or after', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    await bus.append('events', [record('bad one'), record('two'), record('three'), record('bad four')])
    // What was refused is no part of what is inserted then, and whether its letters were kept nobody knows.
    store.failures = ['fine', 'death after']
    await expect(writeAll(bus, store)).rejects.toThrow('killed')
    await bus.append('events', [record('five')])
    const batches = await writeAll(bus, store)
    expect(store.rows).toEqual(['two', 'three', 'five'])
    expect(batches.map(({ rows, refused }) => [rows, [...refused]])).toEqual([[1, [['unstorable', 2]]]])
  })

  it('inserts the batch in doubt anew when it is not there', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    await bus.append('events', [record('one')])
    store.failures = ['death before']
    await expect(writeAll(bus, store)).rejects.toThrow('killed')
    await bus.append('events', [record('two')])
    await writeAll(bus, store)
    expect(store.rows).toEqual(['one', 'two'])
    expect(store.asked).toBe(1)
    expect(new Set(store.attempts).size).toBe(2)
  })

  it('does not ask when nothing is in doubt', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    await bus.append('events', [record('one')])
    await writeAll(bus, store)
    await writeAll(bus, store)
    expect(store.asked).toBe(0)
  })

  it('writes every record once, wherever it dies and whatever fails', async () => {
    let deaths = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('fine', 'before', 'after', 'death before', 'death after'), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 20 }),
        async (failures, appends, maxRows) => {
          const bus = await openBus()
          const store = new FlakyStore()
          store.failures = [...failures]
          const rows: string[] = []
          for (const count of appends) {
            const more = Array.from({ length: count }, (_, index) => `row ${rows.length + index}`)
            rows.push(...more)
            await bus.append(
              'events',
              more.map((row) => record(row)),
            )
          }
          const run = { limits: { intervalMs: 1, maxRows } }
          while (await writeAll(bus, store, run).then(() => false, isDeath)) {
            deaths += 1
          }
          expect(store.rows).toEqual(rows)
          await closeBus(bus)
        },
      ),
      { numRuns: 30 },
    )
    expect(deaths).toBeGreaterThan(10)
  })

  it('dead-letters what the store refuses, and writes the rest', async () => {
    const bus = await openBus()
    const store = new FlakyStore()
    await bus.append('events', [record('one'), record('bad one', 'agent'), record('two'), record('bad two')])
    const batches = await writeAll(bus, store)
    expect(store.rows).toEqual(['one', 'two'])
    expect(batches.map(({ rows, refused }) => [rows, [...refused]])).toEqual([[2, [['unstorable', 2]]]])
    expect(
      (await deadLetters(bus)).map(({ stage, topic, offset, reason, key, value_base64 }) => [
        stage,
        topic,
        offset,
        reason,
        key,
        Buffer.from(value_base64, 'base64').toString(),
      ]),
    ).toEqual([
      ['write', 'events', 1, 'unstorable', 'agent', 'bad one'],
      ['write', 'events', 3, 'unstorable', 'k', 'bad two'],
    ])
  })

  it('stops when nearly everything is refused, instead of emptying the stream into dead letters', async () => {
    const bus = await openBus()
    await bus.append(
      'events',
      Array.from({ length: 300 }, (_, index) => record(`bad ${index}`)),
    )
    await expect(writeAll(bus, new FlakyStore())).rejects.toThrow(TooMuchPoison)
    expect(await deadLetters(bus)).toEqual([])
  })

  it('ends when told to, while it waits for a store that is down', async () => {
    const bus = await openBus()
    const stop = new AbortController()
    await bus.append('events', [record('one')])
    const down = {
      insert: () => Promise.reject(new Unavailable('down', { retryAfterMs: 60_000 })),
      hasBatch: () => Promise.reject(new Unavailable('down')),
    }
    await runWriter({
      bus,
      store: down as unknown as Store,
      signal: stop.signal,
      limits,
      onRetry: () => stop.abort(),
    })
    const store = new FlakyStore()
    await writeAll(bus, store)
    expect(store.rows).toEqual(['one'])
  })

  it('rejects when the store has a bug', async () => {
    const bus = await openBus()
    await bus.append('events', [record('one')])
    const broken = { insert: () => Promise.reject(new TypeError('a bug')), hasBatch: () => Promise.resolve(false) }
    await expect(writeAll(bus, broken)).rejects.toThrow('a bug')
  })
})

describe.skipIf(!hasChdb)('the writer and the store (needs the optional package chdb)', { timeout: 60_000 }, () => {
  it('make events and alerts readable', async () => {
    const bus = await openBus()
    const store = await openStore({ embedded: { directory: join(home, 'store') } })
    try {
      const events = [1, 2, 3].map((n) =>
        exampleEvent({ time_ms: 1_790_000_000_000 + n, attributes: { n, a: '\ud800' } }),
      )
      const notice = exampleNotice()
      await bus.append('events', [...events.map(eventRecord), record('{"torn":')])
      await bus.append('alerts', [noticeRecord(notice)])
      await writeAll(bus, store, { topics: ['events', 'findings', 'alerts'] })
      const stored = await store.events({ tenant: 'default' })
      expect(stored.items).toEqual(
        events.reverse().map((event) => ({ ...event, attributes: { ...event.attributes, a: '\ufffd' } })),
      )
      expect((await store.alerts({ tenant: 'default' })).items).toEqual([notice.alert])
      expect((await deadLetters(bus)).map(({ reason }) => reason)).toEqual(['not-json'])
    } finally {
      await store.close()
    }
  })
})
