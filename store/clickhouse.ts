/** The store on ClickHouse, embedded or served. The only code that knows tables, statements and the client. */
import { Readable } from 'node:stream'
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Alert } from '../schema/alert.ts'
import { BatchMemory } from '../schema/batch-memory.ts'
import { Rejected, Unavailable } from '../schema/errors.ts'
import type { Agent } from '../schema/telemetry.ts'
import {
  type AgentRow,
  type AlertStateRow,
  agentSummary,
  type BodyRow,
  type DecisionRow,
  decided,
  decisionOf,
  pageOf,
} from './answers.ts'
import type { EmbeddedEvent, EmbeddedOptions } from './chdb/supervisor.ts'
import { type Connection, connectEmbedded, connectServer, type ServerOptions } from './connection.ts'
import { readCursor } from './cursor.ts'
import { isAbsentTable, storeError } from './errors.ts'
import { type FieldRow, fieldsQuery } from './field-counts.ts'
import type { MigrateOptions, Retention } from './migrate.ts'
import { prepare } from './prepare.ts'
import {
  agentsQuery,
  alertCountsQuery,
  alertQuery,
  alertsQuery,
  deadLettersQuery,
  decisionsQuery,
  eventQuery,
  eventsQuery,
  findingsQuery,
  lastAgentsQuery,
  MAX_LIMIT,
  type Query,
} from './queries.ts'
import { encodeRows, normalised, withoutLoneSurrogates } from './rows.ts'
import type { Listing, Page, RefusedRow, Store, StoreHealth, TimeSpan } from './store.ts'
import { windows } from './windows.ts'

export interface StoreOptions {
  /** Exactly one of the two. */
  readonly embedded?: Omit<EmbeddedOptions, 'onEvent'>
  readonly server?: ServerOptions
  /** Default 30 days of events, findings and dead letters, 365 of alerts. */
  readonly retentionDays?: Partial<Retention>
  /** Crashes, restarts and directories moved aside, of the embedded engine. */
  readonly onEvent?: (event: EmbeddedEvent) => void
}

const DEFAULT_RETENTION: Retention = { events: 30, findings: 30, alerts: 365, deadLetters: 30 }

/**
 * Connects, starts the embedded engine when that is the choice, and brings the tables up to date. A server that is
 * away is no reason not to start: the tables are brought up to date as soon as it is back, before anything else.
 *
 * @throws Misconfigured when it can never work as configured, Unavailable when the embedded engine cannot work now.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const migration: MigrateOptions = {
    retentionDays: { ...DEFAULT_RETENTION, ...options.retentionDays },
    ...(options.server?.cluster === undefined ? {} : { cluster: options.server.cluster }),
  }
  const connection =
    options.server === undefined
      ? await connectEmbedded({
          ...(options.embedded ?? { directory: './data/store' }),
          ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
        })
      : connectServer(options.server)
  const store = new ClickHouseStore(connection, migration)
  try {
    await store.ready()
  } catch (error) {
    if (options.server === undefined || !(error instanceof Unavailable)) {
      await connection.close()
      throw error
    }
  }
  return store
}

interface IndexedRow {
  readonly index: number
  readonly row: Uint8Array
}

class ClickHouseStore implements Store {
  private readonly connection: Connection
  private readonly migration: MigrateOptions
  private lastVersion = 0
  /** As many as there are tables that are written at one time under load, and one more. */
  private readonly memory = new BatchMemory(3)
  /** Settings of every insert, once the tables are there. */
  private prepared: Promise<ClickHouseSettings> | undefined

  constructor(connection: Connection, migration: MigrateOptions) {
    this.connection = connection
    this.migration = migration
  }

  /** Resolves when the tables are as this version expects them. Tried anew by every statement until it was done once. */
  async ready(): Promise<ClickHouseSettings> {
    this.prepared ??= prepare(this.connection, this.migration).catch((error: unknown) => {
      this.prepared = undefined
      throw storeError(error)
    })
    return await this.prepared
  }

  insert: Store['insert'] = async ({ batchId, table, rows }) => {
    const clean = withoutLoneSurrogates(rows)
    try {
      await this.insertRows(batchId, table, clean)
      return []
    } catch (error) {
      if (!(error instanceof Rejected)) {
        throw error
      }
      return await this.insertNormalised(batchId, table, clean)
    }
  }

  /** Rows again, each written anew from what can be read of it. Stores all of them or names those that cannot be. */
  private async insertNormalised(
    batchId: string,
    table: string,
    rows: readonly Uint8Array[],
  ): Promise<readonly RefusedRow[]> {
    const readable: IndexedRow[] = []
    const refused: RefusedRow[] = []
    for (const [index, row] of rows.entries()) {
      const again = normalised(row)
      if (again === undefined) {
        refused.push({ index, reason: 'not-json' })
      } else {
        readable.push({ index, row: again })
      }
    }
    if (refused.length > 0 || (await this.accepts(batchId, table, readable))) {
      return refused
    }
    return (await this.failing(table, readable)).map(({ index }) => ({ index, reason: 'unstorable' }))
  }

  /**
   * Those of refused rows that fail alone, found by storing halves under an id of no batch. What that stores is stored
   * again with its batch, and shown once like every repeated row.
   */
  private async failing(table: string, rows: readonly IndexedRow[]): Promise<readonly IndexedRow[]> {
    if (rows.length === 1) {
      return rows
    }
    const failing: IndexedRow[] = []
    const middle = rows.length >> 1
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      if (!(await this.accepts('trial', table, half))) {
        failing.push(...(await this.failing(table, half)))
      }
    }
    return failing
  }

  private async accepts(batchId: string, table: string, rows: readonly IndexedRow[]): Promise<boolean> {
    try {
      await this.insertRows(
        batchId,
        table,
        rows.map(({ row }) => row),
      )
      return true
    } catch (error) {
      if (error instanceof Rejected) {
        return false
      }
      throw error
    }
  }

  private async insertRows(batchId: string, table: string, rows: readonly Uint8Array[]): Promise<void> {
    const bytes = encodeRows(batchId, this.takeVersions(rows.length), rows, (size) => this.memory.take(size))
    const settings = await this.ready()
    // Once: when it fails it is in doubt, and the caller's to ask about.
    await this.guarded(() =>
      this.connection.writer.once(async (client) => {
        const result = await client.exec({
          query: `INSERT INTO ${table}_in FORMAT RowBinary`,
          values: Readable.from([bytes], { objectMode: false }),
          clickhouse_settings: settings,
        })
        result.stream.resume()
      }),
    )
    // Only now: a request that failed may be reading it still.
    this.memory.give(bytes)
  }

  /** Versions rise with the wall clock over restarts, and by one a row within: a later row is always newer. */
  private takeVersions(count: number): number {
    const first = Math.max(this.lastVersion + 1, Date.now() * 1024)
    this.lastVersion = first + count - 1
    return first
  }

  hasBatch: Store['hasBatch'] = async (table, batchId) => {
    // On a cluster some shards may have their part and others not, and one replica what is on no other: what was not
    // acknowledged is inserted anew. It meets its first half on the same shards and collapses with it.
    if (this.connection.cluster !== undefined) {
      return false
    }
    const rows = await this.select<{ found: number | string }>(
      // Table names are ours. A batch in doubt was stored yesterday at the earliest, or long ago for a stopped system.
      {
        sql: `SELECT count() AS found FROM ${table} WHERE batch_id = {batch:String}`,
        params: { batch: batchId },
        limit: 1,
      },
      'writer',
    )
    return Number(rows[0]?.found ?? 0) > 0
  }

  events: Store['events'] = (query) => this.newest('events', query, eventsQuery, query.session ?? query.trace)
  findings: Store['findings'] = (query) => this.newest('findings', query, findingsQuery, query.session ?? query.event)

  alerts: Store['alerts'] = async (query) => {
    const { limit, ...rest } = alertsQuery(query)
    const rows = await this.select<BodyRow & AlertStateRow>({ limit, ...rest })
    return pageOf('alerts', query.tenant, limit, rows, (row) => decided(JSON.parse(row.body), row))
  }

  event: Store['event'] = async (tenant, eventId) => {
    const [row] = await this.select<BodyRow>(eventQuery(tenant, eventId))
    return row === undefined ? undefined : JSON.parse(row.body)
  }

  alert: Store['alert'] = async (tenant, alertId) => {
    const [row] = await this.select<BodyRow & { finding_count: number | string }>(alertQuery(tenant, alertId))
    if (row === undefined) {
      return undefined
    }
    const states = await this.select<DecisionRow>(decisionsQuery(tenant, alertId))
    const decisions = states.map(decisionOf)
    const last = states.at(-1)
    const alert = JSON.parse(row.body) as Alert
    return {
      alert: last === undefined ? alert : decided(alert, { state: last.status, disposition: last.disposition }),
      decisions,
      findingCount: Number(row.finding_count),
    }
  }

  decide: Store['decide'] = async ({ tenant, alertId, timeMs, status, disposition, actor, note }) => {
    const row = { tenant_id: tenant, alert_id: alertId, time_ms: timeMs, status, disposition, actor, note }
    const [clean] = withoutLoneSurrogates([Buffer.from(JSON.stringify(row))])
    await this.insertRows('decision', 'alert_states', [clean as Uint8Array])
  }

  agents: Store['agents'] = async (query) => {
    const { limit, ...statement } = agentsQuery(query)
    const [rows, agents, counts] = await Promise.all([
      this.select<AgentRow>({ limit, ...statement }),
      this.lastAgents(query),
      this.select<{ agent_id: string; alerts: number | string }>(alertCountsQuery(query.tenant, query)),
    ])
    const alerts = new Map(counts.map((count) => [count.agent_id, Number(count.alerts)]))
    return pageOf('agents', query.tenant, limit, rows, (row) =>
      // One that came between the two questions is known by its id.
      agentSummary(row, agents.get(row.id) ?? { id: row.id }, alerts.get(row.id) ?? 0),
    )
  }

  fields: Store['fields'] = async (tenant, span) => {
    // A page has one more than its limit: whether there is a next does not matter here.
    const query = { ...span, tenant, limit: MAX_LIMIT - 1 }
    const [rows, agents] = await Promise.all([this.select<FieldRow>(fieldsQuery(query)), this.lastAgents(query)])
    return rows.map(({ id, operation, fields }) => ({ agent: agents.get(id) ?? { id }, operation, fields }))
  }

  /** The agents of a page as their last events say, by id. */
  private async lastAgents(query: Listing): Promise<ReadonlyMap<string, Agent>> {
    const rows = await this.select<{ id: string; agent: string }>(lastAgentsQuery(query))
    return new Map(rows.map(({ id, agent }) => [id, JSON.parse(agent) as Agent]))
  }

  deadLetters: Store['deadLetters'] = async (query) => {
    const { limit, ...rest } = deadLettersQuery(query)
    const rows = await this.select<BodyRow>({ limit, ...rest })
    return pageOf('dead-letters', query.tenant, limit, rows, ({ body }) => JSON.parse(body))
  }

  health: Store['health'] = async () => {
    const { kind, embedded } = this.connection
    const engine = embedded?.health()
    const running = {
      ...(engine === undefined ? {} : { restarts: engine.restarts }),
      ...(engine?.pid === undefined ? {} : { enginePid: engine.pid }),
    }
    try {
      const tables = await this.select<{ table: string; rows: string; bytes: string }>({
        sql: `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
WHERE active AND database = {database:String} GROUP BY table ORDER BY table`,
        params: { database: this.connection.tablesDatabase },
        limit: 100,
      })
      return {
        ok: true,
        kind,
        ...running,
        tables: tables.map(({ table, rows, bytes }) => ({ table, rows: Number(rows), bytes: Number(bytes) })),
      } satisfies StoreHealth
    } catch (error) {
      const message = engine?.lastError ?? (error instanceof Error ? error.message : String(error))
      return { ok: false, kind, ...running, message }
    }
  }

  close: Store['close'] = () => this.connection.close()

  /**
   * A page of events or findings, looked for in the newest minutes first.
   *
   * @param selective a filter that the table has an index for: then one look at all time is cheaper than several.
   */
  private async newest<Item, Asked extends Listing>(
    listing: string,
    query: Asked,
    statement: (query: Asked) => Query,
    selective: string | undefined,
  ): Promise<Page<Item>> {
    const { limit = 100 } = query
    const after = query.cursor === undefined ? undefined : readCursor(listing, query.tenant, query.cursor).timeMs + 1
    const toMs = Math.min(query.toMs ?? Number.POSITIVE_INFINITY, after ?? Number.POSITIVE_INFINITY)
    const span: TimeSpan = { ...query, ...(toMs === Number.POSITIVE_INFINITY ? {} : { toMs }) }
    const rows: BodyRow[] = []
    for (const window of selective === undefined ? windows(span, Date.now()) : [span]) {
      const { fromMs: _, toMs: __, ...filters } = query
      const found = await this.select<BodyRow>(statement({ ...filters, ...timesOf(window) } as Asked))
      rows.push(...found)
      if (rows.length > limit) {
        break
      }
    }
    return pageOf(listing, query.tenant, limit, rows, (row) => JSON.parse(row.body) as Item)
  }

  private async select<Row>(query: Query, user: 'reader' | 'writer' = 'reader'): Promise<Row[]> {
    await this.ready()
    return await this.guarded(() =>
      this.connection[user].any(async (client) => {
        const result = await client.query({
          query: query.sql,
          query_params: query.params,
          format: 'JSONEachRow',
          clickhouse_settings: user === 'reader' ? this.connection.readSettings : this.lookUpSettings(),
        })
        return await result.json<Row>()
      }),
    )
  }

  /** Where several servers share their parts behind one address, what one of them has stored is to be seen by all. */
  private lookUpSettings(): ClickHouseSettings {
    return this.connection.kind === 'server' ? { select_sequential_consistency: '1' } : {}
  }

  /** Runs a statement; has the tables made again when the engine had to begin afresh. */
  private async guarded<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      if (isAbsentTable(error)) {
        this.prepared = undefined
        await this.ready().catch(() => undefined)
      }
      throw error
    }
  }
}

function timesOf({ fromMs, toMs }: TimeSpan): TimeSpan {
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
}
