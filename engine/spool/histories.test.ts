/**
 * Any history of a spool: appends one by one and together, a bus that fails, takes parts, freezes and recovers, restarts,
 * and a small disk. In the end nothing that was acknowledged is missing at the bus, in its order, repeats apart.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { recordBytes } from '../bus/record-bytes.ts'
import type { Mood } from './flaky-remote.contract.ts'
import { spooled } from './spooled-record.ts'
import { WatchedSpool } from './watched-spool.contract.ts'

const MAX_BYTES = 400
const KEYS = ['a', 'b', 'c']
const RUNS = 60

type Step =
  /** Each inner list is the keys of one append; all are called at once. */
  | { readonly do: 'append'; readonly appends: readonly (readonly string[])[]; readonly isAwaited: boolean }
  | { readonly do: 'mood'; readonly mood: Mood }
  /** What the bus has not answered lands, or fails. */
  | { readonly do: 'answer'; readonly landing: boolean }
  | { readonly do: 'restart' }
  | { readonly do: 'drain' }

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      appends: fc.array(fc.array(fc.constantFrom(...KEYS), { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      isAwaited: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('mood' as const),
      mood: fc.constantFrom<Mood>('up', 'up', 'down', 'half', 'frozen'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), landing: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'drain' as const }) },
)

const HISTORY = fc.array(STEP, { minLength: 4, maxLength: 25 })

/** One append: what it brought, and when it was called and acknowledged, in turns of a counter. */
interface Call {
  readonly records: readonly { readonly key: string; readonly value: string }[]
  readonly calledAt: number
  acknowledgedAt: number | undefined
}

/** What clients know, and how it went. */
class Clients {
  readonly calls: Call[] = []
  readonly watched: WatchedSpool
  refused = 0
  #turn = 0
  #open = new Set<Promise<void>>()

  constructor(watched: WatchedSpool) {
    this.watched = watched
  }

  append(keys: readonly string[]): void {
    this.#turn += 1
    const records = keys.map((key, index) => ({ key, value: `${this.#turn}.${index}` }))
    const call: Call = { records, calledAt: this.#turn, acknowledgedAt: undefined }
    this.calls.push(call)
    const encoded = records.map(({ key, value }) => ({ key, value: Buffer.from(value) }))
    const ended = this.watched.spool
      .append('fragments', encoded)
      .then(
        () => {
          this.#turn += 1
          call.acknowledgedAt = this.#turn
        },
        (error: unknown) => {
          expect(error).toBeInstanceOf(Unavailable)
          this.refused += 1
        },
      )
      .finally(() => this.#open.delete(ended))
    this.#open.add(ended)
  }

  async answered(): Promise<void> {
    await Promise.all(this.#open)
  }

  get acknowledged(): Call[] {
    return this.calls.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
  }

  /** Of what was acknowledged and has not landed: on the disk, or lost. */
  waitingBytes(landed: ReadonlySet<string>): number {
    return this.acknowledged
      .flatMap(({ records }) => records)
      .filter(({ key, value }) => !landed.has(`fragments ${key} ${value}`))
      .reduce((sum, { key, value }) => {
        return sum + recordBytes(spooled('fragments', Date.now(), { key, value: Buffer.from(value) }))
      }, 0)
  }
}

async function take(step: Step, watched: WatchedSpool, clients: Clients): Promise<void> {
  const { remote, spool } = watched
  switch (step.do) {
    case 'append':
      for (const keys of step.appends) {
        clients.append(keys)
      }
      if (step.isAwaited) {
        await clients.answered()
      }
      return
    case 'mood':
      remote.mood = step.mood
      return
    case 'answer':
      return remote.answer(step.landing)
    case 'restart':
      await spool.close(0)
      await open(watched)
      return
    case 'drain':
      if (remote.mood === 'up') {
        remote.answer(true)
        await watched.drained()
      }
  }
}

async function open(watched: WatchedSpool): Promise<void> {
  await watched.open({ maxBytes: MAX_BYTES, deadlineMs: 3 })
}

/** Pairs of records of one key of which one was acknowledged before the other was appended, in the order they landed. */
function overtakes(calls: readonly Call[], landed: readonly string[]): string[] {
  const places = new Map(landed.map((record, index) => [record, index]))
  const place = ({ key, value }: Call['records'][number]) => places.get(`fragments ${key} ${value}`)
  return calls.flatMap((before) =>
    calls
      .filter(({ calledAt }) => before.acknowledgedAt !== undefined && calledAt > before.acknowledgedAt)
      .flatMap((after) =>
        before.records.flatMap((first) =>
          after.records
            .filter((second) => second.key === first.key && (place(second) ?? Infinity) < (place(first) ?? Infinity))
            .map((second) => `${second.value} of ${second.key} before ${first.value}`),
        ),
      ),
  )
}

async function live(steps: readonly Step[]): Promise<Clients> {
  const watched = new WatchedSpool()
  const clients = new Clients(watched)
  try {
    await open(watched)
    for (const step of steps) {
      await take(step, watched, clients)
      expect(clients.waitingBytes(new Set(watched.remote.landed))).toBeLessThanOrEqual(MAX_BYTES)
    }
    watched.remote.thaw(false)
    await clients.answered()
    await watched.drained()
    const landed = watched.remote.first
    expect(clients.waitingBytes(new Set(landed)), 'acknowledged and lost').toBe(0)
    expect(overtakes(clients.calls, landed)).toEqual([])
    return clients
  } finally {
    await watched.end()
  }
}

describe('any history of a spool', () => {
  test('loses nothing that was acknowledged, keeps it in order, and stays within its bound', async () => {
    const reached = { acknowledged: 0, refused: 0, spooled: 0, repeated: 0 }
    await fc.assert(
      fc.asyncProperty(HISTORY, async (steps) => {
        const { acknowledged, refused, watched } = await live(steps)
        reached.acknowledged += acknowledged.length
        reached.refused += refused > 0 ? 1 : 0
        reached.spooled += watched.states.some(({ isSpooling }) => isSpooling) ? 1 : 0
        reached.repeated += watched.remote.landed.length > watched.remote.first.length ? 1 : 0
      }),
      { numRuns: RUNS },
    )
    // The property would hold of a spool that nothing ever happens to.
    expect(reached.acknowledged).toBeGreaterThan(RUNS * 5)
    for (const histories of [reached.refused, reached.spooled, reached.repeated]) {
      expect(histories).toBeGreaterThan(RUNS / 10)
    }
  }, 120_000)
})
