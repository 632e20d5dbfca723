import { describe, expect, it } from 'vitest'
import type { Assignment, Bus } from './bus/bus.ts'
import { watchOwned } from './owned-partitions.ts'

/** A bus that hands out partitions when told to, until they are taken away. */
function dealing() {
  const owners: ((assignment: Assignment, signal: AbortSignal) => Promise<void>)[] = []
  const bus: Bus = {
    append: async () => undefined,
    consume: async (_options, own) => {
      owners.push(own)
    },
    lag: async () => [],
    close: async () => undefined,
  }
  const give = (partition: number) => {
    const owned = owners.at(-1)?.({ topic: 'events', partition } as Assignment, new AbortController().signal)
    return owned ?? Promise.reject(new Error('nobody consumes'))
  }
  return { bus, give }
}

describe('owned partitions', () => {
  it('are those that are being worked on, by group', async () => {
    const { bus, give } = dealing()
    const lost: number[] = []
    const owned = watchOwned(bus, ({ partition }) => lost.push(partition))
    const takeAway = new Map<number, () => void>()
    await owned.bus.consume(
      { group: 'detect', topic: 'events' },
      ({ partition }) => new Promise((resolve) => takeAway.set(partition, resolve)),
      new AbortController().signal,
    )
    const working = [give(0), give(2)]
    expect(owned.list()).toEqual([
      { group: 'detect', topic: 'events', partition: 0 },
      { group: 'detect', topic: 'events', partition: 2 },
    ])
    takeAway.get(0)?.()
    await working[0]
    expect(owned.list()).toEqual([{ group: 'detect', topic: 'events', partition: 2 }])
    expect(lost).toEqual([0])
  })

  it('are lost when the work on them fails, too, and the failure goes on', async () => {
    const { bus, give } = dealing()
    const owned = watchOwned(bus, () => undefined)
    const fail = () => Promise.reject(new Error('a bug'))
    await owned.bus.consume({ group: 'detect', topic: 'events' }, fail, new AbortController().signal)
    await expect(give(1)).rejects.toThrow('a bug')
    expect(owned.list()).toEqual([])
  })
})
