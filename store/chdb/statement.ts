/** Reads an HTTP request of the ClickHouse interface: what to run, with which parameters, for whom. */
import type { IncomingMessage } from 'node:http'

/** A request that cannot be answered as ClickHouse would; `code` is ClickHouse's number for the error. */
export class BadStatement extends Error {
  readonly code: number

  constructor(code: number, type: string, message: string) {
    super(`Code: ${code}. DB::Exception: ${message}. (${type})`)
    this.name = 'BadStatement'
    this.code = code
  }
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** What the address and headers of a request say; the body is still to be read. */
export interface StatementHead {
  /** From the address; the body follows it, or is its data when it is an INSERT. */
  readonly query: string
  /** Values for `{name:Type}`, as given (still escaped). */
  readonly params: ReadonlyMap<string, string>
  readonly format: string
  readonly queryId: string | undefined
  readonly credentials: Credentials
}

/** An `INSERT INTO table (columns) FORMAT name` whose rows are the body. */
export interface InsertStatement {
  readonly table: string
  readonly columns: readonly string[]
  readonly format: string
}

/**
 * Parameters of the HTTP interface that are no settings, and settings that the sessions fix already: accepted and
 * not applied. Any other setting is refused, so that nobody believes it took effect.
 */
const IGNORED = new Set([
  'query',
  'query_id',
  'database',
  'user',
  'password',
  'default_format',
  'readonly',
  'max_execution_time',
  'max_result_rows',
  'max_memory_usage',
  'max_result_bytes',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'enable_http_compression',
  'http_headers_progress_interval_ms',
  'http_write_exception_in_output_format',
  'async_insert',
  'wait_for_async_insert',
])

export function readHead(request: IncomingMessage): StatementHead {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const params = new Map<string, string>()
  for (const [name, value] of searchParams) {
    if (name.startsWith('param_')) {
      params.set(name.slice('param_'.length), value)
    } else if (!IGNORED.has(name)) {
      throw new BadStatement(115, 'UNKNOWN_SETTING', `The embedded store takes no setting '${name}' per request`)
    }
  }
  const database = searchParams.get('database') ?? 'default'
  if (database !== 'default') {
    throw new BadStatement(81, 'UNKNOWN_DATABASE', `Database ${database} does not exist`)
  }
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') {
    throw new BadStatement(89, 'UNKNOWN_COMPRESSION_METHOD', 'The embedded store takes no compressed requests')
  }
  return {
    query: searchParams.get('query') ?? '',
    params,
    format: searchParams.get('default_format') ?? 'TabSeparated',
    queryId: searchParams.get('query_id') ?? undefined,
    credentials: readCredentials(request, searchParams),
  }
}

function readCredentials(request: IncomingMessage, searchParams: URLSearchParams): Credentials {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(request.headers.authorization ?? '')
  if (basic !== null) {
    const [user = '', ...password] = Buffer.from(basic[1] as string, 'base64')
      .toString('utf8')
      .split(':')
    return { user, password: password.join(':') }
  }
  const header = (name: string) => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    user: header('x-clickhouse-user') ?? searchParams.get('user') ?? 'default',
    password: header('x-clickhouse-key') ?? searchParams.get('password') ?? '',
  }
}

const INSERT = /^\s*insert\s+into\s+(?:table\s+)?([A-Za-z_][\w.]*)\s*(?:\(([\w\s,]*)\))?\s*format\s+(\w+)\s*$/i

/** The insert whose rows are the body, or `undefined` when `query` is a whole statement. */
export function readInsert(query: string): InsertStatement | undefined {
  const match = INSERT.exec(query)
  if (match === null) {
    return undefined
  }
  const columns = (match[2] ?? '').split(',').map((column) => column.trim())
  return { table: match[1] as string, columns: columns.filter((column) => column !== ''), format: match[3] as string }
}

const COMPOSITE = /\{\s*\w+\s*:\s*(?:Array|Map|Tuple|Nested)\b/

/**
 * Parameters as values. The interface carries them escaped as in TabSeparated; chDB escapes what it is given, so the
 * escapes are undone here. Composite types have a grammar of their own and are refused.
 */
export function bindable(query: string, params: ReadonlyMap<string, string>): Record<string, string | null> {
  if (params.size > 0 && COMPOSITE.test(query)) {
    throw new BadStatement(48, 'NOT_IMPLEMENTED', 'The embedded store binds no Array, Map or Tuple parameters')
  }
  const bound: Record<string, string | null> = Object.create(null)
  for (const [name, value] of params) {
    if (!/^\w{1,64}$/.test(name)) {
      throw new BadStatement(36, 'BAD_ARGUMENTS', 'A parameter name holds letters, digits and underscores')
    }
    bound[name] = value === '\\N' ? null : unescapeTabSeparated(value)
  }
  return bound
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['0', '\0'],
])

function unescapeTabSeparated(value: string): string {
  return value.includes('\\')
    ? value.replace(/\\([\s\S])/g, (_, escaped: string) => ESCAPES.get(escaped) ?? escaped)
    : value
}
