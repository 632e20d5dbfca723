/** The two connections to ClickHouse, embedded or served: one that writes and one that only reads. */
import { Agent, type AgentOptions } from 'node:http'
import { type ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { type Embedded, type EmbeddedEvent, type EmbeddedOptions, openEmbedded } from './chdb/supervisor.ts'
import { isDenied } from './errors.ts'

export interface ServerOptions {
  /** `https://clickhouse:8443` */
  readonly url: string
  readonly database?: string
  readonly username?: string
  readonly password?: string
  /** A user with `readonly` in its profile, for queries. Default: the same user, with limits set by us. */
  readonly reader?: { readonly username: string; readonly password: string }
}

export interface Connection {
  readonly kind: 'embedded' | 'server'
  readonly writer: ClickHouseClient
  readonly reader: ClickHouseClient
  /** Sent with every query of the reader. The embedded engine has them fixed in its session. */
  readonly readSettings: ClickHouseSettings
  readonly embedded: Embedded | undefined
  close(): Promise<void>
}

const READ_LIMITS: ClickHouseSettings = {
  readonly: '1',
  max_execution_time: 10,
  max_result_rows: '100000',
}

/** Longer than any query may run, so that the server's own answer comes first. */
const REQUEST_TIMEOUT_MS = 60_000
const SHARED = {
  request_timeout: REQUEST_TIMEOUT_MS,
  // Errors are thrown to us; the client must not print them (they hold parts of statements).
  log: { level: ClickHouseLogLevel.OFF },
}

export async function connectEmbedded(
  options: Omit<EmbeddedOptions, 'onEvent'> & { readonly onEvent?: (event: EmbeddedEvent) => void },
): Promise<Connection> {
  const embedded = await openEmbedded(options)
  // An agent hands its options to every connection it makes; the types know only those for TCP.
  const agentOptions: AgentOptions & { socketPath: string } = {
    keepAlive: true,
    maxSockets: 10,
    socketPath: embedded.socketPath,
  }
  const connect = (username: string): ClickHouseClient =>
    createClient({
      ...SHARED,
      url: 'http://localhost',
      username,
      http_agent: new Agent(agentOptions),
    })
  const writer = connect('default')
  const reader = connect('reader')
  return {
    kind: 'embedded',
    writer,
    reader,
    readSettings: {},
    embedded,
    close: async () => {
      await Promise.all([writer.close(), reader.close()])
      await embedded.close()
    },
  }
}

/** Connects lazily: the first statement tells whether the server is there. Creates the database when it may. */
export async function connectServer(options: ServerOptions): Promise<Connection> {
  const database = options.database ?? 'default'
  const connect = (user: { readonly username?: string; readonly password?: string }, name?: string) =>
    createClient({
      ...SHARED,
      url: options.url,
      ...(name === undefined ? {} : { database: name }),
      ...(user.username === undefined ? {} : { username: user.username }),
      ...(user.password === undefined ? {} : { password: user.password }),
      keep_alive: { enabled: true, idle_socket_ttl: 2500, eagerly_destroy_stale_sockets: true },
    })
  const user = { ...pick(options, 'username'), ...pick(options, 'password') }
  if (database !== 'default') {
    const bootstrap = connect(user)
    try {
      await bootstrap.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted(database)}` })
    } catch (error) {
      // A user who may not make databases may have been given one.
      if (!isDenied(error)) {
        throw error
      }
    } finally {
      await bootstrap.close()
    }
  }
  const writer = connect(user, database)
  const reader = connect(options.reader ?? user, database)
  return {
    kind: 'server',
    writer,
    reader,
    // A user that is readonly by profile may not change settings, not even to stricter ones.
    readSettings: options.reader === undefined ? READ_LIMITS : {},
    embedded: undefined,
    close: async () => {
      await Promise.all([writer.close(), reader.close()])
    },
  }
}

function pick<Key extends string>(
  from: { readonly [key in Key]?: string },
  key: Key,
): { readonly [key in Key]?: string } {
  return from[key] === undefined ? {} : ({ [key]: from[key] } as { readonly [key in Key]?: string })
}

function quoted(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}
