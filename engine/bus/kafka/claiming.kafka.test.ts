import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { Assignment, Bus } from '../bus.ts'
import { openKafkaBus } from '../kafka.ts'
import { makeRawTopic, openRawLink, readRaw, textOf } from './raw-topic.contract.ts'

const PATIENCE = { timeout: 30_000, interval: 50 }
const OPTIONS = { group: 'g', topic: 'events' } as const
/** What a state topic must have. */
const STATE_SETTINGS = {
  'cleanup.policy': 'compact',
  'min.compaction.lag.ms': '60000',
  'message.timestamp.type': 'LogAppendTime',
  'max.message.bytes': '16777216',
}

/** Claims as any owner does, by a marker, and then does nothing with what it has claimed. */
const RIVAL = { key: 'o', value: Buffer.from('a rival') }

describe(`a consumer on Kafka ${inject('kafka').version} whose claims others overtake`, () => {
  let bus: Bus
  let stateTopic: string
  let raw: Awaited<ReturnType<typeof openRawLink>>

  beforeEach(async () => {
    const brokers = inject('bootstrap')
    const topicPrefix = `${randomUUID()}.`
    bus = await openKafkaBus({ brokers, topicPrefix, partitions: 1 })
    stateTopic = await makeRawTopic({ brokers, name: `${topicPrefix}state.g.events`, settings: STATE_SETTINGS })
    raw = await openRawLink(brokers, [stateTopic])
  })
  afterEach(() => Promise.all([bus.close(), raw.close()]))

  const overtake = () => raw.appender.append(stateTopic, 0, [RIVAL])

  /** @returns what ends it. */
  function keepOvertaking(): () => Promise<void> {
    let isOver = false
    const claiming = (async () => {
      while (!isOver) {
        await overtake()
      }
    })()
    return () => {
      isOver = true
      return claiming
    }
  }

  async function claims(): Promise<number> {
    const markers = (await readRaw(raw.link, stateTopic)).filter(({ key }) => textOf(key) === RIVAL.key)
    return markers.filter(({ value }) => textOf(value) !== textOf(RIVAL.value)).length
  }

  /** Commits whatever it reads. */
  function consume(): { readonly committed: readonly string[]; readonly leave: () => Promise<void> } {
    const committed: string[] = []
    const stop = new AbortController()
    const own = async (assignment: Assignment, signal: AbortSignal) => {
      try {
        while (!signal.aborted) {
          const found = await assignment.read({ maxRecords: 10, waitMs: 100 })
          const last = found.at(-1)
          if (last !== undefined) {
            await assignment.commit({ next: last.offset + 1, outputs: [], state: [] })
            committed.push(...found.map(({ value }) => textOf(value)))
          }
        }
      } catch (error) {
        if (!signal.aborted) {
          throw error
        }
      }
    }
    const ended = bus.consume(OPTIONS, own, stop.signal)
    ended.catch(() => undefined)
    const leave = () => {
      stop.abort()
      return ended
    }
    return { committed, leave }
  }

  it('claims anew until they stop, and then gets to work', async () => {
    await bus.append('events', [{ key: 'a', value: Buffer.from('a') }])
    const stopOvertaking = keepOvertaking()
    const { committed, leave } = consume()
    await vi.waitFor(async () => expect(await claims()).toBeGreaterThan(1), PATIENCE)
    await stopOvertaking()
    await vi.waitFor(() => expect(committed).toEqual(['a']), PATIENCE)
    await leave()
  })

  it('that is overtaken at work claims anew, and does again what was not committed', async () => {
    const { committed, leave } = consume()
    await bus.append('events', [{ key: 'a', value: Buffer.from('a') }])
    await vi.waitFor(() => expect(committed).toEqual(['a']), PATIENCE)
    const before = await claims()
    await overtake()
    await bus.append('events', [{ key: 'b', value: Buffer.from('b') }])
    await vi.waitFor(() => expect(committed).toEqual(['a', 'b']), PATIENCE)
    expect(await claims()).toBe(before + 1)
    await leave()
  })
})
