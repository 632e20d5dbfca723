import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fieldsOf } from '../schema/field-path.ts'
import { idOf } from '../schema/ids.ts'
import { OPERATIONS, type Telemetry } from '../schema/telemetry.ts'
import { exampleEvent } from '../test/example-event.ts'
import { hasChdb } from './chdb/installed.contract.ts'
import { openStore } from './clickhouse.ts'
import type { Store } from './store.ts'

const name = fc.constantFrom('a', 'it\'s "quoted" \\ {x}', '[1,2]', '{"a":1}', 'null')
const event: fc.Arbitrary<Partial<Telemetry>> = fc.record(
  {
    operation: fc.constantFrom(...OPERATIONS),
    agent: fc.record({ id: fc.constantFrom('one', 'two'), version: name, owner: name }, { requiredKeys: ['id'] }),
    tool: fc.option(fc.record({ name, server: name }, { requiredKeys: ['name'] })),
    token: fc.constantFrom(null, {}, { scopes_granted: [] }, { audience: 'a' }),
    dataset_scope: fc.array(fc.record({ id: name, tenant: name }, { requiredKeys: ['id'] }), { maxLength: 3 }),
    destinations: fc.array(fc.record({ host: name }), { maxLength: 2 }),
    content: fc.record({ prompt: name, result: name, truncated: fc.boolean() }, { requiredKeys: [] }),
    volume: fc.record({ rows: fc.nat(2) }, { requiredKeys: [] }),
    attributes: fc.dictionary(fc.constantFrom('db.name', 'x', "it's"), name),
  },
  { requiredKeys: ['operation', 'agent'] },
)

describe.skipIf(!hasChdb)('fields of stored events (needs the optional package chdb)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-fields-'))
  let store: Store
  beforeAll(async () => {
    store = await openStore({ embedded: { directory } })
  })
  afterAll(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  let made = 0
  const insert = async (tenant: string, events: readonly Partial<Telemetry>[]): Promise<readonly Telemetry[]> => {
    const whole = events.map((each) => exampleEvent({ ...each, tenant_id: tenant, event_id: idOf(tenant, made++) }))
    const rows = whole.map((each) => Buffer.from(JSON.stringify(each)))
    const batchId = `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`
    expect(await store.insert({ batchId, table: 'events', rows })).toEqual([])
    return whole
  }

  it('are those that the events themselves say something under, by agent and operation', async () => {
    let tenants = 0
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (events) => {
        const tenant = `tenant-${tenants++}`
        const whole = await insert(tenant, events)
        const expected = new Map<string, Set<string>>()
        for (const each of whole) {
          const key = `${each.agent.id} ${each.operation}`
          expected.set(key, new Set([...(expected.get(key) ?? []), ...fieldsOf(each)]))
        }
        const found = (await store.fields(tenant, {})).map(({ agent, operation, fields }) => [
          `${agent.id} ${operation}`,
          new Set(fields),
        ])
        expect(new Map(found as [string, Set<string>][])).toEqual(expected)
      }),
      { numRuns: 25, seed: 8 },
    )
  })

  it('name each agent as its last event says, whatever it did, however many events came before', async () => {
    const agent = (tier: string, version: string) => ({ id: 'a', version, labels: { tier } })
    const at = (n: number, changes: Partial<Telemetry>) => ({ time_ms: 1_790_000_000_000 + n * 1000, ...changes })
    await insert('last', [
      at(0, { operation: 'egress', agent: agent('bronze', '0') }),
      ...Array.from({ length: 300 }, (_, n) => at(n, { agent: agent('bronze', '1') })),
      ...Array.from({ length: 300 }, (_, n) => at(300 + n, { agent: agent('gold', '2') })),
      at(1, { operation: 'retrieval', agent: agent('bronze', '0') }),
    ])
    const found = await store.fields('last', {})
    expect(found.map((each) => [each.operation, each.agent])).toEqual(
      ['egress', 'retrieval', 'tool_call'].map((operation) => [operation, agent('gold', '2')]),
    )
  })

  it('are of the thousand agents seen last', async () => {
    const agent = (n: number) => ({ id: `a${n}`, version: `${n}` })
    const times = Array.from({ length: 1050 }, (_, n) => (n * 11) % 1050)
    await insert(
      'many',
      times.map((n) => ({ time_ms: 1_790_000_000_000 + n * 1000, agent: agent(n) })),
    )
    const found = await store.fields('many', {})
    const byTime = found.map((each) => each.agent).sort((one, other) => Number(one.version) - Number(other.version))
    expect(byTime).toEqual(Array.from({ length: 1000 }, (_, n) => agent(50 + n)))
  })

  it('are of the span and tenant that are asked for', async () => {
    const [first] = await insert('span', [{ time_ms: 1_790_000_000_000, agent: { id: 'a', owner: 'o' } }])
    const { time_ms } = first as Telemetry
    expect(await store.fields('span', { fromMs: time_ms, toMs: time_ms + 1 })).toMatchObject([
      { agent: { id: 'a', owner: 'o' }, operation: (first as Telemetry).operation },
    ])
    expect(await store.fields('span', { fromMs: time_ms + 1 })).toEqual([])
    expect(await store.fields('another', {})).toEqual([])
  })
})
