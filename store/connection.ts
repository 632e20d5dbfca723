/** The connections to ClickHouse, embedded or served: one that writes, one that only reads, one that makes tables. */
import { Agent, type AgentOptions } from 'node:http'
import { type ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { type Embedded, type EmbeddedEvent, type EmbeddedOptions, openEmbedded } from './chdb/supervisor.ts'
import { Endpoints } from './endpoints.ts'

export interface ServerOptions {
  /** `https://clickhouse:8443`. Several are servers of one cluster: when one fails, the next is asked. */
  readonly url: string | readonly string[]
  /** Default `default`. Made when it is not there and the user may. */
  readonly database?: string
  readonly username?: string
  readonly password?: string
  /** A user with `readonly` in its profile, for queries. Default: the same user, with limits set by us. */
  readonly reader?: { readonly username: string; readonly password: string }
  /** Of the server's configuration (`remote_servers`): tables are replicated, and distributed over its shards. */
  readonly cluster?: string
  readonly tls?: {
    /** PEM of the authority that signed the server's certificate, where the system does not know it. */
    readonly ca: string
  }
  /** How long a request may hang before it counts as failed. Default 60 s, longer than any statement of ours may run. */
  readonly requestTimeoutMs?: number
}

export interface Connection {
  readonly kind: 'embedded' | 'server'
  readonly writer: Endpoints
  readonly reader: Endpoints
  /** Who makes the tables: the writer, in the database that has them. On a cluster that is not the one that is asked. */
  readonly owner: Endpoints
  /** The writer outside of any database, before there is one. Absent where there always is. */
  readonly founder: Endpoints | undefined
  /** The database that is asked, and the one with the tables. */
  readonly database: string
  readonly tablesDatabase: string
  readonly cluster: string | undefined
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

const REQUEST_TIMEOUT_MS = 60_000
/** Longer than a query may run, so that the server's own answer comes first. */
const READ_TIMEOUT_MS = 15_000
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
  const writer = new Endpoints([connect('default')])
  const reader = new Endpoints([connect('reader')])
  return {
    kind: 'embedded',
    writer,
    reader,
    owner: writer,
    founder: undefined,
    database: 'default',
    tablesDatabase: 'default',
    cluster: undefined,
    readSettings: {},
    embedded,
    close: async () => {
      await Promise.all([writer.close(), reader.close()])
      await embedded.close()
    },
  }
}

/** Connects lazily: the first statement tells whether the server is there. */
export function connectServer(options: ServerOptions): Connection {
  const urls = typeof options.url === 'string' ? [options.url] : options.url
  checkServers(urls, options)
  const database = options.database ?? 'default'
  const tablesDatabase = options.cluster === undefined ? database : `${database}_local`
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const connect = (
    { username, password }: { readonly username?: string; readonly password?: string },
    name: string | undefined,
    timeoutMs: number,
  ) =>
    new Endpoints(
      urls.map((url) =>
        createClient({
          ...SHARED,
          request_timeout: timeoutMs,
          url,
          ...(name === undefined ? {} : { database: name }),
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password }),
          ...(options.tls === undefined ? {} : { tls: { ca_cert: Buffer.from(options.tls.ca) } }),
          keep_alive: { enabled: true, idle_socket_ttl: 2500, eagerly_destroy_stale_sockets: true },
        }),
      ),
    )
  const writer = connect(options, database, requestTimeoutMs)
  const reader = connect(options.reader ?? options, database, Math.min(requestTimeoutMs, READ_TIMEOUT_MS))
  const owner = connect(options, tablesDatabase, requestTimeoutMs)
  const founder = connect(options, undefined, requestTimeoutMs)
  return {
    kind: 'server',
    writer,
    reader,
    owner,
    founder,
    database,
    tablesDatabase,
    cluster: options.cluster,
    // A user that is readonly by profile may not change settings, not even to stricter ones.
    readSettings: options.reader === undefined ? READ_LIMITS : {},
    embedded: undefined,
    close: async () => {
      await Promise.all([writer, reader, owner, founder].map((endpoints) => endpoints.close()))
    },
  }
}

function checkServers(urls: readonly string[], { cluster, database }: ServerOptions): void {
  const problems: Problem[] = [
    ...(urls.length === 0 ? [{ file: 'store.url', message: 'names no server' }] : []),
    ...urls
      .filter((url) => !/^https?:\/\/[^/?#@]+\/?$/.test(url))
      .map(() => ({
        file: 'store.url',
        message: 'is not the address of a server',
        suggestion: 'write https://host:8443, and user and password as settings of their own',
      })),
    ...(urls.length > 1 && cluster === undefined
      ? [
          {
            file: 'store.url',
            message: 'names several servers and no cluster: each would get a part of the rows',
            suggestion: 'set store.cluster, or name one server',
          },
        ]
      : []),
    ...[
      { file: 'store.cluster', name: cluster },
      { file: 'store.database', name: database },
    ]
      .filter(({ name }) => name !== undefined && !/^[A-Za-z_]\w{0,127}$/.test(name))
      .map(({ file, name }) => ({
        file,
        message: `${JSON.stringify(name)} is not a name`,
        suggestion: 'use letters, digits and underscores',
      })),
  ]
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}
