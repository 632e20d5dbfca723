import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Rejected, Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { exampleEvent } from '../test/example-event.ts'
import { hasChdb } from './chdb/installed.contract.ts'
import { openStore } from './clickhouse.ts'
import type { AgentSummary, Page, Store } from './store.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const HOUR_MS = 3_600_000
const START_MS = 1_790_000_000_000

let batches = 0
const batchId = () => `00000000-0000-7000-8000-${String(++batches).padStart(12, '0')}`

/** Every item of a listing, page by page. */
async function all<Item>(page: (cursor?: string) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const { items: more, next } = await page(cursor)
    items.push(...more)
    cursor = next
  } while (cursor !== undefined)
  return items
}

describe.skipIf(!hasChdb)('the store (needs the optional package chdb)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-store-'))
  let store: Store
  beforeAll(async () => {
    store = await openStore({ embedded: { directory } })
  })
  afterAll(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const insertEvents = async (events: readonly Telemetry[]) => {
    const id = batchId()
    expect(await store.insert({ batchId: id, table: 'events', rows: events.map(bytes) })).toEqual([])
    return id
  }

  describe('inserting', () => {
    it('gives each event back as it was', async () => {
      const event = exampleEvent({
        tenant_id: 'whole',
        event_id: idOf('whole'),
        agent: { id: 'a', name: 'Ann', version: '1', framework: 'f', owner: 'o', labels: { tier: 'gold' } },
        content: { arguments: '{"q":"\\"; DROP TABLE events; --"}', result: '😀 \u0000 \u2028 </script>' },
        volume: { input_tokens: 2 ** 53 - 1, cost_usd: 0.25 },
        duration_ms: null,
        attributes: { 'a.b': true, __proto__x: 1, "it's {x:String}": '\\' },
      })
      await insertEvents([event])
      expect(await store.event('whole', event.event_id)).toEqual(event)
      expect((await store.events({ tenant: 'whole' })).items).toEqual([event])
    })

    it('knows the batches it has', async () => {
      const id = await insertEvents([exampleEvent({ tenant_id: 'batches' })])
      expect(await store.hasBatch('events', id)).toBe(true)
      expect(await store.hasBatch('events', batchId())).toBe(false)
      expect(await store.hasBatch('findings', id)).toBe(false)
    })

    it('shows an id once, in its newest version, however often it comes', async () => {
      const before = exampleEvent({ tenant_id: 'amended', event_id: idOf('amended'), outcome: 'ok' })
      const after: Telemetry = { ...before, outcome: 'error', error_type: 'timeout' }
      await insertEvents([before, before])
      await insertEvents([before, after])
      await insertEvents([after])
      expect((await store.events({ tenant: 'amended' })).items).toEqual([after])
      expect((await store.events({ tenant: 'amended', outcome: ['ok'] })).items).toEqual([])
      expect((await store.agents({ tenant: 'amended' })).items[0]?.events).toBe(1)
      expect(await store.event('amended', before.event_id)).toEqual(after)
    })

    it('takes hostile text without stopping for it', async () => {
      const hostile = [
        { attributes: { a: 'lone \ud800 surrogate', 'key \udfff': 'x' } },
        { attributes: { big: 1e20, tiny: 5e-324, huge: Number.MAX_VALUE } },
        { content: { result: '\u0000'.repeat(8192) } },
        { session_id: "'; DROP TABLE events; --" },
        { agent: { id: '../../etc/passwd\u202e' } },
        { time_ms: 9e15, observed_ms: 0 },
        { duration_ms: 1e300, volume: { bytes_in: 2 ** 60, rows: 1e15 } },
        { tool: { name: '{tenant:String}' } },
      ].map((changes, index) => exampleEvent({ tenant_id: 'hostile', event_id: idOf('hostile', index), ...changes }))
      await insertEvents(hostile)
      const found = new Map((await store.events({ tenant: 'hostile' })).items.map((event) => [event.event_id, event]))
      expect(found.size).toBe(hostile.length)
      const [surrogates, numbers, ...others] = hostile as [Telemetry, Telemetry, ...Telemetry[]]
      expect(found.get(surrogates.event_id)?.attributes).toEqual({ a: 'lone \ufffd surrogate', 'key \ufffd': 'x' })
      expect(found.get(numbers.event_id)).toEqual(numbers)
      expect(others.map(({ event_id }) => found.get(event_id))).toEqual(others)
    })

    it('makes numbers storable that JSON can write and nobody can hold', async () => {
      const event = exampleEvent({ tenant_id: 'numbers', event_id: idOf('numbers') })
      const row = Buffer.from(JSON.stringify(event).replace('"attributes":{}', '"attributes":{"a":1e999}'))
      expect(await store.insert({ batchId: batchId(), table: 'events', rows: [row] })).toEqual([])
      expect((await store.event('numbers', event.event_id))?.attributes).toEqual({ a: null })
    })

    it('names the rows that can never be stored, and then stores none of the batch', async () => {
      const good = [0, 1, 2].map((index) => exampleEvent({ tenant_id: 'refused', event_id: idOf('refused', index) }))
      const unreadable = [Buffer.from('{"event_id":'), Buffer.from([0xff])]
      const id = batchId()
      const first = [bytes(good[0]), ...unreadable, bytes(good[1]), bytes({ not: 'an event' }), bytes(good[2])]
      expect(await store.insert({ batchId: id, table: 'events', rows: first })).toEqual([
        { index: 1, reason: 'not-json' },
        { index: 2, reason: 'not-json' },
      ])
      const second = first.filter((_, index) => index !== 1 && index !== 2)
      expect(await store.insert({ batchId: id, table: 'events', rows: second })).toEqual([
        { index: 2, reason: 'unstorable' },
      ])
      expect(await store.hasBatch('events', id)).toBe(false)
      const third = second.filter((_, index) => index !== 2)
      expect(await store.insert({ batchId: id, table: 'events', rows: third })).toEqual([])
      expect(await store.hasBatch('events', id)).toBe(true)
      expect((await store.events({ tenant: 'refused' })).items.length).toBe(3)
    })

    it('loses nothing of arbitrary text', async () => {
      let run = 0
      const strings = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ a: strings, b: strings }), { minLength: 1, maxLength: 20 }),
          async (texts) => {
            const tenant_id = `arbitrary-${run++}`
            const events = texts.map(({ a, b }, index) =>
              exampleEvent({
                tenant_id,
                event_id: idOf(index),
                session_id: a,
                tool: { name: b },
                attributes: { [b]: a },
              }),
            )
            await insertEvents(events)
            const found = await store.events({ tenant: tenant_id })
            const key = (event: Telemetry) => event.event_id
            expect([...found.items].sort((x, y) => (key(x) < key(y) ? -1 : 1))).toEqual(
              [...events].sort((x, y) => (key(x) < key(y) ? -1 : 1)),
            )
          },
        ),
        { numRuns: 15 },
      )
    })
  })

  describe('listing events', () => {
    const tenant = 'listing'
    const outcomes = ['ok', 'ok', 'error', 'denied'] as const
    // Several at the same millisecond, over several hours, by several agents.
    const events = Array.from({ length: 60 }, (_, index) =>
      exampleEvent({
        tenant_id: tenant,
        event_id: idOf('listing', index),
        time_ms: START_MS + Math.floor(index / 4) * (HOUR_MS / 3),
        agent: { id: `agent-${index % 3}` },
        session_id: `session-${index % 5}`,
        operation: index % 2 === 0 ? 'tool_call' : 'model_call',
        outcome: outcomes[index % 4] as Telemetry['outcome'],
        tool: { name: `tool-${index % 2}` },
      }),
    )
    const newestFirst = [...events].sort(
      (one, other) => other.time_ms - one.time_ms || (other.event_id < one.event_id ? -1 : 1),
    )
    beforeAll(async () => {
      await insertEvents(events.slice(0, 25))
      await insertEvents(events.slice(25))
    })

    it.each([1, 7, 60, 1000])('pages through all of them, newest first, %d at a time', async (limit) => {
      const found = await all((cursor) => store.events({ tenant, limit, ...(cursor === undefined ? {} : { cursor }) }))
      expect(found.map(({ event_id }) => event_id)).toEqual(newestFirst.map(({ event_id }) => event_id))
    })

    it.each<[string, Parameters<Store['events']>[0], (event: Telemetry) => boolean]>([
      ['agent', { tenant, agent: 'agent-1' }, (event) => event.agent.id === 'agent-1'],
      ['session', { tenant, session: 'session-2' }, (event) => event.session_id === 'session-2'],
      ['tool', { tenant, tool: 'tool-1' }, (event) => event.tool?.name === 'tool-1'],
      ['operation', { tenant, operation: ['model_call', 'egress'] }, (event) => event.operation === 'model_call'],
      ['outcome', { tenant, outcome: ['error', 'denied'] }, (event) => event.outcome !== 'ok'],
      ['nothing', { tenant, outcome: [] }, () => false],
      [
        'a from that is included',
        { tenant, fromMs: START_MS + HOUR_MS },
        (event) => event.time_ms >= START_MS + HOUR_MS,
      ],
      ['a to that is not', { tenant, toMs: START_MS + HOUR_MS }, (event) => event.time_ms < START_MS + HOUR_MS],
      ['a span the wrong way round', { tenant, fromMs: START_MS + HOUR_MS, toMs: START_MS }, () => false],
      ['times out of this world', { tenant, fromMs: -1e300, toMs: Number.POSITIVE_INFINITY }, () => true],
      [
        'all of it',
        { tenant, agent: 'agent-2', outcome: ['ok'], session: 'session-2', toMs: START_MS + 9 * HOUR_MS },
        (event) =>
          event.agent.id === 'agent-2' &&
          event.outcome === 'ok' &&
          event.session_id === 'session-2' &&
          event.time_ms < START_MS + 9 * HOUR_MS,
      ],
    ])('filters by %s', async (_, query, matches) => {
      const found = await all((cursor) =>
        store.events({ ...query, limit: 9, ...(cursor === undefined ? {} : { cursor }) }),
      )
      expect(found).toEqual(newestFirst.filter(matches))
    })

    it('shows nothing of one tenant to another', async () => {
      expect((await store.events({ tenant: 'stranger' })).items).toEqual([])
      expect(await store.event('stranger', events[0]?.event_id as string)).toBeUndefined()
      expect(await store.agents({ tenant: 'stranger' })).toEqual({ items: [] })
      const { next } = await store.events({ tenant, limit: 5 })
      await expect(store.events({ tenant: 'stranger', cursor: next as string })).rejects.toThrow(Rejected)
    })

    it.each([0, -1, 1.5, 1001, Number.NaN])('refuses a limit of %d', async (limit) => {
      await expect(store.events({ tenant, limit })).rejects.toThrow(Rejected)
    })

    it('takes values for values', async () => {
      for (const session of ["' OR 1=1 --", '{tenant:String}', "file('/etc/passwd')", '\\', '%', '\0', '\ud800']) {
        expect((await store.events({ tenant, session })).items).toEqual([])
      }
    })

    it('sums up the agents', async () => {
      const [first, ...others] = (await store.agents({ tenant })).items
      const mine = events.filter(({ agent }) => agent.id === first?.agent.id)
      expect(others.length).toBe(2)
      expect(first).toMatchObject({
        firstSeenMs: Math.min(...mine.map(({ time_ms }) => time_ms)),
        lastSeenMs: Math.max(...mine.map(({ time_ms }) => time_ms)),
        events: 20,
        errors: mine.filter(({ outcome }) => outcome === 'error').length,
        denied: mine.filter(({ outcome }) => outcome === 'denied').length,
        alerts: 0,
        sessions: 5,
        tools: ['tool-0', 'tool-1'],
      })
    })
  })

  it('lists agents page by page, each once, the one seen last first', async () => {
    const tenant = 'many-agents'
    // Several seen last at one moment.
    const events = Array.from({ length: 25 }, (_, n) =>
      exampleEvent({
        tenant_id: tenant,
        event_id: idOf(tenant, n),
        agent: { id: `agent-${n}` },
        time_ms: 1_790_000_000_000 + Math.floor(n / 10) * 3_600_000,
      }),
    )
    await insertEvents(events)
    const seen: AgentSummary[] = []
    const sizes: number[] = []
    for (let cursor: string | undefined; sizes.length < 5; ) {
      const page = await store.agents({ tenant, limit: 10, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.items)
      sizes.push(page.items.length)
      cursor = page.next
      if (cursor === undefined) {
        break
      }
    }
    expect(sizes).toEqual([10, 10, 5])
    expect(new Set(seen.map(({ agent }) => agent.id)).size).toBe(25)
    expect(seen.map(({ lastSeenMs }) => lastSeenMs)).toEqual(
      seen.map(({ lastSeenMs }) => lastSeenMs).toSorted((a, b) => b - a),
    )
  })

  it('knows an agent as it was seen last, labels and all', async () => {
    const tenant = 'labels'
    const agents = [
      { id: 'a', name: 'A', version: '2', labels: { tier: 'bronze' } },
      { id: 'a', name: 'A', version: '10', owner: 'crm', labels: { tier: 'gold', "it's": '"x"' } },
      { id: 'b' },
    ]
    const events = agents.map((agent, n) =>
      exampleEvent({ tenant_id: tenant, event_id: idOf(tenant, n), agent, time_ms: 1_790_000_000_000 + n * 1000 }),
    )
    // What is stored last need not have happened last.
    await insertEvents(events.toReversed())
    const { items } = await store.agents({ tenant })
    expect(items.map(({ agent }) => agent)).toEqual([agents[2], agents[1]])
    const fields = await store.fields(tenant, {})
    expect(fields.map(({ agent }) => agent)).toEqual([agents[1], agents[2]])
  })

  it('tells how it is', async () => {
    const health = await store.health()
    expect(health).toMatchObject({ ok: true, kind: 'embedded', restarts: 0 })
    expect(health.tables?.find(({ table }) => table === 'events')?.rows).toBeGreaterThan(0)
  })
})

describe.skipIf(!hasChdb)('a store that goes down (needs the optional package chdb)', { timeout: 60_000 }, () => {
  it('is unavailable meanwhile, and has what it acknowledged afterwards', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'telltale-store-down-'))
    let restarted: () => void = () => undefined
    const again = new Promise<void>((resolve) => {
      restarted = resolve
    })
    const store = await openStore({
      embedded: { directory },
      onEvent: ({ type }) => type === 'restarted' && restarted(),
    })
    try {
      const event = exampleEvent()
      await store.insert({ batchId: batchId(), table: 'events', rows: [bytes(event)] })
      const { enginePid } = await store.health()
      process.kill(enginePid as number, 'SIGKILL')
      await expect(store.insert({ batchId: batchId(), table: 'events', rows: [bytes(event)] })).rejects.toThrow(
        Unavailable,
      )
      await expect(store.events({ tenant: 'default' })).rejects.toThrow(Unavailable)
      expect((await store.health()).ok).toBe(false)
      await again
      expect((await store.events({ tenant: 'default' })).items).toEqual([event])
      expect(await store.health()).toMatchObject({ ok: true, restarts: 1 })
    } finally {
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
