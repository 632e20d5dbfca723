import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { exampleEvent } from '../test/example-event.ts'
import { freePorts } from '../test/free-ports.ts'
import { hasStandalone, Standalone } from './chdb/standalone.contract.ts'
import { openStore } from './clickhouse.ts'
import { fill, readMigrations, statementsOf } from './migrate.ts'
import type { Store, StoreTable } from './store.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
let batches = 0
const batchId = () => `00000000-0000-7000-8000-${String(++batches).padStart(12, '0')}`
const START_MS = 1_790_000_000_000
const options = { retentionDays: { events: 30, findings: 30, alerts: 365, deadLetters: 30 }, cluster: 'two' }

/**
 * Two real servers, each a shard, and one thing that stands in: the worker of ON CLUSTER. A proxy before the first
 * server runs such statements on both, with tables that are not replicated, for replicas have no way to each other here.
 */
class TwoShards {
  readonly servers: Standalone[] = []
  /** Settings that came with inserts. */
  readonly inserted: URLSearchParams[] = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'telltale-cluster-'))
  #proxy: Server | undefined

  async start(): Promise<string> {
    const [a, b, c, d] = (await freePorts(4)) as [number, number, number, number]
    const shard = (port: number) =>
      `<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`
    for (const [index, [http, tcp]] of [[a, b] as const, [c, d] as const].entries()) {
      const configuration = `<remote_servers><two>${shard(b)}${shard(d)}</two></remote_servers>
<macros><shard>${index}</shard><replica>r</replica></macros>`
      this.servers.push(new Standalone({ directory: join(this.#directory, String(index)), http, tcp, configuration }))
    }
    await Promise.all(this.servers.map((server) => server.start()))
    this.#proxy = createServer((request, response) => void this.#handle(request, response))
    await new Promise<void>((listening) => this.#proxy?.listen(0, '127.0.0.1', () => listening()))
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#proxy?.close()
    await Promise.all(this.servers.map((server) => server.signal('SIGKILL')))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks)
    const params = new URL(request.url as string, 'http://localhost').searchParams
    if (params.get('query')?.startsWith('INSERT INTO events_in')) {
      this.inserted.push(params)
    }
    const text = body.toString('latin1')
    const everywhere = /^(CREATE|ALTER)[^;]* ON CLUSTER two/.test(text)
    const single = Buffer.from(
      text.replace(' ON CLUSTER two', '').replace(/Replicated(\w+)\('[^']*', '[^']*'(?:, (\w+))?\)/, '$1($2)'),
      'latin1',
    )
    const { authorization = '' } = request.headers
    let last: Response | undefined
    for (const server of everywhere ? this.servers : this.servers.slice(0, 1)) {
      last = await fetch(server.url + request.url, {
        method: 'POST',
        headers: { authorization },
        body: everywhere ? single : body,
      }).catch(() => undefined)
    }
    if (last === undefined) {
      response.destroy()
      return
    }
    const code = last.headers.get('X-ClickHouse-Exception-Code')
    response.writeHead(last.status, code === null ? {} : { 'X-ClickHouse-Exception-Code': code })
    response.end(Buffer.from(await last.arrayBuffer()))
  }
}

describe.skipIf(!hasStandalone)('a store on a cluster (needs chdb and python3)', { timeout: 90_000 }, () => {
  const cluster = new TwoShards()
  let address: string
  let store: Store
  let single: Store
  const count = async (server: Standalone, table: string) =>
    Number(await server.say(`SELECT count() FROM telltale_local.${table} FINAL`))

  beforeAll(async () => {
    address = await cluster.start()
    store = await openStore({ server: { url: address, database: 'telltale', cluster: 'two', requestTimeoutMs: 3000 } })
    // The same rows on one server: both must give the same answers.
    single = await openStore({ server: { url: (cluster.servers[0] as Standalone).url, database: 'whole' } })
  }, 90_000)
  afterAll(async () => {
    await Promise.all([store?.close(), single?.close()])
    await cluster.stop()
  })

  const both = async (table: StoreTable, rows: readonly object[]) => {
    for (const each of [store, single]) {
      expect(await each.insert({ batchId: batchId(), table, rows: rows.map(bytes) })).toEqual([])
    }
  }
  /** What both say; it must be the same, and something. */
  const answer = async <Answer>(question: (each: Store) => Promise<Answer>): Promise<Answer> => {
    const said = await question(store)
    expect(said).toEqual(await question(single))
    return said
  }

  it('is made by statements that ClickHouse reads as they are, ON CLUSTER and all', async () => {
    const [server] = cluster.servers as [Standalone]
    for (const statement of readMigrations().flatMap(statementsOf)) {
      const filled = fill(statement, options)
      expect(filled).toMatch(/ON CLUSTER two/)
      expect(await server.say(`EXPLAIN AST ${filled}`)).toMatch(/^(Create|Alter)Query/)
    }
  })

  it('spreads agents over the shards, and keeps each on one', async () => {
    const events = Array.from({ length: 200 }, (_, index) =>
      exampleEvent({
        tenant_id: 'spread',
        event_id: idOf('spread', index),
        time_ms: START_MS + index * 1000,
        agent: { id: `agent-${index % 20}` },
        session_id: `session-${index % 7}`,
        tool: { name: `tool-${index % 3}` },
        outcome: index % 5 === 0 ? 'error' : 'ok',
      }),
    )
    await both('events', events)
    const stored = await Promise.all(cluster.servers.map((server) => count(server, 'events')))
    expect(stored.reduce((sum, rows) => sum + rows, 0)).toBe(200)
    expect(Math.min(...stored)).toBeGreaterThan(0)
    const agents = `SELECT groupUniqArray(agent_id) FROM telltale_local.events FORMAT JSONCompactColumns`
    const sets = await Promise.all(
      cluster.servers.map(async (server) => JSON.parse(await server.say(agents))[0][0] as string[]),
    )
    expect((sets as [string[], string[]])[0].filter((agent) => sets[1]?.includes(agent))).toEqual([])
  })

  it('answers every question about events as one server does', async () => {
    const tenant = 'spread'
    for (const filter of [
      {},
      { agent: 'agent-3' },
      { session: 'session-2' },
      { trace: '0af7651916cd43dd8448eb211c80319c' },
      { tool: 'tool-1', outcome: ['error' as const] },
      { fromMs: START_MS + 50_000, toMs: START_MS + 90_000 },
    ]) {
      const page = await answer((each) => each.events({ tenant, limit: 10, ...filter }))
      expect(page.items).toHaveLength(10)
      const next = await answer((each) => each.events({ tenant, limit: 10, ...filter, cursor: page.next as string }))
      expect(next.items.length).toBeGreaterThan(0)
    }
    expect(await answer((each) => each.event(tenant, idOf('spread', 17)))).toMatchObject({ agent: { id: 'agent-17' } })
    expect((await answer((each) => each.agents({ tenant }))).items).toHaveLength(20)
  })

  it('answers every question about findings, alerts and dead letters as one server does', async () => {
    const tenant = 'judged'
    const session = (index: number) => `session-${index % 4}`
    const findings = Array.from({ length: 40 }, (_, index) => ({
      finding_id: idOf('finding', index),
      time_ms: START_MS + index,
      tenant_id: tenant,
      agent: { id: `agent-${index % 10}` },
      event_id: idOf('event', index),
      session_id: session(index),
      detector: index % 2 === 0 ? 'a' : 'b',
      severity: 'high',
    }))
    await both('findings', findings)
    const alerts = Array.from({ length: 30 }, (_, index) => ({
      alert: {
        alert_id: idOf('alert', index),
        time_ms: START_MS + index,
        tenant_id: tenant,
        agent: { id: `agent-${index % 10}` },
        session_id: session(index),
        kind: 'policy',
        severity: 'high',
        status: 'new',
        findings: [{ detector: 'a', event_id: idOf('event', index) }],
        techniques: [],
      },
    }))
    await both('alerts', alerts)
    await both('dead_letters', [
      { letter_id: idOf('letter', 1), tenant_id: tenant, time_ms: START_MS, stage: 'write', reason: 'not-json' },
      { letter_id: idOf('letter', 2), tenant_id: '', time_ms: START_MS, stage: 'write', reason: 'not-json' },
    ])
    const decided = { tenant, alertId: idOf('alert', 3), timeMs: START_MS, status: 'closed', actor: 'Ann' } as const
    for (const each of [store, single]) {
      await each.decide({ ...decided, status: 'acknowledged' })
      await each.decide({ ...decided, disposition: 'benign' })
    }
    const found = await answer((each) => each.findings({ tenant, detector: 'a', limit: 5 }))
    expect(found.items).toHaveLength(5)
    expect((await answer((each) => each.findings({ tenant, session: 'session-1' }))).items).toHaveLength(10)
    expect((await answer((each) => each.findings({ tenant, event: idOf('event', 9) }))).items).toHaveLength(1)
    const page = await answer((each) => each.alerts({ tenant, limit: 20 }))
    expect(page.items).toHaveLength(20)
    expect(
      (await answer((each) => each.alerts({ tenant, limit: 20, cursor: page.next as string }))).items,
    ).toHaveLength(10)
    expect((await answer((each) => each.alerts({ tenant, status: ['closed'] }))).items).toHaveLength(1)
    expect((await answer((each) => each.alerts({ tenant, status: ['new'], detector: 'a' }))).items).toHaveLength(29)
    const detail = await answer((each) => each.alert(tenant, idOf('alert', 3)))
    expect(detail).toMatchObject({ findingCount: 0, alert: { status: 'closed', disposition: 'benign' } })
    expect(detail?.decisions).toHaveLength(2)
    expect((await answer((each) => each.alert(tenant, idOf('alert', 2))))?.findingCount).toBe(10)
    expect((await answer((each) => each.agents({ tenant: 'spread' }))).items.length).toBe(20)
    expect((await answer((each) => each.deadLetters({ tenant, ofNobody: true }))).items).toHaveLength(2)
    expect((await answer((each) => each.deadLetters({ tenant, ofNobody: false }))).items).toHaveLength(1)
  })

  it('collapses an amendment with what it amends, and a batch with its repetition', async () => {
    const before = Array.from({ length: 50 }, (_, index) =>
      exampleEvent({ tenant_id: 'amended', event_id: idOf('amended', index), agent: { id: `agent-${index}` } }),
    )
    const after = before.map((event): Telemetry => ({ ...event, outcome: 'error', error_type: 'timeout' }))
    await both('events', before)
    await both('events', before)
    await both('events', after)
    const counts = await Promise.all(
      cluster.servers.map((server) =>
        server.say("SELECT count() FROM telltale_local.events FINAL WHERE tenant_id = 'amended'"),
      ),
    )
    expect(counts.map(Number).reduce((sum, rows) => sum + rows, 0)).toBe(50)
    const { items } = await answer((each) => each.events({ tenant: 'amended', limit: 1000 }))
    expect(items.map(({ outcome }) => outcome)).toEqual(after.map(() => 'error'))
  })

  it('waits for the shards, and for most replicas of each', () => {
    expect(Object.fromEntries(cluster.inserted.at(-1) as URLSearchParams)).toMatchObject({
      distributed_foreground_insert: '1',
      insert_quorum: 'auto',
      async_insert: '0',
      deduplicate_insert: 'disable',
    })
  })

  it('names the rows that can never be stored', async () => {
    const rows = [bytes(exampleEvent()), Buffer.from('{"event_id":'), bytes({ not: 'an event' })]
    expect(await store.insert({ batchId: batchId(), table: 'events', rows })).toEqual([
      { index: 1, reason: 'not-json' },
    ])
    expect(await store.insert({ batchId: batchId(), table: 'events', rows: [rows[0], rows[2]] as Buffer[] })).toEqual([
      { index: 1, reason: 'unstorable' },
    ])
  })

  it('shows a batch once that reached one shard only, after it is tried again', async () => {
    const rows = Array.from({ length: 50 }, (_, index) =>
      bytes(exampleEvent({ tenant_id: 'torn', event_id: idOf('torn', index), agent: { id: `agent-${index}` } })),
    )
    const torn = { batchId: batchId(), table: 'events' as const, rows }
    const [first, second] = cluster.servers as [Standalone, Standalone]
    await store.insert(torn)
    // As a death between the commits of two shards leaves it.
    await second.say("ALTER TABLE telltale_local.events DELETE WHERE tenant_id = 'torn' SETTINGS mutations_sync = 1")
    const stored = (server: Standalone) =>
      server.say("SELECT count() > 0 FROM telltale_local.events WHERE tenant_id = 'torn'")
    expect(await Promise.all([first, second].map(stored))).toEqual(['1\n', '0\n'])

    expect(await store.hasBatch('events', torn.batchId)).toBe(false)
    expect(await store.insert({ ...torn, batchId: batchId() })).toEqual([])
    expect((await store.events({ tenant: 'torn', limit: 1000 })).items).toHaveLength(50)
  })

  it('waits for a shard that is killed, and takes no part of an answer for all of it', async () => {
    const [, second] = cluster.servers as [Standalone, Standalone]
    await second.signal('SIGKILL')
    const rows = Array.from({ length: 10 }, (_, index) =>
      bytes(exampleEvent({ tenant_id: 'later', event_id: idOf('later', index), agent: { id: `agent-${index}` } })),
    )
    await expect(store.insert({ batchId: batchId(), table: 'events', rows })).rejects.toThrow(Unavailable)
    await expect(store.events({ tenant: 'amended' })).rejects.toThrow(Unavailable)
    await second.start()
    expect(await store.insert({ batchId: batchId(), table: 'events', rows })).toEqual([])
    expect((await store.events({ tenant: 'later' })).items).toHaveLength(10)
    expect((await store.events({ tenant: 'amended', limit: 1000 })).items).toHaveLength(50)
  })

  it('asks another server when one is away', async () => {
    const url = ['http://127.0.0.1:1', address, 'http://127.0.0.1:2']
    const other = await openStore({ server: { url, database: 'telltale', cluster: 'two' } })
    expect((await other.events({ tenant: 'amended', limit: 1000 })).items).toHaveLength(50)
    await other.close()
  })
})
