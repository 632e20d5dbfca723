/**
 * The child process that holds the embedded engine and serves it over the ClickHouse HTTP interface.
 *
 * Its parent (`supervisor.ts`) starts it with a message and learns by message that it is ready. Everything else is
 * HTTP on a Unix socket that only this user can open: the part of the interface that `@clickhouse/client` uses.
 * The user named `reader` gets the read session, everybody else on the socket the write session. An optional
 * loopback port, for dashboards, gives the read session only and asks for a password.
 */
import { timingSafeEqual } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Engine, openEngine } from './engine.ts'
import { BadStatement, bindable, type InsertStatement, readHead, readInsert, type StatementHead } from './statement.ts'

export interface ServeOptions {
  /** Of the engine's own files. */
  readonly directory: string
  readonly socketPath: string
  /** Rows on their way into the engine; emptied at start. */
  readonly spoolDirectory: string
  readonly maxMemoryBytes: number
  /** A reading port on 127.0.0.1 for dashboards; 0 takes a free one. */
  readonly reading?: { readonly port: number; readonly password: string }
}

/** From the parent. */
export type Command = { readonly type: 'start'; readonly options: ServeOptions } | { readonly type: 'stop' }
/** To the parent. After `failed` the process exits by itself. */
export type Report =
  | { readonly type: 'ready'; readonly readingPort?: number }
  | { readonly type: 'failed'; readonly missing: boolean; readonly message: string }

/** The most bytes of one request, and the most requests worked on at once. Beyond: come back later. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
const MAX_STATEMENT_BYTES = 1024 * 1024
const MAX_RUNNING = 64

/** Parameters travel in the address, which counts as header. */
const HTTP = { maxHeaderSize: 64 * 1024 }

type SessionName = 'writer' | 'reader'
type Authorize = (head: StatementHead) => SessionName

/** Answers requests with the engine. Counts what runs, so that a flood is refused instead of queued. */
function handler(engine: Engine, options: ServeOptions, authorize: Authorize) {
  let running = 0
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (request.url === '/ping') {
        response.end('Ok.\n')
        return
      }
      if (running >= MAX_RUNNING) {
        throw new BadStatement(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries')
      }
      running += 1
      try {
        await answer(engine, options, authorize, request, response)
      } finally {
        running -= 1
      }
    } catch (error) {
      fail(response, error)
    } finally {
      // Whatever was not read of the body must not stop the next request on this connection.
      request.resume()
    }
  }
}

async function answer(
  engine: Engine,
  options: ServeOptions,
  authorize: Authorize,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const head = readHead(request)
  const session = authorize(head)
  const insert = readInsert(head.query)
  if (insert !== undefined) {
    if (session === 'reader') {
      throw new BadStatement(164, 'READONLY', 'Cannot execute query in readonly mode')
    }
    const written = await insertBody(engine, options, insert, request)
    succeed(response, head, { written })
    return
  }
  const body = await readBody(request, MAX_STATEMENT_BYTES)
  const sql = head.query === '' ? body.toString('utf8') : `${head.query}\n${body.toString('utf8')}`
  // chDB runs several statements of one text; the HTTP interface runs one.
  const result = await engine.run(session, { sql, params: bindable(sql, head.params), format: head.format })
  succeed(response, head, { read: result.rowsRead }, result.bytes)
}

/** RowBinary goes through a file: chDB's inline path costs 10 us a row more, and takes text formats only. */
async function insertBody(
  engine: Engine,
  options: ServeOptions,
  insert: InsertStatement,
  request: IncomingMessage,
): Promise<number> {
  if (insert.format !== 'RowBinary') {
    return await engine.insert(insert, await readBody(request, MAX_BODY_BYTES))
  }
  const path = join(options.spoolDirectory, `${process.pid}-${spooled++}.rows`)
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const chunks of gathered(boundedBody(request, MAX_BODY_BYTES))) {
        const { bytesWritten } = await file.writev(chunks)
        // A disk that is nearly full takes a part, which could end between two rows and would pass for the whole.
        if (bytesWritten !== chunks.reduce((sum, { length }) => sum + length, 0)) {
          throw new BadStatement(243, 'NOT_ENOUGH_SPACE', 'The disk took only a part of the rows')
        }
      }
    } finally {
      await file.close()
    }
    await engine.insertFile(insert, path)
  } finally {
    rmSync(path, { force: true })
  }
  return 0
}
let spooled = 0

async function* boundedBody(request: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) {
      throw new BadStatement(307, 'TOO_MANY_BYTES', `The request holds more than ${limit} bytes`)
    }
    yield chunk
  }
  if (!request.complete) {
    throw new BadStatement(210, 'NETWORK_ERROR', 'The request was cut off')
  }
}

/** Chunks by the mebibyte: a write for each packet would wake another thread for each. */
async function* gathered(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    held.push(chunk)
    size += chunk.length
    if (size >= 1024 * 1024) {
      yield held
      held = []
      size = 0
    }
  }
  if (held.length > 0) {
    yield held
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of boundedBody(request, limit)) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function succeed(
  response: ServerResponse,
  head: StatementHead,
  rows: { readonly read?: number; readonly written?: number },
  bytes: Uint8Array = new Uint8Array(),
): void {
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  response.setHeader('X-ClickHouse-Format', head.format)
  if (head.queryId !== undefined && /^[\w-]{1,128}$/.test(head.queryId)) {
    response.setHeader('X-ClickHouse-Query-Id', head.queryId)
  }
  response.setHeader(
    'X-ClickHouse-Summary',
    JSON.stringify({ read_rows: String(rows.read ?? 0), written_rows: String(rows.written ?? 0) }),
  )
  response.end(bytes)
}

/** HTTP status by ClickHouse code, as the server answers; 500 for the rest. */
const STATUS: ReadonlyMap<number, number> = new Map([
  [62, 400],
  [36, 400],
  [47, 400],
  [115, 400],
  [164, 403],
  [516, 403],
  [60, 404],
  [81, 404],
  [307, 413],
  [48, 501],
  [202, 503],
])

function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1000)
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.statusCode = STATUS.get(code) ?? 500
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  response.setHeader('X-ClickHouse-Exception-Code', String(code))
  response.end(
    `${message.startsWith('Code:') ? message : `Code: ${code}. DB::Exception: ${message}. (POCO_EXCEPTION)`}\n`,
  )
}

const onSocket: Authorize = ({ credentials }) => (credentials.user === 'reader' ? 'reader' : 'writer')

function onPort(password: string): Authorize {
  const expected = Buffer.from(password)
  return ({ credentials }) => {
    const given = Buffer.from(credentials.password)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new BadStatement(516, 'AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect')
    }
    return 'reader'
  }
}

async function listen(server: Server, address: ListenOptions): Promise<void> {
  // Above the 2.5 s after which the client drops idle connections, so that it never writes into a closing one.
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => resolve())
  })
}

async function serve(options: ServeOptions): Promise<{ readonly engine: Engine; readonly readingPort?: number }> {
  const engine = await openEngine(options)
  // The engine's lock is held from here on, so nobody else uses the socket and the spool.
  rmSync(options.spoolDirectory, { recursive: true, force: true })
  mkdirSync(options.spoolDirectory, { recursive: true, mode: 0o700 })
  rmSync(options.socketPath, { force: true })
  const respond = (authorize: Authorize) => {
    const handle = handler(engine, options, authorize)
    return (request: IncomingMessage, response: ServerResponse) => void handle(request, response)
  }
  await listen(createServer(HTTP, respond(onSocket)), { path: options.socketPath })
  chmodSync(options.socketPath, 0o600)
  if (options.reading === undefined) {
    return { engine }
  }
  const server = createServer(HTTP, respond(onPort(options.reading.password)))
  await listen(server, { host: '127.0.0.1', port: options.reading.port })
  return { engine, readingPort: (server.address() as AddressInfo).port }
}

function report(message: Report, then?: () => void): void {
  process.send?.(message, undefined, {}, () => then?.())
}

/**
 * Storing can wait for a moment, and judging cannot. On Linux priority is a thread's own: those that run already are told
 * one by one, for the engine's come from them and inherit it.
 */
function judgeFirst(): void {
  try {
    const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [process.pid]
    for (const thread of threads) {
      setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL)
    }
  } catch {
    // Forbidden here; then both are equal.
  }
}

function main(): void {
  // What the engine writes is for this user only; so is the socket from the moment it exists.
  process.umask(0o077)
  judgeFirst()
  let engine: Engine | undefined
  // Without a parent nobody restarts or stops this process. The engine's files survive a kill at any point, and its
  // destructors may hang while queries run, so it does not take leave.
  const die = () => process.kill(process.pid, 'SIGKILL')
  process.on('disconnect', die)
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  process.on('message', (command: Command) => {
    if (command.type === 'stop') {
      engine?.close()
      die()
      return
    }
    serve(command.options).then(
      (served) => {
        engine = served.engine
        report({ type: 'ready', ...(served.readingPort === undefined ? {} : { readingPort: served.readingPort }) })
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error)
        const missing =
          (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' || /no native binding/.test(message)
        report({ type: 'failed', missing, message }, die)
      },
    )
  })
}

/** Where this program is, for the one who starts it. */
export const SERVER_MODULE = import.meta.url

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main()
}
