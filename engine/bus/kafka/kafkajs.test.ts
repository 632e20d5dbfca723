import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import { type Connection, exchange } from './kafkajs.ts'
import { metadataExchange } from './metadata.ts'

interface Queue {
  pending: unknown[]
  throttledUntil: number
  checkPendingRequests(): void
  destroy(): void
}

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => Queue

describe('a connection of kafkajs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function open(): { readonly queue: Queue; readonly looks: () => number } {
    const logger = { debug: () => undefined, warn: () => undefined }
    const queue = new RequestQueue({
      clientId: 'c',
      broker: 'b',
      logger,
      requestTimeout: 1000,
      isConnected: () => true,
    })
    let looks = 0
    const look = queue.checkPendingRequests.bind(queue)
    queue.checkPendingRequests = () => {
      looks += 1
      look()
    }
    return { queue, looks: () => looks }
  }

  it('does not wake up while nothing waits', () => {
    const { queue, looks } = open()
    queue.checkPendingRequests()
    vi.advanceTimersByTime(10_000)
    expect(looks()).toBe(1)
    queue.destroy()
  })

  it('looks again when the broker has throttled it', () => {
    const { queue, looks } = open()
    queue.throttledUntil = Date.now() + 100
    queue.checkPendingRequests()
    vi.advanceTimersByTime(99)
    expect(looks()).toBe(1)
    vi.advanceTimersByTime(10)
    expect(looks()).toBe(2)
    queue.destroy()
  })
})

describe('an exchange', () => {
  const answeredWith = (payload: Buffer) => {
    const connection = {
      clientId: 'c',
      authenticate: async () => undefined,
      failIfNotConnected: () => undefined,
      nextCorrelationId: () => 1,
      requestQueue: { push: ({ entry }) => entry.resolve({ payload }) },
    } satisfies Partial<Connection>
    return exchange(connection as unknown as Connection, metadataExchange(['events'], []))
  }
  /** No throttling, brokers, cluster or controller, and one topic without partitions. */
  const whole = Buffer.from(
    '00000000 00000000 ffff ffffffff 00000001 0000 0006 6576656e7473 00 00000000'.replaceAll(' ', ''),
    'hex',
  )

  it('that is answered with what cannot be read is as good as not answered', async () => {
    expect((await answeredWith(whole)).topicMetadata).toEqual([
      { topic: 'events', topicErrorCode: 0, partitionMetadata: [] },
    ])
    for (let length = 0; length < whole.length; length += 1) {
      await expect(answeredWith(whole.subarray(0, length))).rejects.toThrow(Unavailable)
    }
    const lying = Buffer.from(whole)
    lying.writeInt32BE(-2, 4)
    await expect(answeredWith(lying)).rejects.toThrow(
      'cannot read what a broker answers to Metadata: Invalid array length',
    )
  })
})
