/**
 * OTLP over HTTP: traces and logs are taken in, metrics are accepted and discarded, because agents that are
 * configured with one endpoint send them there too.
 *
 * On `node:http` itself, not on a framework: what this door must do well is refuse early, count bytes while they
 * stream and hang up on those who dawdle (docs/decisions/0003-otlp-decoder.md).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Rejected, Unavailable } from '../../schema/errors.ts'
import type { Collector } from '../collector.ts'
import { readBody } from './http-body.ts'
import { type HttpConnections, rememberAnswer, rememberConnection } from './http-connection.ts'
import {
  answerEncoding,
  asksFirst,
  examine,
  type HttpAsk,
  isRefusal,
  overloaded,
  type Refusal,
  signalOf,
  UNKNOWN_METHOD,
  undecodable,
} from './http-request.ts'
import { answerUnparsable, isInBody, unparsable } from './http-unparsable.ts'
import { type Claim, InFlight } from './in-flight.ts'
import { listen, rethrow } from './listening.ts'
import {
  type CountedSignal,
  countUnread,
  DOOR_LIMITS,
  type DoorLimits,
  type DoorOptions,
  type Encoding,
  IN_FLIGHT_BYTES,
  receive,
} from './receive.ts'
import { CODE, CONTENT_TYPES, encodeReceipt, encodeStatus } from './replies.ts'

/** How much of a refused body is read and thrown away so that its sender sees the answer rather than a reset. */
const DISCARD_BYTES = 16 * 1024 * 1024
const DISCARD_MS = 5000

interface Door extends DoorOptions {
  readonly limits: DoorLimits
  readonly inFlight: InFlight
  readonly bug: (error: unknown) => void
  readonly connections: HttpConnections
  closing: boolean
}

/** Opens the door. Rejects when the address is taken. */
export async function startOtlpHttp(options: DoorOptions): Promise<Collector> {
  const limits = { ...DOOR_LIMITS, ...options.limits }
  const door: Door = {
    ...options,
    limits,
    inFlight: options.inFlight ?? new InFlight(IN_FLIGHT_BYTES),
    bug: options.bug ?? rethrow,
    connections: new Map(),
    closing: false,
  }
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Node looks for late requests this often; its default of 30 s would double every limit above.
    connectionsCheckingInterval: Math.min(2000, limits.headersMs),
    maxHeaderSize: 16 * 1024,
    // `examine` does, with an answer that says so.
    requireHostHeader: false,
  })
  server.maxConnections = limits.connections
  server.maxRequestsPerSocket = 1000
  server.on('connection', (socket) => rememberConnection(door.connections, socket))
  const serveRequest = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response, door).catch(door.bug)
  }
  server.on('request', serveRequest)
  // A client that asks first whether to send: `serve` says so when it comes to the body.
  server.on('checkContinue', serveRequest)
  // One that expects something else: `examine` refuses it.
  server.on('checkExpectation', serveRequest)
  // One request more than a connection may carry: Node has answered it with 503.
  server.on('dropRequest', (request: IncomingMessage) => countUnread(door, signalOf(request), 'refused:unavailable'))
  server.on('connect', (request: IncomingMessage, socket: Socket) => refuseConnect(request, socket, door))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnparsable(error, socket, door))
  return {
    address: await listen(server, options.host, options.port),
    close: () => close(server, door),
  }
}

/** Stops listening, lets requests that are being read or processed finish, and hangs up on who takes too long. */
function close(server: Server, door: Door): Promise<void> {
  door.closing = true
  return new Promise((resolve) => {
    // Not `closeAllConnections`: it leaves out those that asked for CONNECT.
    const timer = setTimeout(() => {
      for (const socket of door.connections.keys()) {
        socket.destroy()
      }
    }, door.limits.closeMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function serve(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  rememberAnswer(door.connections, response)
  const ask = door.closing ? overloaded('shutting down', 1000) : examine(request, door)
  if (isRefusal(ask)) {
    countUnread(door, signalOf(request), ask.outcome)
    refuse(request, response, ask, door)
    return
  }
  if (asksFirst(request)) {
    response.writeContinue()
  }
  const claim = door.inFlight.claim()
  try {
    // The body is passed on and not kept: while what it said is appended, its memory is free again.
    const answer = await readBody(request, { gzip: ask.gzip, limits: door.limits, claim }).then((body) =>
      Buffer.isBuffer(body) ? process(body, { ...ask, claim }, door) : unread(body, ask.signal, door),
    )
    if (answer === undefined) {
      return
    }
    if (isRefusal(answer)) {
      refuse(request, response, answer, door)
    } else {
      send(response, 200, ask.encoding, answer, door)
    }
  } finally {
    claim.release()
  }
}

/** Counts a request whose body did not come, or could not be taken; passes its refusal on, if there is one. */
function unread(refusal: Refusal | undefined, signal: CountedSignal, door: Door): Refusal | undefined {
  countUnread(door, signal, refusal?.outcome ?? 'rejected:incomplete-request')
  return refusal
}

function process(body: Buffer, ask: HttpAsk & { readonly claim: Claim }, door: Door): Promise<Buffer | Refusal> {
  const { signal, encoding } = ask
  return receive(body, ask, door)
    .then((receipt) => encodeReceipt(receipt, signal, encoding))
    .catch((error: unknown) => refusalOf(error, door))
}

function refusalOf(error: unknown, door: Door): Refusal {
  if (error instanceof Unavailable) {
    return overloaded(error.message, error.retryAfterMs)
  }
  if (error instanceof Rejected) {
    return undecodable(error.message)
  }
  door.bug(error)
  return { status: 500, code: CODE.internal, message: 'internal error', outcome: 'rejected:internal-error' }
}

function send(
  response: ServerResponse,
  status: number,
  encoding: Encoding,
  body: Buffer,
  door: Door,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headersOf(encoding, body, door, headers))
  response.end(body)
}

function headersOf(
  encoding: Encoding,
  body: Buffer,
  door: Door,
  headers: Readonly<Record<string, string>>,
): Record<string, string | number> {
  return {
    'content-type': CONTENT_TYPES[encoding],
    'content-length': body.length,
    ...(door.closing ? { connection: 'close' } : {}),
    ...headers,
  }
}

/**
 * Answers before the body was read to its end. Closing the connection then would make the kernel answer late bytes
 * with a reset, and the client might never see the answer: so the rest is discarded, within limits, and the
 * connection goes on.
 */
function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal, door: Door): void {
  const encoding = answerEncoding(request)
  const body = encodeStatus(refusal.code, refusal.message, encoding)
  // Who asked before sending now sends nothing; who sent too much is not worth waiting for.
  const last = asksFirst(request) || refusal.status === 413
  const headers = { ...(last ? { connection: 'close' } : {}), ...refusal.headers }
  if (request.complete || asksFirst(request)) {
    send(response, refusal.status, encoding, body, door, headers)
    return
  }
  response.writeHead(refusal.status, headersOf(encoding, body, door, headers))
  response.write(body)
  discard(request, () => response.end())
}

/** Reads the rest of a request into nothing. Hangs up when there is too much of it, or it takes too long. */
function discard(request: IncomingMessage, done: () => void): void {
  let discarded = 0
  const timer = setTimeout(() => request.destroy(), DISCARD_MS)
  request.on('error', () => {})
  request.on('close', () => clearTimeout(timer))
  request.on('end', done)
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > DISCARD_BYTES) {
      request.destroy()
    }
  })
  request.resume()
}

/** CONNECT never becomes a request; its socket is ours alone from here. */
function refuseConnect(request: IncomingMessage, socket: Socket, door: Door): void {
  countUnread(door, signalOf(request), UNKNOWN_METHOD.outcome)
  const connection = door.connections.get(socket)
  if (connection !== undefined) {
    answerUnparsable(UNKNOWN_METHOD, socket, connection)
    // Bytes that nobody reads would make the kernel answer with a reset.
    socket.resume()
  }
}

function refuseUnparsable(error: NodeJS.ErrnoException, socket: Socket, door: Door): void {
  const connection = door.connections.get(socket)
  if (connection === undefined || connection.unparsable) {
    return
  }
  connection.unparsable = true
  const refusal = unparsable(error.code)
  if (refusal === undefined) {
    socket.destroy()
    return
  }
  if (!isInBody(connection.latest)) {
    countUnread(door, 'none', refusal.outcome)
  }
  answerUnparsable(refusal, socket, connection)
}
