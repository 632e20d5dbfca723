import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import { committing } from '../test/committing.ts'
import type { Bus, StoredRecord, Topic } from './bus/bus.ts'
import { embeddedBench } from './bus/embedded/embedded-bench.contract.ts'
import { countingStage, said, text } from './counting-stage.contract.ts'
import { type BatchLimits, runStage, type StageRun } from './loop.ts'
import { TooMuchPoison } from './poison.ts'
import { addOutcomes, type Stage } from './stage.ts'

const { newDirectory, closeBus, ...bench } = embeddedBench()
const openBus = (directory = newDirectory()) => bench.openBus({ sync: false, directory })
let readers = 0

/** Runs the stage until the bus has nothing left for it, then stops it. */
async function runUntilCaughtUp(bus: Bus, options: Partial<StageRun> = {}): Promise<void> {
  const stop = new AbortController()
  const running = runStage({ bus, stage: countingStage(), signal: stop.signal, ...options })
  await Promise.race([running, caughtUp(bus)])
  stop.abort()
  await running
}

async function caughtUp(bus: Bus): Promise<void> {
  for (;;) {
    const place = (await bus.lag()).find(({ group }) => group === 'count')
    if (place !== undefined && place.committed === place.end) {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** All values of a topic, as a group of its own. */
async function read(bus: Bus, topic: Topic): Promise<string[]> {
  const values: string[] = []
  const stop = new AbortController()
  await bus.consume(
    { group: `reader-${++readers}`, topic },
    async (assignment) => {
      for (;;) {
        const batch = await assignment.read({ maxRecords: 1000, waitMs: 0 })
        if (batch.length === 0) {
          return
        }
        values.push(...batch.map(({ value }) => text(value)))
      }
    },
    stop.signal,
  )
  return values
}

describe('the stage loop', () => {
  test('writes what the stage says, in order, and counts the outcomes', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', ''), said('b', ''), said('a', '')])
    const outcomes = new Map<string, number>()
    await runUntilCaughtUp(bus, { onOutcomes: (_stage, more) => addOutcomes(outcomes, more) })
    expect(await read(bus, 'findings')).toEqual(['a=1', 'b=1', 'a=2'])
    expect(outcomes).toEqual(new Map([['judged', 3]]))
  })

  test('goes on from its state and offset after a restart', async () => {
    const directory = newDirectory()
    const before = await openBus(directory)
    await before.append('events', [said('a', ''), said('a', '')])
    await runUntilCaughtUp(before)
    await closeBus(before)
    const after = await openBus(directory)
    await after.append('events', [said('a', '')])
    await runUntilCaughtUp(after)
    expect(await read(after, 'findings')).toEqual(['a=1', 'a=2', 'a=3'])
  })

  test('writes the same however the input is cut into batches and lives', async () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 })
    const cuts = fc.array(
      fc.record({ maxRecords: fc.integer({ min: 1, max: 7 }), records: fc.integer({ min: 0, max: 10 }) }),
      {
        maxLength: 5,
      },
    )
    await fc.assert(
      fc.asyncProperty(keys, cuts, async (input, lives) => {
        const bus = await openBus()
        let at = 0
        for (const { maxRecords, records } of [...lives, { maxRecords: 1000, records: input.length }]) {
          await bus.append(
            'events',
            input.slice(at, at + records).map((key) => said(key, '')),
          )
          at += records
          await runUntilCaughtUp(bus, { batch: { maxRecords } })
        }
        const counts = new Map<string, number>()
        const expected = input.map((key) => {
          counts.set(key, (counts.get(key) ?? 0) + 1)
          return `${key}=${counts.get(key)}`
        })
        expect(await read(bus, 'findings')).toEqual(expected)
        await closeBus(bus)
      }),
      { numRuns: 25 },
    )
  })

  test('lets timers and sockets have their turn between batches, even when nothing waits for a disk', async () => {
    const bus = await openBus()
    await bus.append(
      'events',
      Array.from({ length: 5000 }, () => said('a', '')),
    )
    let batches = 0
    const stop = new AbortController()
    const running = runStage({
      bus: committing(bus, async () => {
        batches += 1
        if (batches === 1) {
          setTimeout(() => stop.abort(), 0)
        }
      }),
      stage: countingStage(),
      signal: stop.signal,
      batch: { maxRecords: 1 },
    })
    await running
    expect(batches).toBeLessThan(5000)
  })
})

describe('poison', () => {
  test('is dead-lettered whole, with its place and reason, and counted; the rest goes on', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', ''), said('x', 'poison'), said('a', '')])
    const outcomes = new Map<string, number>()
    const now = () => 1_790_000_000_000
    await runUntilCaughtUp(bus, { now, onOutcomes: (_stage, more) => addOutcomes(outcomes, more) })
    expect(await read(bus, 'findings')).toEqual(['a=1', 'a=2'])
    const letters = (await read(bus, 'dead_letters')).map((letter): DeadLetter => JSON.parse(letter))
    expect(letters).toEqual([
      {
        letter_id: idOf('count', undefined, 'events', 0, 1, 'x', btoa('poison')),
        tenant_id: '',
        time_ms: now(),
        ...{ stage: 'count', reason: 'not-countable', topic: 'events', partition: 0, offset: 1 },
        ...{ key: 'x', value_base64: btoa('poison') },
      },
    ])
    expect(outcomes).toEqual(
      new Map([
        ['judged', 2],
        ['rejected:not-countable', 1],
      ]),
    )
  })

  test('stops the stage when most of a long stretch is poison, and leaves it uncommitted', async () => {
    const bus = await openBus()
    await bus.append(
      'events',
      Array.from({ length: 300 }, (_, index) => said('a', index % 3 === 0 ? '' : 'poison')),
    )
    const stopped = runUntilCaughtUp(bus, { batch: { maxRecords: 100 } })
    await expect(stopped).rejects.toThrow(TooMuchPoison)
    await expect(stopped).rejects.toThrow(/of its last 200 records cannot be processed \(not-countable\)/)
    expect((await bus.lag())[0]).toMatchObject({ committed: 100, end: 300 })
  })

  test('does not stop the stage when it is half or less, or before there is enough to judge by', async () => {
    const bus = await openBus()
    const half = Array.from({ length: 400 }, (_, index) => said('a', index % 2 === 0 ? '' : 'poison'))
    const few = Array.from({ length: 150 }, () => said('a', 'poison'))
    await bus.append('events', half)
    await runUntilCaughtUp(bus)
    const other = await openBus()
    await other.append('events', few)
    await runUntilCaughtUp(other)
    expect(await read(bus, 'dead_letters')).toHaveLength(200)
    expect(await read(other, 'dead_letters')).toHaveLength(150)
  })

  test('of long ago is forgotten', async () => {
    const bus = await openBus()
    await bus.append(
      'events',
      Array.from({ length: 150 }, () => said('a', 'poison')),
    )
    await bus.append(
      'events',
      Array.from({ length: 1500 }, () => said('a', '')),
    )
    await bus.append(
      'events',
      Array.from({ length: 400 }, () => said('a', 'poison')),
    )
    await runUntilCaughtUp(bus, { batch: { maxRecords: 50 } })
    expect(await read(bus, 'dead_letters')).toHaveLength(550)
  })
})

describe('a stage that throws', () => {
  test('makes the run reject, saying where, with the cause; nothing of the batch is committed', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', ''), said('a', 'bug')])
    const error: Error = await runUntilCaughtUp(bus).then(
      () => new Error('it did not reject'),
      (reason) => reason,
    )
    expect(error.message).toBe('the count stage failed on events/0 at offsets 0 to 1')
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(await read(bus, 'findings')).toEqual([])
  })
})

describe('an idle partition', () => {
  /** Holds each event until stream time, moved on by ticks, has passed the event's deadline. */
  function holdingStage(): Stage {
    return {
      id: 'count',
      input: 'events',
      open: () => {
        let held: StoredRecord[] = []
        return {
          apply: (records) => {
            const ticked = records.some(({ key }) => key === 'tick')
            held.push(...records.filter(({ key }) => key !== 'tick'))
            const findings = ticked ? held.map(({ key }) => said(key, `${key} let go`)) : []
            held = ticked ? [] : held
            return { outputs: [{ topic: 'findings', records: findings }], outcomes: new Map(), poison: [] }
          },
          changes: () => [],
          tick: (nowMs) => (held.length > 0 && nowMs >= 1000 ? said('tick', `${nowMs}`) : undefined),
        }
      },
    }
  }

  test('gets a tick in its own input when the stage waits for time, and only then', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', '')])
    let nowMs = 0
    const stop = new AbortController()
    const batch: Partial<BatchLimits> = { idleMs: 5 }
    const running = runStage({ bus, stage: holdingStage(), signal: stop.signal, batch, now: () => (nowMs += 250) })
    await until(async () => (await read(bus, 'findings')).length > 0)
    stop.abort()
    await running
    expect(await read(bus, 'findings')).toEqual(['a let go'])
    expect(await read(bus, 'events')).toEqual(['', '1000'])
  })
})

describe('a bus that is unavailable', () => {
  test('is waited for, and the same batch is committed once', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', ''), said('a', '')])
    const retries: string[] = []
    await runUntilCaughtUp(failingCommits(bus, 2), {
      onRetry: (stage, error) => retries.push(`${stage}: ${error.message}`),
    })
    expect(retries).toEqual(['count: the disk is full', 'count: the disk is full'])
    expect(await read(bus, 'findings')).toEqual(['a=1', 'a=2'])
  })

  test('does not keep the loop from stopping', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', '')])
    const stop = new AbortController()
    await runStage({
      bus: failingCommits(bus, Number.POSITIVE_INFINITY, 600_000),
      stage: countingStage(),
      signal: stop.signal,
      onRetry: () => stop.abort(),
    })
    expect(await read(bus, 'findings')).toEqual([])
  })
})

describe('while a turn is being committed', () => {
  test('the next is applied, and is committed only after it', async () => {
    const bus = await openBus()
    await bus.append('events', [said('a', ''), said('a', ''), said('a', '')])
    const order: string[] = []
    const stage = countingStage()
    const watched: Stage = {
      ...stage,
      open: (partition, state) => {
        const opened = stage.open(partition, state)
        return {
          ...opened,
          apply: (records) => {
            order.push(`apply ${records[0]?.offset}`)
            return opened.apply(records)
          },
        }
      },
    }
    const slow = committing(bus, async (assignment, commit) => {
      order.push(`commit up to ${commit.next}`)
      // The first takes until the second turn has been applied: a loop that waits would never get there.
      await until(async () => order.includes('apply 1'))
      await assignment.commit(commit)
      order.push(`committed up to ${commit.next}`)
    })
    await runUntilCaughtUp(slow, { stage: watched, batch: { maxRecords: 1 } })
    const at = (step: string) => order.indexOf(step)
    expect(at('apply 1')).toBeLessThan(at('committed up to 1'))
    // What the first turn persists may be written over by the third.
    expect(at('committed up to 1')).toBeLessThan(at('apply 2'))
    expect(at('committed up to 1')).toBeLessThan(at('commit up to 2'))
    expect(at('committed up to 2')).toBeLessThan(at('commit up to 3'))
    expect(await read(bus, 'findings')).toEqual(['a=1', 'a=2', 'a=3'])
  })
})

/** The bus, refusing the first commits as a full disk would. */
function failingCommits(bus: Bus, failures: number, retryAfterMs = 1): Bus {
  let left = failures
  return committing(bus, async (assignment, commit) => {
    if (left > 0) {
      left -= 1
      throw new Unavailable('the disk is full', { retryAfterMs })
    }
    await assignment.commit(commit)
  })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
