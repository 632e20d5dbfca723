/**
 * A cluster: what it must have, and the tables that stand for all of its shards.
 *
 * `<database>_local` holds on every server what the migrations make: replicated tables, and the views that fill them.
 * `<database>` holds a distributed table for each, under the same name, so that statements are the same as on one
 * server (docs/decisions/0010-clickhouse-cluster.md).
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { command, type MigrateOptions } from './migrate.ts'

/** What a shard is chosen by, for each table of ours: every version of a row must meet the others on one shard. */
const SHARDED_BY: Readonly<Record<string, string>> = {
  events: "JSONExtractString(row, 'tenant_id'), JSONExtractString(row, 'agent', 'id')",
  findings: "JSONExtractString(row, 'tenant_id'), JSONExtractString(row, 'agent', 'id')",
  alerts: "JSONExtractString(row, 'alert', 'tenant_id'), JSONExtractString(row, 'alert', 'alert_id')",
  alert_states: "JSONExtractString(row, 'tenant_id'), JSONExtractString(row, 'alert_id')",
  dead_letters: "JSONExtractString(row, 'tenant_id'), JSONExtractString(row, 'letter_id')",
}

export interface Cluster {
  readonly name: string
  readonly database: string
  readonly tablesDatabase: string
}

/**
 * Looks whether replicated and distributed tables can work here at all. Called before anything is made.
 *
 * @throws Misconfigured with everything that is missing in the servers' configuration.
 */
export async function checkCluster(client: ClickHouseClient, name: string): Promise<void> {
  const clusters = await rows<{ cluster: string; internal_replication?: number }>(
    client,
    'SELECT * FROM system.clusters',
  )
  const servers = clusters.filter(({ cluster }) => cluster === name)
  const macros = await rows<{ macro: string }>(client, 'SELECT macro FROM system.macros')
  const problems: Problem[] = []
  if (servers.length === 0) {
    const known = [...new Set(clusters.map(({ cluster }) => cluster))].sort().slice(0, 20)
    problems.push({
      file: 'store.cluster',
      message: `ClickHouse knows no cluster ${JSON.stringify(name)}`,
      suggestion: known.length === 0 ? 'configure remote_servers' : `it knows ${known.join(', ')}`,
    })
  }
  // Servers before 24.8 do not tell.
  if (servers.some(({ internal_replication: internal }) => internal === 0)) {
    problems.push({
      file: 'store.cluster',
      message: `the cluster ${name} writes to every replica by itself, beside the tables that are replicated`,
      suggestion: 'set internal_replication to true for each of its shards',
    })
  }
  for (const macro of ['shard', 'replica']) {
    if (!macros.some((defined) => defined.macro === macro)) {
      problems.push({
        file: 'store.cluster',
        message: `the server has no macro ${macro}, by which replicas find each other`,
        suggestion: `define macros.${macro} on every server of the cluster`,
      })
    }
  }
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

/**
 * Makes the distributed tables that are missing or have other columns than the tables behind them. They hold nothing
 * themselves, because inserts wait until the shards have the rows. Called after the migrations.
 */
export async function distribute(client: ClickHouseClient, cluster: Cluster, options: MigrateOptions): Promise<void> {
  const { name, database, tablesDatabase } = cluster
  const columns = await rows<{ database: string; table: string; columns: string }>(
    client,
    `SELECT database, table, arrayStringConcat(arraySort(groupArray(concat(name, ' ', type))), ', ') AS columns
FROM system.columns WHERE database IN ('${database}', '${tablesDatabase}') GROUP BY database, table`,
  )
  const columnsOf = (of: string, table: string) =>
    columns.find((row) => row.database === of && row.table === table)?.columns
  for (const [table, key] of Object.entries(SHARDED_BY)) {
    for (const [made, sharding] of [
      [table, ''],
      [`${table}_in`, `, cityHash64(${key})`],
    ] as const) {
      if (columnsOf(database, made) !== columnsOf(tablesDatabase, made)) {
        await command(
          client,
          `CREATE OR REPLACE TABLE ${database}.${made} {{on_cluster}} AS ${tablesDatabase}.${made}
ENGINE = Distributed('${name}', '${tablesDatabase}', '${made}'${sharding})`,
          options,
        )
      }
    }
  }
}

async function rows<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>()
}
