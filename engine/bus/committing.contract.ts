/** Of the bus contract: commits, state, epochs, and consumers that fail or are stopped. */
import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import {
  aborted,
  type Buses,
  drain,
  emptyCommit,
  entry,
  numbered,
  offsetAfter,
  owning,
  PATIENCE_MS,
  readSome,
  record,
  restored,
  stateOf,
  text,
} from './consuming.contract.ts'

export function committingContract(kind: string, buses: Buses): void {
  describe(`${kind} bus: committing`, { timeout: PATIENCE_MS }, () => {
    test('makes the next owner go on after the commit; what was only read is seen again', async () => {
      const name = buses.uniqueName()
      const before = await buses.open({ name })
      await before.append('events', numbered(4))
      await owning(before, { group: 'g', topic: 'events' }, async (assignment) => {
        const read = await readSome(assignment, 4)
        await assignment.commit(emptyCommit(offsetAfter(read[1])))
      })
      await buses.close(before)
      const after = await buses.open({ name })
      const start = await owning(after, { group: 'g', topic: 'events' }, async (assignment) => assignment.start)
      const again = await drain(after, { group: 'g', topic: 'events' }, 2)
      expect(again[0]?.offset).toBe(start)
      expect(again.map(({ value }) => text(value))).toEqual(['2', '3'])
    })

    test('commits and appends beside a read that waits', async () => {
      const bus = await buses.open()
      await bus.append('events', [record('a', 'one')])
      const options = { group: 'g', topic: 'events' } as const
      const last = await owning(bus, options, async (assignment) => {
        const [first] = await readSome(assignment)
        const waiting = assignment.read({ maxRecords: 10, waitMs: PATIENCE_MS })
        await assignment.commit({ ...emptyCommit(offsetAfter(first)), state: [entry('seen', '1')] })
        await assignment.append('dead_letters', [record('a', 'bad')])
        await bus.append('events', [record('a', 'two')])
        const [second] = await waiting
        expect(text(second?.value ?? new Uint8Array())).toBe('two')
        await assignment.commit({ ...emptyCommit(offsetAfter(second)), state: [entry('seen', '2')] })
        return second
      })
      expect(await drain(bus, { group: 'next', topic: 'dead_letters' }, 1)).toHaveLength(1)
      expect(await restored(bus, options)).toEqual(new Map([['seen', '2']]))
      expect(await owning(bus, options, async ({ start }) => start)).toBe(offsetAfter(last))
    })

    test('appends outputs, to several topics and in order, for others to read', async () => {
      const bus = await buses.open()
      await bus.append('fragments', [record('a', 'in')])
      await owning(bus, { group: 'g', topic: 'fragments' }, async (assignment) => {
        const [read] = await readSome(assignment)
        await assignment.commit({
          next: offsetAfter(read),
          outputs: [
            { topic: 'events', records: [record('a', 'one'), record('a', 'two')] },
            { topic: 'dead_letters', records: [record('a', 'bad')] },
            { topic: 'events', records: [record('a', 'three')] },
          ],
          state: [],
        })
      })
      const events = await drain(bus, { group: 'next', topic: 'events' }, 3)
      expect(events.map(({ value }) => text(value))).toEqual(['one', 'two', 'three'])
      expect(await drain(bus, { group: 'next', topic: 'dead_letters' }, 1)).toHaveLength(1)
    })

    test('keeps state: changed, deleted, per group and partition', async () => {
      const name = buses.uniqueName()
      const before = await buses.open({ name })
      await before.append('events', numbered(2))
      const long = `agent-${'x'.repeat(5000)}`
      await owning(before, { group: 'g', topic: 'events' }, async (assignment) => {
        const [first] = await readSome(assignment, 1)
        await assignment.commit({
          ...emptyCommit(offsetAfter(first)),
          state: [entry('', 'empty'), entry('kept', '1'), entry('gone', '1'), entry('changed', '1'), entry(long, 'L')],
        })
        const [second] = await readSome(assignment, 1)
        const state = [{ key: 'gone', value: undefined }, entry('changed', '2'), { key: 'never', value: undefined }]
        await assignment.commit({ ...emptyCommit(offsetAfter(second)), state })
      })
      await buses.close(before)
      const after = await buses.open({ name })
      const state = await restored(after, { group: 'g', topic: 'events' })
      expect(state).toEqual(
        new Map([
          ['', 'empty'],
          ['kept', '1'],
          ['changed', '2'],
          [long, 'L'],
        ]),
      )
      expect(await restored(after, { group: 'other', topic: 'events' })).toEqual(new Map())
    })

    test('restores much state, all of it', async () => {
      const bus = await buses.open()
      await bus.append('events', numbered(1))
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const [read] = await readSome(assignment)
        const state = Array.from({ length: 3000 }, (_, index) => entry(`agent-${index}`, `${index}`))
        await assignment.commit({ ...emptyCommit(offsetAfter(read)), state })
      })
      const state = await restored(bus, { group: 'g', topic: 'events' })
      expect(state.size).toBe(3000)
      expect([...state].every(([key, value]) => key === `agent-${value}`)).toBe(true)
    })

    test('is refused after ownership has ended, and changes nothing', async () => {
      const bus = await buses.open()
      await bus.append('events', numbered(1))
      const stale = await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const [read] = await readSome(assignment)
        return { assignment, next: offsetAfter(read) }
      })
      const late = {
        next: stale.next,
        outputs: [{ topic: 'alerts' as const, records: numbered(1) }],
        state: [entry('k', 'v')],
      }
      await expect(stale.assignment.commit(late)).rejects.toThrow(Unavailable)
      await expect(stale.assignment.read({ maxRecords: 1, waitMs: 0 })).rejects.toThrow(Unavailable)
      await expect(stale.assignment.append('events', numbered(1))).rejects.toThrow(Unavailable)
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        expect(assignment.epoch).toBeGreaterThan(stale.assignment.epoch)
        expect(await readSome(assignment)).toHaveLength(1)
        expect(await stateOf(assignment)).toEqual(new Map())
      })
    })

    test('raises the epoch with every owner, over a reopen too', async () => {
      const name = buses.uniqueName()
      const epochs: number[] = []
      for (let round = 0; round < 3; round += 1) {
        const bus = await buses.open({ name })
        epochs.push(await owning(bus, { group: 'g', topic: 'events' }, async ({ epoch }) => epoch))
        await buses.close(bus)
      }
      expect(epochs[1]).toBeGreaterThan(epochs[0] ?? 0)
      expect(epochs[2]).toBeGreaterThan(epochs[1] ?? 0)
    })

    test('can be preceded by appends to the own partition, whatever their key, which are then read', async () => {
      const bus = await buses.open({ partitions: 4 })
      const seen = new Map<number, string>()
      const stop = new AbortController()
      await bus.consume(
        { group: 'g', topic: 'events' },
        async (assignment, signal) => {
          await assignment.append('events', [record('tick', `for ${assignment.partition}`)])
          const [read] = await readSome(assignment)
          seen.set(assignment.partition, text(read?.value ?? new Uint8Array()))
          if (seen.size === 4) {
            stop.abort()
          }
          await aborted(signal)
        },
        stop.signal,
      )
      expect(seen).toEqual(new Map([0, 1, 2, 3].map((partition) => [partition, `for ${partition}`])))
    })

    test('can be preceded by appends to another topic', async () => {
      const bus = await buses.open()
      await owning(bus, { group: 'g', topic: 'events' }, (assignment) =>
        assignment.append('dead_letters', [record('a', 'bad')]),
      )
      const [read] = await drain(bus, { group: 'g', topic: 'dead_letters' }, 1)
      expect(read && text(read.value)).toBe('bad')
    })

    test('shows in the lag of the group', async () => {
      const bus = await buses.open()
      await bus.append('events', numbered(5))
      await owning(bus, { group: 'g', topic: 'events' }, async (assignment) => {
        const read = await readSome(assignment, 5)
        await assignment.commit(emptyCommit(offsetAfter(read[2])))
        const lag = await bus.lag()
        expect(lag).toContainEqual(expect.objectContaining({ group: 'g', topic: 'events', partition: 0 }))
        const place = lag.find(({ group }) => group === 'g')
        expect(place && place.end - place.committed).toBe(2)
      })
    })
  })

  describe(`${kind} bus: consumers`, { timeout: PATIENCE_MS }, () => {
    test('that throw make consume reject with that error, after the others were told to stop', async () => {
      const bus = await buses.open({ partitions: 2 })
      const bug = new Error('a bug')
      let told = 0
      const consumed = bus.consume(
        { group: 'g', topic: 'events' },
        async ({ partition }, signal) => {
          if (partition === 0) {
            throw bug
          }
          await aborted(signal)
          told += 1
        },
        new AbortController().signal,
      )
      await expect(consumed).rejects.toBe(bug)
      expect(told).toBe(1)
    })

    test('are told to stop when the bus closes, and may commit before they return', async () => {
      const name = buses.uniqueName()
      const bus = await buses.open({ name })
      await bus.append('events', numbered(1))
      let owned = (): void => undefined
      const reading = new Promise<void>((resolve) => {
        owned = resolve
      })
      const consumed = bus.consume(
        { group: 'g', topic: 'events' },
        async (assignment, signal) => {
          const [read] = await readSome(assignment)
          owned()
          await aborted(signal)
          await assignment.commit({ ...emptyCommit(offsetAfter(read)), state: [entry('last', 'words')] })
        },
        new AbortController().signal,
      )
      await reading
      await buses.close(bus)
      await consumed
      const after = await buses.open({ name })
      expect(await restored(after, { group: 'g', topic: 'events' })).toEqual(new Map([['last', 'words']]))
    })

    test('and appends after close are refused with Unavailable', async () => {
      const bus = await buses.open()
      await buses.close(bus)
      await expect(bus.append('events', numbered(1))).rejects.toThrow(Unavailable)
      const consumed = bus.consume({ group: 'g', topic: 'events' }, async () => undefined, new AbortController().signal)
      await expect(consumed).rejects.toThrow(Unavailable)
    })
  })
}
