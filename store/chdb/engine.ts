/**
 * The embedded engine: chDB on one directory, with a session that writes and one that only reads, under limits.
 *
 * Lives in the child process of `server.ts` only: an abort of the library ends its process.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Session as ChdbSession } from 'chdb'
import { refusal } from './gate.ts'
import { BadStatement, type InsertStatement } from './statement.ts'

export interface EngineOptions {
  /** Where the engine keeps its files; one engine at a time. */
  readonly directory: string
  readonly maxMemoryBytes: number
}

export interface Answer {
  readonly bytes: Uint8Array
  readonly rowsRead: number
}

export interface Engine {
  /** Runs one statement of the given session; `format` is used when the statement names none. */
  run(
    session: 'writer' | 'reader',
    statement: { readonly sql: string; readonly params: Record<string, string | null>; readonly format: string },
  ): Promise<Answer>
  insert(statement: InsertStatement, rows: Buffer): Promise<number>
  /** Rows from a file, in formats that chDB's own insert does not take; and at half the processor time. */
  insertFile(statement: InsertStatement, path: string): Promise<void>
  close(): void
}

/** Limits of the read session: one screen of an analyst, never the whole machine. */
const READER_SETTINGS = (maxMemoryBytes: number): readonly string[] => [
  `max_memory_usage = ${Math.floor(maxMemoryBytes / 2)}`,
  'max_execution_time = 10',
  'max_result_rows = 100000',
  'max_result_bytes = 134217728',
  // Last: from here on the session can neither change settings nor write.
  'readonly = 1',
]

const CHDB_INSERT_FORMATS = new Set(['JSONEachRow', 'JSONCompactEachRow', 'CSV', 'TabSeparated', 'TSV'])

/** Opens or creates the engine's files. Throws what chDB throws: `Code: 76` when another process has them. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { Session } = await import('chdb')
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const configuration = join(options.directory, 'telltale-engine.xml')
  writeFileSync(configuration, engineConfiguration(options.maxMemoryBytes), { mode: 0o600 })
  const connectionArgs = [`--config-file=${configuration}`, '--async_load_databases=0']
  const writer = new Session(options.directory, { connectionArgs })
  await writer.queryAsync('SELECT 1')
  const reader = new Session(options.directory, { connectionArgs })
  for (const setting of READER_SETTINGS(options.maxMemoryBytes)) {
    await reader.queryAsync(`SET ${setting}`)
  }
  const inTurn = { writer: turns(writer), reader: turns(reader) }
  return {
    ...statements({ writer, reader }, inTurn),
    ...inserts(writer, inTurn.writer),
    close: () => [reader, writer].map((session) => session.close()),
  }
}

/** Runs the work of one session, one piece at a time. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * One statement at a time, and none after a failed one before the session is clean. Measured on chDB 3.4: what a
 * statement had put out before it failed (at a limit, for example) stays in the session and comes before the answer
 * to the next statement, whoever asks it. A statement without output takes it away.
 */
function turns(session: ChdbSession): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(async () => {
      try {
        return await work()
      } catch (error) {
        await session.queryAsync('SELECT 1 FORMAT Null').catch(() => undefined)
        throw error
      }
    })
    last = turn.catch(() => undefined)
    return turn
  }
}

type SessionName = 'writer' | 'reader'

function statements(
  sessions: Readonly<Record<SessionName, ChdbSession>>,
  inTurn: Readonly<Record<SessionName, InTurn>>,
): Pick<Engine, 'run'> {
  return {
    run: async (session, { sql, params, format }) => {
      const refused = session === 'reader' ? refusal(sql) : undefined
      if (refused !== undefined) {
        throw new BadStatement(164, 'READONLY', `Cannot execute query in readonly mode: ${refused}`)
      }
      const bare = Object.keys(params).length === 0
      const result = await inTurn[session](() =>
        bare
          ? sessions[session].queryAsync(sql, { format })
          : sessions[session].queryBindAsync(sql, params, { format }),
      )
      return { bytes: result.bytes(), rowsRead: result.rowsRead }
    },
  }
}

function inserts(writer: ChdbSession, inTurn: InTurn): Pick<Engine, 'insert' | 'insertFile'> {
  return {
    insert: async ({ table, columns, format }, rows) => {
      if (!CHDB_INSERT_FORMATS.has(format)) {
        throw new BadStatement(73, 'UNKNOWN_FORMAT', `The embedded store takes no rows in the format ${format}`)
      }
      const values = {
        table,
        values: rows,
        format: format as 'JSONEachRow',
        ...(columns.length === 0 ? {} : { columns: [...columns] }),
      }
      return (await inTurn(() => writer.insert(values))).rowsWritten
    },
    insertFile: async ({ table, columns, format }, path) => {
      if (columns.length > 0) {
        // The engine reads the file with the structure of the whole table, whatever columns are named: nonsense.
        throw new BadStatement(48, 'NOT_IMPLEMENTED', `Rows in ${format} hold all columns of the table`)
      }
      // Table and format match \w and the path is ours: no quote can be in them.
      const source = `file('${path}', '${format}')`
      await inTurn(() =>
        writer.queryAsync(`INSERT INTO ${table} SELECT * FROM ${source} SETTINGS max_insert_threads = 1`),
      )
    },
  }
}

/**
 * Small pools for a small machine. The merge settings follow from the pool size: with the defaults the engine
 * refuses to start on two background threads. A memory ratio must not be set to 0, which turns the limit off.
 */
function engineConfiguration(maxMemoryBytes: number): string {
  return `<clickhouse>
  <logger><level>none</level></logger>
  <max_server_memory_usage>${Math.floor(maxMemoryBytes)}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`
}
