/** Brings the tables to the shape this version expects: the numbered files of `migrations/`, each once, in order. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClickHouseClient } from '@clickhouse/client'
import { Misconfigured } from '../schema/errors.ts'

export interface Retention {
  readonly events: number
  readonly findings: number
  readonly alerts: number
  readonly deadLetters: number
}

export interface MigrateOptions {
  /** Days after storing, by table. */
  readonly retentionDays: Retention
  /** A cluster with replicated tables, by its name in the server's configuration. Absent: one server. */
  readonly cluster?: string
}

export interface Migration {
  readonly version: number
  readonly name: string
  readonly statements: string
}

/** The files lie in the sources only; a build, wherever below the project it is, finds them there. */
function migrationsDirectory(): string {
  let place = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(place, 'store/migrations'))) {
    if (dirname(place) === place) {
      throw new Misconfigured([{ file: 'store/migrations', message: 'is not part of this installation' }])
    }
    place = dirname(place)
  }
  return join(place, 'store/migrations')
}

export function readMigrations(directory = migrationsDirectory()): readonly Migration[] {
  return readdirSync(directory)
    .filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file))
    .sort()
    .map((file) => ({
      version: Number(file.slice(0, 4)),
      name: file,
      statements: readFileSync(join(directory, file), 'utf8'),
    }))
}

/**
 * Applies what is missing. Every statement may run twice: a process that dies in the middle leaves nothing that the
 * next start does not complete. Two processes may run it at the same time.
 *
 * @throws Misconfigured when the store was made by a newer version or by other migrations than ours.
 */
export async function migrate(
  client: ClickHouseClient,
  options: MigrateOptions,
  migrations: readonly Migration[] = readMigrations(),
): Promise<void> {
  // On a cluster a statement waits for every server: on most starts there is none to make.
  if (!(await hasLedger(client))) {
    await command(client, LEDGER, options)
  }
  const applied = await appliedMigrations(client)
  refuseStrangers(applied, migrations)
  for (const migration of migrations) {
    if (!applied.has(migration.version)) {
      for (const statement of statementsOf(migration)) {
        await command(client, statement, options)
      }
      await client.insert({
        table: 'schema_migrations',
        format: 'JSONEachRow',
        values: [{ version: migration.version, name: migration.name, checksum: checksum(migration) }],
        columns: ['version', 'name', 'checksum'],
      })
    }
  }
  await applyRetention(client, options)
}

/** Below the request's own timeout, so that ClickHouse says which server did not answer. */
const CLUSTER_TIMEOUT_S = '30'

/**
 * Runs a statement that makes or changes tables, on every server when there is a cluster. Called here and by
 * `cluster.ts`.
 */
export async function command(client: ClickHouseClient, statement: string, options: MigrateOptions): Promise<void> {
  await client.command({
    query: fill(statement, options),
    clickhouse_settings: options.cluster === undefined ? {} : { distributed_ddl_task_timeout: CLUSTER_TIMEOUT_S },
  })
}

async function hasLedger(client: ClickHouseClient): Promise<boolean> {
  const result = await client.query({
    query: "SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'",
    format: 'JSONEachRow',
  })
  return (await result.json()).length > 0
}

const LEDGER = `CREATE TABLE IF NOT EXISTS schema_migrations {{on_cluster}}
(version UInt32, name String, checksum String, applied_at DateTime('UTC') DEFAULT now('UTC'))
ENGINE = {{replacing_ledger}} ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`

async function appliedMigrations(client: ClickHouseClient): Promise<Map<number, { name: string; checksum: string }>> {
  const result = await client.query({
    query: 'SELECT version, name, checksum FROM schema_migrations FINAL',
    format: 'JSONEachRow',
  })
  const rows = await result.json<{ version: number; name: string; checksum: string }>()
  return new Map(rows.map(({ version, name, checksum }) => [Number(version), { name, checksum }]))
}

function refuseStrangers(
  applied: ReadonlyMap<number, { readonly name: string; readonly checksum: string }>,
  migrations: readonly Migration[],
): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]))
  const problems = [...applied].flatMap(([version, { name, checksum: sum }]) => {
    const ours = known.get(version)
    if (ours === undefined) {
      return [
        {
          file: 'store',
          message: `was made by a newer version of Telltale (it has the migration ${name})`,
          suggestion: 'run that version',
        },
      ]
    }
    return sum === checksum(ours)
      ? []
      : [
          {
            file: `store/migrations/${ours.name}`,
            message: 'is not the one that this store was made with',
            suggestion: 'add a new migration instead of changing one',
          },
        ]
  })
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.statements).digest('hex')
}

/** Statements end with a semicolon at the end of a line; none of ours holds one in its text. */
export function statementsOf(migration: Migration): readonly string[] {
  return migration.statements
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/**
 * Fills in the substitution points: what differs between one engine and a replicated cluster, and what is configured.
 * Called by `migrate`, and by tests that show the statements to an engine.
 */
export function fill(statement: string, options: MigrateOptions): string {
  const replicated = options.cluster !== undefined
  const values: Readonly<Record<string, string>> = {
    on_cluster: replicated ? `ON CLUSTER ${identifier(options.cluster)}` : '',
    // The paths are written out: a table made later, on a new replica, must meet the others in the same place.
    replacing: replicated
      ? "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', version)"
      : 'ReplacingMergeTree(version)',
    // One ledger for all shards, whichever server is asked.
    replacing_ledger: replicated
      ? "ReplicatedReplacingMergeTree('/clickhouse/ledger/{database}/{table}', '{shard}-{replica}')"
      : 'ReplacingMergeTree()',
    events_days: days(options.retentionDays.events),
    findings_days: days(options.retentionDays.findings),
    alerts_days: days(options.retentionDays.alerts),
    dead_letters_days: days(options.retentionDays.deadLetters),
  }
  return statement.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? unknownPoint(name))
}

function unknownPoint(name: string): never {
  throw new Error(`A migration names the unknown substitution point ${name}`)
}

function identifier(name: string): string {
  if (!/^[A-Za-z_]\w{0,127}$/.test(name)) {
    throw new Misconfigured([{ file: 'store.cluster', message: `${JSON.stringify(name)} is not a name of a cluster` }])
  }
  return name
}

function days(count: number): string {
  if (!Number.isInteger(count) || count < 1 || count > 36_500) {
    throw new Misconfigured([{ file: 'retention', message: `${count} is not a number of days from 1 to 36500` }])
  }
  return String(count)
}

/** The tables were made with the days of that time; a change of the configuration reaches them here. */
async function applyRetention(client: ClickHouseClient, options: MigrateOptions): Promise<void> {
  const { events, findings, alerts, deadLetters } = options.retentionDays
  const wanted = new Map([
    ['events', events],
    ['findings', findings],
    ['alerts', alerts],
    ['alert_states', alerts],
    ['dead_letters', deadLetters],
  ])
  const result = await client.query({
    query: 'SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase()',
    format: 'JSONEachRow',
  })
  for (const { name, made } of await result.json<{ name: string; made: string }>()) {
    const count = wanted.get(name)
    if (count !== undefined && Number(/TTL stored_at \+ toIntervalDay\((\d+)\)/.exec(made)?.[1]) !== count) {
      // Whole parts are dropped as they age; rewriting old parts now would gain nothing.
      await command(
        client,
        `ALTER TABLE ${name} {{on_cluster}} MODIFY TTL stored_at + toIntervalDay(${days(count)}) SETTINGS materialize_ttl_after_modify = 0`,
        options,
      )
    }
  }
}
