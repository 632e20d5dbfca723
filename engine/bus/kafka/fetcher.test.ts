import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Fetcher } from './fetcher.ts'
import type { Link } from './link.ts'

const LOOK_EVERY_MS = 200

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
})
