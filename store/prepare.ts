/** Makes a place ready for our statements: its databases, its tables, and what its inserts must be told. */
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client'
import { Misconfigured } from '../schema/errors.ts'
import { checkCluster, distribute } from './cluster.ts'
import type { Connection } from './connection.ts'
import { isDenied } from './errors.ts'
import { command, type MigrateOptions, migrate } from './migrate.ts'

/**
 * Brings databases and tables up to date. May run at the same time in several processes, and again at any time.
 *
 * @returns the settings that every insert must carry, so that what is acknowledged is stored.
 * @throws Misconfigured when it can never work as configured, Unavailable when it cannot work now.
 */
export async function prepare(connection: Connection, options: MigrateOptions): Promise<ClickHouseSettings> {
  const { cluster, database, tablesDatabase, founder, owner } = connection
  const settings = founder === undefined ? {} : await founder.any((client) => insertSettings(client, cluster))
  await founder?.any(async (client) => {
    if (cluster !== undefined) {
      await checkCluster(client, cluster)
    }
    for (const name of new Set([tablesDatabase, database])) {
      await makeDatabase(client, name, options)
    }
  })
  await owner.any(async (client) => {
    await migrate(client, options)
    if (cluster !== undefined) {
      await distribute(client, { name: cluster, database, tablesDatabase }, options)
    }
  })
  return settings
}

async function makeDatabase(client: ClickHouseClient, name: string, options: MigrateOptions): Promise<void> {
  const found = await client.query({
    query: 'SELECT name FROM system.databases WHERE name = {name:String}',
    query_params: { name },
    format: 'JSONEachRow',
  })
  if ((await found.json()).length > 0) {
    return
  }
  try {
    await command(client, `CREATE DATABASE IF NOT EXISTS \`${name}\` {{on_cluster}}`, options)
  } catch (error) {
    if (!isDenied(error)) {
      throw error
    }
    throw new Misconfigured([
      {
        file: 'store.database',
        message: `there is no database ${name} that the user may see, and the user may not make it`,
        suggestion: `create it, and GRANT ALL ON ${name}.* to the user`,
      },
    ])
  }
}

/**
 * Settings that make an acknowledged insert a stored one, whatever the server's defaults are.
 *
 * Since 26 ClickHouse collects inserts of several clients by default, and drops one that equals an earlier one. Our
 * batches are large enough, rows are recognised by their ids, and an insert that is dropped is acknowledged.
 */
async function insertSettings(client: ClickHouseClient, cluster: string | undefined): Promise<ClickHouseSettings> {
  const known = await client.query({
    query: "SELECT name FROM system.settings WHERE name = 'deduplicate_insert'",
    format: 'JSONEachRow',
  })
  return {
    async_insert: 0,
    wait_for_async_insert: 1,
    insert_deduplicate: 0,
    // Unknown to servers before 26, which would refuse it.
    ...((await known.json()).length === 0 ? {} : { deduplicate_insert: 'disable' }),
    // The answer comes when all is done, not when it begins.
    wait_end_of_query: 1,
    send_progress_in_http_headers: 0,
    ...(cluster === undefined
      ? {}
      : {
          // Not into a queue of the server that took it, but into the shards; and there on most replicas.
          distributed_foreground_insert: 1,
          distributed_background_insert_timeout: INSERT_TIMEOUT_S,
          insert_quorum: 'auto',
          insert_quorum_timeout: INSERT_TIMEOUT_S * 1000,
        }),
  }
}

/** Below the request's own timeout. */
const INSERT_TIMEOUT_S = 20
