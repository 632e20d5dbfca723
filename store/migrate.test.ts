import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Misconfigured } from '../schema/errors.ts'
import { hasChdb } from './chdb/installed.contract.ts'
import { type Connection, connectEmbedded } from './connection.ts'
import { type Migration, migrate, readMigrations, statementsOf } from './migrate.ts'

const retentionDays = { events: 30, findings: 20, alerts: 365, deadLetters: 30 }
const ours = readMigrations()

describe('the migrations', () => {
  it('are numbered without gaps', () => {
    expect(ours.map(({ version }) => version)).toEqual(ours.map((_, index) => index + 1))
  })

  it('hold only statements that may run twice', () => {
    const statements = ours.flatMap(statementsOf)
    expect(statements.length).toBeGreaterThan(10)
    for (const statement of statements) {
      expect(statement).toMatch(/\bIF (NOT )?EXISTS\b|\bMODIFY SETTING\b/)
    }
  })

  it('reach every replica of a cluster', () => {
    for (const statement of ours.flatMap(statementsOf)) {
      expect(statement).toContain('{{on_cluster}}')
      expect(statement).not.toMatch(/ENGINE = (Replicated)?\w*MergeTree/)
    }
  })

  it('never partition by a time that an agent sets', () => {
    const partitions = ours.flatMap(statementsOf).flatMap((statement) => statement.match(/PARTITION BY .*/g) ?? [])
    expect(partitions.length).toBeGreaterThan(3)
    expect(partitions.every((partition) => partition.includes('stored_at'))).toBe(true)
  })
})

describe.skipIf(!hasChdb)('migrating (needs the optional package chdb)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-migrate-'))
  let connection: Connection
  beforeAll(async () => {
    connection = await connectEmbedded({ directory })
  })
  afterAll(async () => {
    await connection.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const rows = async <Row>(query: string): Promise<Row[]> =>
    (await connection.writer.client.query({ query, format: 'JSONEachRow' })).json<Row>()
  const made = async (table: string): Promise<string> =>
    (await rows<{ made: string }>(`SELECT create_table_query AS made FROM system.tables WHERE name = '${table}'`))[0]
      ?.made ?? ''

  it('completes what a killed process began', async () => {
    // The first file's first statements ran, and nothing was recorded.
    const [first, ...others] = ours as [Migration, ...Migration[]]
    const [one] = statementsOf(first) as [string]
    await migrate(connection.writer.client, { retentionDays }, [])
    await connection.writer.client.command({
      query: one
        .replace('{{on_cluster}}', '')
        .replace('{{replacing}}', 'ReplacingMergeTree(version)')
        .replace('{{events_days}}', '30'),
    })
    await migrate(connection.writer.client, { retentionDays }, [first])
    await migrate(connection.writer.client, { retentionDays }, [first, ...others])
    const applied = await rows('SELECT version, name FROM schema_migrations FINAL ORDER BY version')
    expect(applied).toEqual(ours.map(({ version, name }) => ({ version, name })))
    expect(await rows('SELECT * FROM events_taken_apart')).toEqual([])
  })

  it('changes nothing the second time', async () => {
    const before = await rows('SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()')
    await migrate(connection.writer.client, { retentionDays })
    expect(await rows('SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()')).toEqual(
      before,
    )
  })

  it('keep small parts in one file, in stores of before, too', async () => {
    for (const table of ['events', 'findings', 'dead_letters']) {
      expect(await made(table)).toContain('min_bytes_for_wide_part = 268435456')
    }
  })

  it('takes over a changed retention', async () => {
    await migrate(connection.writer.client, { retentionDays: { events: 3, findings: 20, alerts: 400, deadLetters: 4 } })
    expect(await made('events')).toContain('toIntervalDay(3)')
    expect(await made('findings')).toContain('toIntervalDay(20)')
    expect(await made('alert_states')).toContain('toIntervalDay(400)')
    expect(await made('dead_letters')).toContain('toIntervalDay(4)')
  })

  it('keeps the fsync settings that make an acknowledged insert durable', async () => {
    for (const table of ['events', 'findings', 'alerts', 'alert_states', 'dead_letters']) {
      expect(await made(table)).toMatch(/fsync_after_insert = 1, fsync_part_directory = 1/)
    }
  })

  it('refuses a store of a newer version, and a migration that was changed', async () => {
    const without = ours.slice(0, -1)
    await expect(migrate(connection.writer.client, { retentionDays }, without)).rejects.toThrow(Misconfigured)
    await expect(migrate(connection.writer.client, { retentionDays }, without)).rejects.toThrow(/newer version/)
    const changed = ours.map((migration) => ({ ...migration, statements: `${migration.statements} ` }))
    await expect(migrate(connection.writer.client, { retentionDays }, changed)).rejects.toThrow(
      /0001-events\.sql.*not the one/,
    )
  })

  it.each([0, -1, 1.5, Number.NaN, 1e9])('refuses a retention of %d days', async (events) => {
    await expect(migrate(connection.writer.client, { retentionDays: { ...retentionDays, events } })).rejects.toThrow(
      /not a number of days/,
    )
  })
})
