import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { Rejected, Unavailable } from '../../../schema/errors.ts'
import { type Brokers, startBrokers } from '../../../test/kafka/brokers.ts'
import { type FaultProxy, startFaultProxy } from '../../../test/kafka/fault-proxy.ts'
import type { Appender } from './appender.ts'
import { makeRawTopic, openRawLink, readRaw, textOf } from './raw-topic.contract.ts'

const { version } = inject('kafka')
const PARTITIONS = 3
const REQUEST_TIMEOUT_MS = 500
const PATIENCE = { timeout: 30_000, interval: 10 }

const records = (value: string | Buffer) => [{ key: 'agent', value: Buffer.from(value) }]

/** Appends one record after the other to every partition, until told to stop; then says what each must hold. */
function load(appender: Appender, topic: string) {
  let isOver = false
  let count = 0
  const lanes = Array.from({ length: PARTITIONS }, async (_, partition) => {
    const values: string[] = []
    while (!isOver) {
      const value = `${partition}-${values.length}`
      values.push(value)
      await appender.append(topic, partition, records(value))
      count += 1
    }
    return values
  })
  const all = Promise.all(lanes)
  all.catch(() => undefined)
  return {
    /** Waits until so many more were appended. */
    more: (wanted: number) => {
      const until = count + wanted
      return vi.waitFor(() => expect(count).toBeGreaterThanOrEqual(until), PATIENCE)
    },
    stop: () => {
      isOver = true
      return all
    },
  }
}

async function held({ link }: Awaited<ReturnType<typeof openRawLink>>, topic: string): Promise<string[][]> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => readRaw(link, topic, partition))
  return (await Promise.all(partitions)).map((found) => found.map(({ value }) => textOf(value)))
}

describe(`the appender on Kafka ${version}`, () => {
  it('rejects a record larger than the topic takes alone, and its neighbours land', async () => {
    const brokers = inject('bootstrap')
    const topic = await makeRawTopic({ brokers, settings: { 'max.message.bytes': '1000000' } })
    const raw = await openRawLink(brokers, [topic])
    const large = Buffer.alloc(1_500_000)
    const [a, b, c] = await Promise.allSettled(
      ['a', large, 'c'].map((each) => raw.appender.append(topic, 0, records(each))),
    )
    expect([a?.status, c?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(b).toMatchObject({ status: 'rejected', reason: { reason: 'too-large' } })
    const together = raw.appender.append(topic, 0, [...records('d'), ...records(large), ...records('e')])
    await expect(together).rejects.toThrow(Rejected)
    await raw.appender.append(topic, 0, records('f'))
    expect((await readRaw(raw.link, topic)).map(({ value }) => textOf(value))).toEqual(['a', 'c', 'd', 'e', 'f'])
    await raw.close()
  })

  it('says where its records are', async () => {
    const brokers = inject('bootstrap')
    const topic = await makeRawTopic({ brokers })
    const raw = await openRawLink(brokers, [topic])
    const offsets = await Promise.all(['a', 'b', 'c', 'd'].map((each) => raw.appender.append(topic, 0, records(each))))
    expect(offsets).toEqual([0, 1, 2, 3])
    await raw.close()
  })
})

describe(`the appender on one broker of Kafka ${version} that fails`, () => {
  let proxy: FaultProxy
  let brokers: Brokers
  beforeAll(async () => {
    proxy = await startFaultProxy()
    brokers = await startBrokers({ version, advertisedPorts: [proxy.port] })
    proxy.forwardTo(brokers.ports[0] as number)
  })
  afterAll(async () => {
    await brokers?.stop()
    await proxy?.close()
  })

  async function underLoad(fail: (more: (count: number) => Promise<void>) => Promise<void>): Promise<void> {
    const topic = await makeRawTopic({ brokers: brokers.bootstrap, partitions: PARTITIONS })
    const raw = await openRawLink(brokers.bootstrap, [topic], { requestTimeoutMs: REQUEST_TIMEOUT_MS })
    const { more, stop } = load(raw.appender, topic)
    await more(20)
    await fail(more)
    await more(20)
    const appended = await stop()
    expect(await held(raw, topic)).toEqual(appended)
    await raw.close()
  }

  it('keeps order, and loses and doubles nothing, when answers are lost', () =>
    underLoad(async (more) => {
      for (let round = 0; round < 4; round += 1) {
        const before = proxy.droppedAnswerBytes
        proxy.set({ dropAnswers: true })
        await vi.waitFor(() => expect(proxy.droppedAnswerBytes).toBeGreaterThan(before), PATIENCE)
        proxy.set({})
        await more(10)
      }
    }))

  it('keeps order, and loses and doubles nothing, when connections break', () =>
    underLoad(async (more) => {
      for (let round = 0; round < 5; round += 1) {
        proxy.cut()
        await more(10)
      }
    }))

  it('keeps order, and loses and doubles nothing, when the broker is killed and comes back', () =>
    underLoad(async () => {
      await brokers.kill(0)
      await brokers.start(0)
    }))

  it('keeps order, and loses and doubles nothing, when the broker is frozen for 3 s', () =>
    underLoad(async () => {
      await brokers.freeze(0)
      await new Promise((resolve) => setTimeout(resolve, 3000))
      brokers.thaw(0)
    }))

  it('gives up what the broker does not take in time, and refuses at once what would not fit', async () => {
    const topic = await makeRawTopic({ brokers: brokers.bootstrap })
    const limits = { deadlineMs: 1500, maxPendingBytes: 1000, requestTimeoutMs: REQUEST_TIMEOUT_MS }
    const raw = await openRawLink(brokers.bootstrap, [topic], limits)
    await raw.appender.append(topic, 0, records('before'))
    proxy.set({ halfOpen: true })
    const waiting = raw.appender.append(topic, 0, records('x'.repeat(900)))
    const late = expect(waiting).rejects.toThrow(/^Kafka did not take records for raw-.* in \d+ s: /)
    await expect(raw.appender.append(topic, 0, records('y'.repeat(900)))).rejects.toThrow(
      /^\d+ bytes wait for Kafka already$/,
    )
    await late
    proxy.set({})
    await vi.waitFor(() => raw.appender.append(topic, 0, records('after')), PATIENCE)
    await raw.close()
  })

  it('gives up what waits when it is closed, after a while', async () => {
    const topic = await makeRawTopic({ brokers: brokers.bootstrap })
    const raw = await openRawLink(brokers.bootstrap, [topic], { requestTimeoutMs: REQUEST_TIMEOUT_MS })
    await raw.appender.append(topic, 0, records('before'))
    proxy.set({ halfOpen: true })
    const waiting = expect(raw.appender.append(topic, 0, records('a'))).rejects.toThrow(Unavailable)
    await raw.close()
    await waiting
    await expect(raw.appender.append(topic, 0, records('b'))).rejects.toThrow('the bus is closed')
    proxy.set({})
  })
})

describe(`the appender on three brokers of Kafka ${version}`, () => {
  let brokers: Brokers
  beforeAll(async () => {
    brokers = await startBrokers({ version, count: 3 })
  })
  afterAll(() => brokers?.stop())

  it('goes on with the next leader, and loses and doubles nothing', async () => {
    const { bootstrap } = brokers
    const topic = await makeRawTopic({ brokers: bootstrap, partitions: PARTITIONS, replication: 3 })
    const raw = await openRawLink(bootstrap, [topic], { requestTimeoutMs: 2000, deadlineMs: 60_000 })
    const { more, stop } = load(raw.appender, topic)
    await more(20)
    const leader = raw.link.leaderOf(topic, 0) as number
    await brokers.kill(leader - 1)
    await more(100)
    const appended = await stop()
    await vi.waitFor(async () => expect(await held(raw, topic)).toEqual(appended), PATIENCE)
    expect(raw.link.leaderOf(topic, 0)).not.toBe(leader)
    await raw.close()
  })
})
