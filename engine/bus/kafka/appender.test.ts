import { describe, expect, it } from 'vitest'
import { Rejected, Unavailable } from '../../../schema/errors.ts'
import { Appender, type AppenderOptions } from './appender.ts'
import type { PartitionBatch } from './exchanges.ts'
import type { Link } from './link.ts'
import { decodeBatches } from './record-batch.ts'

const NOT_LEADER = 6
const MESSAGE_TOO_LARGE = 10
const OUT_OF_ORDER = 45
const TOPIC_DENIED = 29

/** A broker in memory: what it has taken, and what it answers when told to. Who leads a partition is its number's tens. */
class Broker {
  readonly taken: { readonly partition: number; readonly values: readonly string[]; readonly producerId: bigint }[] = []
  readonly leaderless = new Set<number>()
  readonly refusals = new Set<number>()
  answer: (batch: PartitionBatch, values: readonly string[]) => number = () => 0
  producers = 0n
  isAway = false

  readonly link = {
    leaderOf: (_: string, partition: number) =>
      this.leaderless.has(partition) ? undefined : Math.floor(partition / 10),
    refresh: async () => undefined,
    newProducer: async () => {
      this.producers += 1n
      return { producerId: this.producers, producerEpoch: 0 }
    },
    produce: async (_: number, batches: readonly PartitionBatch[]) => {
      if (this.isAway) {
        throw new Unavailable('no answer in time')
      }
      return batches.map((batch) => this.#take(batch))
    },
  }

  appender(options: Partial<AppenderOptions> = {}): Appender {
    const link = this.link as unknown as Link
    return new Appender({ link, compression: 'none', maxPendingBytes: 1e8, deadlineMs: 60_000, ...options })
  }

  /** @returns what a broker answers that led the partition until now. */
  refuse(partition: number): number {
    this.refusals.add(partition)
    return NOT_LEADER
  }

  #take(request: PartitionBatch) {
    const { topic, partition, batch } = request
    const values = decodeBatches(batch, 0).records.map(({ value }) => Buffer.from(value ?? []).toString())
    const errorCode = this.answer(request, values)
    if (errorCode === 0) {
      this.taken.push({ partition, values, producerId: batch.readBigInt64BE(43) })
    }
    return { topic, partition, errorCode, baseOffset: errorCode === 0 ? 100 : -1 }
  }
}

const records = (...values: readonly string[]) => values.map((value) => ({ key: 'agent', value: Buffer.from(value) }))

describe('an append', () => {
  it('of nothing is done at once, and holds up nothing behind it', async () => {
    const broker = new Broker()
    const appender = broker.appender()
    expect(await appender.append('t', 0, [])).toBe(-1)
    expect(await appender.append('t', 0, [], { isAtomic: true })).toBe(-1)
    expect(await appender.append('t', 0, records('a'))).toBe(100)
    expect(broker.taken.map(({ values }) => values)).toEqual([['a']])
  })

  it('waits for the one before, and is sent together with those that wait beside it', async () => {
    const broker = new Broker()
    const appender = broker.appender()
    await Promise.all(['a', 'b', 'c'].map((value) => appender.append('t', 0, records(value))))
    expect(broker.taken.flatMap(({ values }) => values)).toEqual(['a', 'b', 'c'])
    expect(broker.taken.length).toBeLessThan(3)
  })

  it('that nobody leads in time is given up, and those to other partitions land', async () => {
    const broker = new Broker()
    const appender = broker.appender({ deadlineMs: 100 })
    // Both are sent and refused; when they are due again nobody leads the first any more, and its time is over.
    broker.answer = ({ partition }) => {
      broker.leaderless.add(10)
      return broker.refusals.has(partition) ? 0 : broker.refuse(partition)
    }
    const lost = expect(appender.append('t', 10, records('lost'))).rejects.toThrow(
      /^Kafka did not take records for t in \d+ s: nobody leads t\/10 at the moment$/,
    )
    await expect(appender.append('t', 11, records('kept'))).resolves.toBe(100)
    await lost
    await expect(appender.append('t', 11, records('after'))).resolves.toBe(100)
  })

  it('larger than the topic takes is rejected alone', async () => {
    const broker = new Broker()
    broker.answer = (_, values) => (values.includes('large') ? MESSAGE_TOO_LARGE : 0)
    const appender = broker.appender()
    const sent = ['a', 'large', 'b'].map((value) => appender.append('t', 0, records(value)))
    const [first, second, third] = await Promise.allSettled(sent)
    expect(first).toMatchObject({ status: 'fulfilled' })
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(Rejected) })
    expect(third).toMatchObject({ status: 'fulfilled' })
    expect(broker.taken.flatMap(({ values }) => values)).toEqual(['a', 'b'])
  })

  it('that the broker thinks out of order is sent again under a new identity', async () => {
    const broker = new Broker()
    const appender = broker.appender()
    await appender.append('t', 0, records('a'))
    broker.answer = ({ batch }) => (batch.readBigInt64BE(43) === 1n ? OUT_OF_ORDER : 0)
    await appender.append('t', 0, records('b'))
    expect(broker.taken.map(({ producerId }) => producerId)).toEqual([1n, 2n])
  })

  it('that the cluster does not allow is unavailable, and says why', async () => {
    const broker = new Broker()
    broker.answer = () => TOPIC_DENIED
    await expect(broker.appender().append('t', 0, records('a'))).rejects.toThrow(
      /^Kafka refuses appends to t: .*\(TOPIC_AUTHORIZATION_FAILED\)$/,
    )
  })

  it('is refused at once when too much waits already, and taken again when it waits no more', async () => {
    const broker = new Broker()
    broker.isAway = true
    const appender = broker.appender({ maxPendingBytes: 100 })
    const waiting = appender.append('t', 0, records('a'.repeat(80)))
    await expect(appender.append('t', 1, records('b'))).rejects.toThrow(/bytes wait for Kafka already$/)
    broker.isAway = false
    await waiting
    await appender.append('t', 1, records('b'))
    expect(broker.taken.map(({ partition }) => partition)).toEqual([0, 1])
  })

  it('uses the memory of one that is there for the next, but not of one that may still be on its way', async () => {
    const broker = new Broker()
    const appender = broker.appender()
    const sent: Buffer[] = []
    broker.answer = ({ batch }) => {
      sent.push(batch)
      return sent.length === 2 ? NOT_LEADER : 0
    }
    await appender.append('t', 0, records('first'))
    await appender.append('t', 0, records('tried twice'))
    await appender.append('t', 0, records('third'))
    const memories = sent.map(({ buffer }) => buffer)
    expect(memories[1]).toBe(memories[0])
    expect(memories[2]).toBe(memories[0])
    expect(memories[3]).not.toBe(memories[0])
    expect(broker.taken.map(({ values }) => values)).toEqual([['first'], ['tried twice'], ['third']])
  })

  it('is refused when the bus is closed', async () => {
    const appender = new Broker().appender()
    await appender.close()
    await expect(appender.append('t', 0, records('a'))).rejects.toThrow('the bus is closed')
  })
})
