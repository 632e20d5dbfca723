/**
 * Any history of a bus against a model of a few maps: appends, reads, commits with outputs and state, a consumer
 * that dies with uncommitted reads, and a reopen. Part of the bus contract.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Assignment, Bus, StateEntry, StoredRecord } from './bus.ts'

type Open = (options: { readonly name: string }) => Promise<Bus>

/** What the bus should hold: `events` in, `findings` out, and the state of one group. */
interface Model {
  readonly events: string[]
  readonly findings: string[]
  readonly state: Map<string, string>
  committed: number
}

type Step =
  | { readonly do: 'append'; readonly values: readonly string[] }
  | { readonly do: 'together'; readonly appends: readonly (readonly string[])[] }
  | {
      readonly do: 'turn'
      readonly maxRecords: number
      /** How many of the records read are committed. */
      readonly share: number
      readonly keys: readonly string[]
      readonly remove: readonly string[]
    }
  | { readonly do: 'restart'; readonly reopen: boolean }

const VALUE = fc.string({ maxLength: 8 })
const STATE_KEY = fc.constantFrom('', 'a', 'b', 'session 1', '__proto__')

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('append' as const), values: fc.array(VALUE, { maxLength: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('together' as const),
      appends: fc.array(fc.array(VALUE, { maxLength: 3 }), { maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      maxRecords: fc.integer({ min: 1, max: 6 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      keys: fc.array(STATE_KEY, { maxLength: 3 }),
      remove: fc.array(STATE_KEY, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), reopen: fc.boolean() }) },
)

const HISTORY = fc.array(STEP, { minLength: 5, maxLength: 25 })

/** How often histories reach what can go wrong; the embedded test checks it on a fixed seed. */
export function historiesThat(reach: (step: Step, before: readonly Step[]) => boolean, count: number): number {
  return fc
    .sample(HISTORY, { numRuns: count, seed: 7 })
    .filter((steps) => steps.some((step, index) => reach(step, steps.slice(0, index)))).length
}

export function busModelProperty(open: Open, uniqueName: () => string) {
  return fc.asyncProperty(HISTORY, async (steps) => {
    const name = uniqueName()
    const model: Model = { events: [], findings: [], state: new Map(), committed: 0 }
    let bus = await open({ name })
    try {
      // Each run of steps between restarts is one consumer's life.
      for (const life of lives(steps)) {
        await live(bus, model, life.steps)
        if (life.reopen) {
          await bus.close()
          bus = await open({ name })
        }
      }
      await checkAll(bus, model)
    } finally {
      await bus.close()
    }
  })
}

function lives(steps: readonly Step[]): readonly { readonly steps: readonly Step[]; readonly reopen: boolean }[] {
  const all: { steps: Step[]; reopen: boolean }[] = [{ steps: [], reopen: false }]
  for (const step of steps) {
    const life = all.at(-1)
    if (step.do === 'restart' && life !== undefined) {
      life.reopen = step.reopen
      all.push({ steps: [], reopen: false })
    } else {
      life?.steps.push(step)
    }
  }
  return all
}

async function live(bus: Bus, model: Model, steps: readonly Step[]): Promise<void> {
  await consumeOnce(bus, 'stage', 'events', async (assignment) => {
    const state = new Map<string, string>()
    for await (const { key, value } of assignment.restore()) {
      state.set(key, text(value))
    }
    expect(state).toEqual(model.state)
    let position = model.committed
    for (const step of steps) {
      position = await take(bus, assignment, model, position, step)
    }
  })
}

/** Does one step on both, and compares what is read. Answers where the consumer stands. */
async function take(bus: Bus, assignment: Assignment, model: Model, position: number, step: Step): Promise<number> {
  if (step.do === 'append') {
    await bus.append('events', step.values.map(toRecord))
    model.events.push(...step.values)
    return position
  }
  if (step.do === 'together') {
    await Promise.all(step.appends.map((values) => bus.append('events', values.map(toRecord))))
    model.events.push(...step.appends.flat())
    return position
  }
  if (step.do === 'restart') {
    return position
  }
  const there = model.events.slice(position, position + step.maxRecords)
  const read = await assignment.read({ maxRecords: step.maxRecords, waitMs: there.length > 0 ? 30_000 : 0 })
  expect(read.map(({ value }) => text(value))).toEqual(there.slice(0, read.length))
  expect(read.length > 0).toBe(there.length > 0)
  const committing = Math.floor(step.share * (read.length + 0.999))
  const last = read[committing - 1]
  if (last !== undefined) {
    await commitUpTo(assignment, model, read.slice(0, committing), step)
    model.committed = position + committing
  }
  return position + read.length
}

async function commitUpTo(
  assignment: Assignment,
  model: Model,
  records: readonly StoredRecord[],
  step: { readonly keys: readonly string[]; readonly remove: readonly string[] },
): Promise<void> {
  const outputs = records.map(({ value }) => `seen ${text(value)}`)
  const state = new Map<string, string | undefined>()
  for (const key of step.keys) {
    state.set(key, `${key} at ${records.at(-1)?.offset}`)
  }
  for (const key of step.remove) {
    state.set(key, undefined)
  }
  const entries: StateEntry[] = [...state].map(([key, value]) => ({
    key,
    value: value === undefined ? value : bytes(value),
  }))
  await assignment.commit({
    next: (records.at(-1)?.offset ?? 0) + 1,
    outputs: [{ topic: 'findings', records: outputs.map(toRecord) }],
    state: entries,
  })
  model.findings.push(...outputs)
  for (const [key, value] of state) {
    if (value === undefined) {
      model.state.delete(key)
    } else {
      model.state.set(key, value)
    }
  }
}

async function checkAll(bus: Bus, model: Model): Promise<void> {
  for (const [topic, expected] of [
    ['events', model.events],
    ['findings', model.findings],
  ] as const) {
    const seen: string[] = []
    await consumeOnce(bus, 'checker', topic, async (assignment) => {
      while (seen.length < expected.length) {
        const batch = await assignment.read({ maxRecords: 100, waitMs: 30_000 })
        seen.push(...batch.map(({ value }) => text(value)))
      }
    })
    expect(seen).toEqual(expected)
  }
}

async function consumeOnce(
  bus: Bus,
  group: string,
  topic: 'events' | 'findings',
  work: (assignment: Assignment) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  await bus.consume(
    { group, topic },
    async (assignment) => {
      await work(assignment)
      stop.abort()
    },
    stop.signal,
  )
}

function toRecord(value: string) {
  return { key: 'k', value: bytes(value) }
}

function bytes(value: string): Buffer {
  return Buffer.from(value)
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}
