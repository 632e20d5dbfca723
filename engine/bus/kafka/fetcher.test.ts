import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FetchAnswer } from './exchanges.ts'
import { Fetcher } from './fetcher.ts'
import type { Link } from './link.ts'
import { encodeBatch } from './record-batch.ts'

const LOOK_EVERY_MS = 200
const NOT_LEADER = 6
const alive = new AbortController().signal

function answered(facts: Partial<FetchAnswer>): readonly FetchAnswer[] {
  return [{ topic: 'events', partition: 3, errorCode: 0, end: 0, start: 0, batches: Buffer.alloc(0), ...facts }]
}

/** Records from `base` on, one for each value. */
function batchOf(base: number, ...values: string[]): Buffer {
  const records = values.map((value) => ({ key: 'k', value: Buffer.from(value) }))
  const facts = { producerId: -1n, producerEpoch: -1, baseSequence: -1, timestampMs: 0, compression: 'none' } as const
  const bytes = encodeBatch(records, facts)
  bytes.writeBigInt64BE(BigInt(base))
  return bytes
}

describe('a fetcher', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('says which partitions nobody leads, once a look, until somebody does', async () => {
    const troubles: string[] = []
    const polled: number[] = []
    let leader: number | undefined
    const link = {
      leaderOf: () => leader,
      refresh: async () => undefined,
      poll: (node: number) => {
        polled.push(node)
        return new Promise(() => undefined)
      },
    } as unknown as Link
    const fetcher = new Fetcher({ link, onTrouble: ({ message }) => troubles.push(message) })
    fetcher.read('events', 3, 0)
    expect(troubles).toEqual(['cannot read events/3: led by nobody at the moment'])
    fetcher.read('events', 4, 0)
    expect(troubles).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS)
    expect(troubles.slice(1)).toEqual(['cannot read events/3, events/4: led by nobody at the moment'])
    leader = 1
    await vi.advanceTimersByTimeAsync(10 * LOOK_EVERY_MS)
    expect(troubles).toHaveLength(2)
    expect(polled).toEqual([1])
    fetcher.close()
  })

  it('asks a broker that refuses a partition for it again once a look, and for the others at once', async () => {
    const troubles: string[] = []
    const polled: (readonly number[])[] = []
    const link = {
      leaderOf: () => 1,
      refresh: async () => undefined,
      poll: async (_node: number, wanted: readonly { readonly partition: number }[]) => {
        const partitions = wanted.map(({ partition }) => partition)
        polled.push(partitions)
        return partitions.includes(3) && polled.length < 50
          ? answered({ errorCode: NOT_LEADER })
          : new Promise(() => undefined)
      },
    } as unknown as Link
    const fetcher = new Fetcher({ link, onTrouble: ({ message }) => troubles.push(message) })
    fetcher.read('events', 3, 0)
    await vi.advanceTimersByTimeAsync(5 * LOOK_EVERY_MS - 1)
    expect(polled).toEqual([[3], [3], [3], [3], [3]])
    expect(troubles).toHaveLength(5)
    fetcher.read('events', 4, 0)
    expect(polled.slice(5)).toEqual([[4]])
    fetcher.close()
  })

  it('loses and repeats nothing when the leader before answers after the one that has taken over', async () => {
    const polls: { readonly node: number; readonly answer: (found: readonly FetchAnswer[]) => void }[] = []
    let leader = 1
    const link = {
      leaderOf: () => leader,
      refresh: async () => undefined,
      poll: (node: number) => new Promise((answer) => polls.push({ node, answer })),
    } as unknown as Link
    const fetcher = new Fetcher({ link, onTrouble: () => undefined })
    const reader = fetcher.read('events', 3, 0)
    leader = 2
    fetcher.read('events', 4, 0)
    expect(polls.map(({ node }) => node)).toEqual([1, 2])
    polls[1]?.answer(answered({ batches: batchOf(0, 'a', 'b') }))
    await vi.advanceTimersByTimeAsync(0)
    polls[0]?.answer(answered({ batches: batchOf(0, 'a') }))
    await vi.advanceTimersByTimeAsync(0)
    expect(reader.fetched).toBe(2)
    const found = await reader.read({ maxRecords: 10, maxBytes: 1000, waitMs: 0 }, alive)
    expect(found.map(({ offset, isDamaged }) => [offset, isDamaged])).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    fetcher.close()
  })
})
