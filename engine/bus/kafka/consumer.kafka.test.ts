import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { startBrokers } from '../../../test/kafka/brokers.ts'
import { startFaultProxy } from '../../../test/kafka/fault-proxy.ts'
import type { Assignment, Bus, BusRecord, StoredRecord } from '../bus.ts'
import { type KafkaBusOptions, openKafkaBus } from '../kafka.ts'
import { Link } from './link.ts'
import { Membership } from './membership.ts'
import { textOf } from './raw-topic.contract.ts'

const { version } = inject('kafka')
const SESSION_MS = 6000
const PATIENCE = { timeout: 30_000, interval: 20 }
const OPTIONS = { group: 'g', topic: 'events' } as const

const opened: Bus[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((bus) => bus.close()))
})

async function open(prefix: string, options: Partial<KafkaBusOptions> = {}): Promise<Bus> {
  const settings = { brokers: inject('bootstrap'), partitions: 1, sessionTimeoutMs: SESSION_MS }
  const bus = await openKafkaBus({ ...settings, topicPrefix: prefix, ...options })
  opened.push(bus)
  return bus
}

const uniquePrefix = () => `${randomUUID()}.`
const record = (key: string, value = key): BusRecord => ({ key, value: Buffer.from(value) })

async function administer(act: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Kafka({ brokers: [...inject('bootstrap')], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await act(admin).finally(() => admin.disconnect())
}

/** Consumes, and notes who owned what, when, and what was committed. */
class Watched {
  readonly starts: { readonly partition: number; readonly epoch: number; readonly member: string }[] = []
  readonly owners = new Map<number, Set<string>>()
  readonly seen = new Set<string>()
  /** Commits that worked although a later owner had begun. */
  readonly late: string[] = []
  readonly #epochs = new Map<number, number>()

  /** @returns what stops it. */
  join(bus: Bus, member: string): () => Promise<void> {
    const stop = new AbortController()
    const ended = bus.consume(OPTIONS, (assignment, signal) => this.#own(assignment, signal, member), stop.signal)
    ended.catch(() => undefined)
    return () => {
      stop.abort()
      return ended
    }
  }

  /** How many partitions each has; undefined while some have none or two. */
  loads(): Readonly<Record<string, number>> | undefined {
    const loads: Record<string, number> = {}
    for (const owners of this.owners.values()) {
      const [only] = owners
      if (only === undefined || owners.size > 1) {
        return undefined
      }
      loads[only] = (loads[only] ?? 0) + 1
    }
    return loads
  }

  async #own(assignment: Assignment, signal: AbortSignal, member: string): Promise<void> {
    const { partition, epoch } = assignment
    this.starts.push({ partition, epoch, member })
    this.#epochs.set(partition, Math.max(epoch, this.#epochs.get(partition) ?? -1))
    const owners = this.owners.get(partition) ?? new Set()
    this.owners.set(partition, owners.add(member))
    try {
      while (!signal.aborted) {
        const found = await assignment.read({ maxRecords: 50, waitMs: 100 })
        const next = (found.at(-1)?.offset ?? -1) + 1
        if (next > 0) {
          const isLate = (this.#epochs.get(partition) ?? -1) > epoch
          await assignment.commit({ next, outputs: [], state: [{ key: 'by', value: Buffer.from(member) }] })
          if (isLate) {
            this.late.push(`${partition} by ${member}`)
          }
          for (const { value } of found) {
            this.seen.add(textOf(value))
          }
        }
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error
      }
    } finally {
      owners.delete(member)
    }
  }
}

/** Owns one partition until `act` is done. */
async function owning<Result>(bus: Bus, act: (assignment: Assignment) => Promise<Result>): Promise<Result> {
  const stop = new AbortController()
  let result: Result | undefined
  await bus.consume(
    OPTIONS,
    async (assignment) => {
      result = await act(assignment)
      stop.abort()
    },
    stop.signal,
  )
  return result as Result
}

async function readAll(assignment: Assignment, count: number): Promise<StoredRecord[]> {
  const all: StoredRecord[] = []
  await vi.waitFor(async () => {
    all.push(...(await assignment.read({ maxRecords: 100, waitMs: 500 })))
    expect(all.length).toBeGreaterThanOrEqual(count)
  }, PATIENCE)
  return all
}

describe(`consumers on Kafka ${version}`, () => {
  it('share partitions evenly as they come and go; what one keeps goes on, and no late commit works', async () => {
    const prefix = uniquePrefix()
    const names = ['a', 'b', 'c']
    const buses = await Promise.all(names.map(() => open(prefix, { partitions: 12 })))
    const [first] = buses as [Bus, Bus, Bus]
    const watched = new Watched()
    const sent: string[] = []
    let isOver = false
    const sending = (async () => {
      for (let at = 0; !isOver; at += 1) {
        sent.push(`${at}`)
        await first.append('events', [record(`${at}`)])
      }
    })()
    const leave = new Map<string, () => Promise<void>>()
    const join = (member: string) => leave.set(member, watched.join(buses[names.indexOf(member)] as Bus, member))
    const settled = (loads: Readonly<Record<string, number>>) =>
      vi.waitFor(() => expect(watched.loads()).toEqual(loads), PATIENCE)

    join('a')
    await settled({ a: 12 })
    join('b')
    await settled({ a: 6, b: 6 })
    expect(watched.starts).toHaveLength(12 + 6)
    join('c')
    await settled({ a: 4, b: 4, c: 4 })
    expect(watched.starts).toHaveLength(12 + 6 + 4)
    await leave.get('a')?.()
    await settled({ b: 6, c: 6 })
    expect(watched.starts).toHaveLength(12 + 6 + 4 + 4)
    await Promise.all([leave.get('b')?.(), join('a')])
    await settled({ a: 6, c: 6 })

    isOver = true
    await sending
    await vi.waitFor(() => expect(watched.seen.size).toBe(sent.length), PATIENCE)
    expect([...watched.seen].sort()).toEqual([...sent].sort())
    expect(watched.late).toEqual([])
    for (let partition = 0; partition < 12; partition += 1) {
      const epochs = watched.starts.filter((start) => start.partition === partition).map(({ epoch }) => epoch)
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b))
    }
    await Promise.all([leave.get('a')?.(), leave.get('c')?.()])
    const lags = await first.lag()
    expect(lags.map(({ committed, end }) => end - committed)).toEqual(new Array(12).fill(0))
  })

  it('take over from a member that does not beat any more when its session ends', async () => {
    const prefix = uniquePrefix()
    const bus = await open(prefix, { partitions: 4 })
    const link = new Link({ brokers: inject('bootstrap') })
    const silenced = new AbortController()
    const told: (readonly number[])[] = []
    const silent = new Membership({
      link,
      groupId: `${prefix}g.events`,
      topic: `${prefix}events`,
      sessionTimeoutMs: SESSION_MS,
      onAssigned: (partitions) => told.push(partitions),
      onTrouble: () => undefined,
    })
    const running = silent.run(silenced.signal)
    await vi.waitFor(() => expect(told.at(-1)).toEqual([0, 1, 2, 3]), PATIENCE)
    const watched = new Watched()
    const leave = watched.join(bus, 'a')
    await vi.waitFor(() => expect(watched.loads()).toEqual({ a: 2 }), PATIENCE)
    // It falls silent, and tells nobody.
    silenced.abort()
    await Promise.all([running, link.close()])
    const silentMs = performance.now()
    await vi.waitFor(() => expect(watched.loads()).toEqual({ a: 4 }), PATIENCE)
    expect(performance.now() - silentMs).toBeLessThan(SESSION_MS + 5000)
    await leave()
  })

  it('end with the error of an owner that throws, and leave its partitions to others', async () => {
    const prefix = uniquePrefix()
    const [one, other] = await Promise.all([open(prefix, { partitions: 2 }), open(prefix, { partitions: 2 })])
    const watched = new Watched()
    const bug = new Error('a bug of the stage')
    const signals: AbortSignal[] = []
    const failing = one.consume(
      OPTIONS,
      async (assignment, signal) => {
        signals.push(signal)
        while (!signal.aborted) {
          if ((await assignment.read({ maxRecords: 1, waitMs: 10_000 })).length > 0) {
            throw bug
          }
        }
      },
      new AbortController().signal,
    )
    const failed = expect(failing).rejects.toBe(bug)
    await vi.waitFor(() => expect(signals).toHaveLength(2), PATIENCE)
    await one.append('events', [record('a')])
    await one.append('events', [record('b')])
    await failed
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    const leave = watched.join(other, 'other')
    await vi.waitFor(() => expect(watched.seen).toEqual(new Set(['a', 'b'])), PATIENCE)
    await leave()
  })

  it('are told of records that retention took unread, and go on behind them', async () => {
    const prefix = uniquePrefix()
    const troubles: string[] = []
    const bus = await open(prefix, { onTrouble: (_, message) => troubles.push(message) })
    await bus.append('events', [record('0'), record('1'), record('2')])
    await owning(bus, async (assignment) => {
      const [first] = await readAll(assignment, 3)
      await assignment.commit({ next: (first?.offset ?? 0) + 1, outputs: [], state: [] })
    })
    const topic = `${prefix}events`
    await administer(async (admin) => {
      // kafkajs forgets to ask who leads the topic.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    })
    await bus.append('events', [record('3')])
    const found = await owning(bus, async (assignment) => {
      const all = await readAll(assignment, 1)
      await assignment.commit({ next: (all.at(-1)?.offset ?? 0) + 1, outputs: [], state: [] })
      return all
    })
    expect(found.map(({ offset, value }) => [offset, textOf(value)])).toEqual([[3, '3']])
    expect(troubles).toEqual([`2 records of ${topic}/0 are gone, unread: reading goes on at 3`])
    expect(await owning(bus, async ({ start }) => start)).toBe(4)
  })

  it('end with an error that says why when records are compressed in a way that cannot be read', async () => {
    const prefix = uniquePrefix()
    const bus = await open(prefix)
    const topic = `${prefix}events`
    const configEntries = [{ name: 'compression.type', value: 'snappy' }]
    await administer((admin) =>
      admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] }),
    )
    // Until the broker has heard of its setting.
    const readAndAppend = owning(bus, async (assignment) => {
      for (;;) {
        await bus.append('events', [record('a'.repeat(1000))])
        await assignment.read({ maxRecords: 100, waitMs: 1000 })
      }
    })
    await expect(readAndAppend).rejects.toThrow(
      `${topic}/0: records are compressed with snappy, and only gzip and none can be read; set compression.type=gzip on the topic`,
    )
  })

  it('hand on what a stranger wrote, as it is', async () => {
    const prefix = uniquePrefix()
    const bus = await open(prefix)
    const producer = new Kafka({ brokers: [...inject('bootstrap')], logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    const messages = [
      { value: null },
      { key: null, value: 'no key' },
      { key: Buffer.of(0xff), value: Buffer.of(0xff, 0xfe), headers: { e: Buffer.alloc(16, 0xff), f: '' } },
      { key: 'k', value: 'old', timestamp: '1' },
    ]
    await producer.send({ topic: `${prefix}events`, messages, compression: 1 })
    await producer.disconnect()
    await bus.append('events', [record('ours')])
    const found = await owning(bus, (assignment) => readAll(assignment, 5))
    expect(found.map(({ key, value }) => [key, Buffer.from(value)])).toEqual([
      ['', Buffer.alloc(0)],
      ['', Buffer.from('no key')],
      ['\ufffd', Buffer.of(0xff, 0xfe)],
      ['k', Buffer.from('old')],
      ['ours', Buffer.from('ours')],
    ])
  })
})

describe(`a consumer that Kafka ${version} cannot hear`, () => {
  it('stops its owners when its session is over, and owns anew when it is heard again', async () => {
    const proxy = await startFaultProxy()
    const brokers = await startBrokers({ version, advertisedPorts: [proxy.port] })
    proxy.forwardTo(brokers.ports[0] as number)
    try {
      const troubles: string[] = []
      const bus = await open(uniquePrefix(), {
        brokers: brokers.bootstrap,
        requestTimeoutMs: 1000,
        onTrouble: (_, message) => troubles.push(message),
      })
      const watched = new Watched()
      const leave = watched.join(bus, 'a')
      await vi.waitFor(() => expect(watched.loads()).toEqual({ a: 1 }), PATIENCE)
      await bus.append('events', [record('before')])
      await vi.waitFor(() => expect(watched.seen).toContain('before'), PATIENCE)
      proxy.set({ halfOpen: true })
      await vi.waitFor(() => expect(watched.owners.get(0)?.size).toBe(0), PATIENCE)
      expect(troubles.length).toBeGreaterThan(0)
      proxy.set({})
      await vi.waitFor(() => bus.append('events', [record('after')]), PATIENCE)
      await vi.waitFor(() => expect(watched.seen).toContain('after'), PATIENCE)
      expect(watched.starts).toHaveLength(2)
      expect(watched.starts[1]?.epoch).toBeGreaterThan(watched.starts[0]?.epoch ?? 0)
      await leave()
    } finally {
      await Promise.all(opened.splice(0).map((bus) => bus.close()))
      await brokers.stop()
      await proxy.close()
    }
  })
})
