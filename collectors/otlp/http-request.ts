/** What an OTLP/HTTP request asks for, read from its headers alone: everything that can be refused before its body is. */
import type { IncomingMessage } from 'node:http'
import type { InFlight } from './in-flight.ts'
import type { Authenticate, CountedSignal, DoorLimits, Encoding, Signal } from './receive.ts'
import { CODE } from './replies.ts'

/** A request that may be read. */
export interface HttpAsk {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly gzip: boolean
  readonly tenantId: string
}

/** An answer that ends a request before it was processed. */
export interface Refusal {
  readonly status: number
  readonly code: number
  readonly message: string
  /** What the request is counted as. */
  readonly outcome: string
  readonly headers?: Readonly<Record<string, string>>
}

const SIGNALS: ReadonlyMap<string, Signal> = new Map([
  ['/v1/traces', 'traces'],
  ['/v1/logs', 'logs'],
  ['/v1/metrics', 'metrics'],
])

export const UNKNOWN_METHOD: Refusal = {
  status: 405,
  code: CODE.unimplemented,
  outcome: 'rejected:unknown-method',
  message: 'only POST is allowed',
  headers: { allow: 'POST' },
}

/** Come back later: the one status that every OTLP client retries. */
export function overloaded(message: string, retryAfterMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  const headers = { 'retry-after': String(seconds) }
  return { status: 503, code: CODE.unavailable, message, outcome: 'refused:unavailable', headers }
}

export function tooLarge(message: string): Refusal {
  return { status: 413, code: CODE.resourceExhausted, message, outcome: 'rejected:too-large' }
}

export function undecodable(message: string): Refusal {
  return { status: 400, code: CODE.invalidArgument, message, outcome: 'rejected:undecodable-request' }
}

/** The signal that the path names, `none` for a path that is not ours. */
export function signalOf(request: IncomingMessage): CountedSignal {
  return SIGNALS.get(request.url?.split('?', 1)[0] ?? '') ?? 'none'
}

/** The encoding that errors are answered in: the request's, or JSON when it has none that we know. */
export function answerEncoding(request: IncomingMessage): Encoding {
  return encodingOf(request.headers['content-type']) ?? 'json'
}

export function isRefusal(answer: HttpAsk | Refusal | Buffer): answer is Refusal {
  return 'status' in answer
}

/** Whether the client sends its body only when it is told to. HTTP/1.0 knows no such thing: there it is ignored. */
export function asksFirst(request: IncomingMessage): boolean {
  return request.httpVersion === '1.1' && request.headers.expect !== undefined
}

/** Reads the headers, in the order in which a stranger may learn things: path, method, who asks, then the rest. */
export function examine(
  request: IncomingMessage,
  door: { readonly authenticate: Authenticate; readonly limits: DoorLimits; readonly inFlight: InFlight },
): HttpAsk | Refusal {
  const signal = signalOf(request)
  if (signal === 'none') {
    return {
      status: 404,
      code: CODE.notFound,
      outcome: 'rejected:unknown-path',
      message: 'nothing here: OTLP is at /v1/traces, /v1/logs and /v1/metrics',
    }
  }
  if (request.method !== 'POST') {
    return UNKNOWN_METHOD
  }
  if (request.httpVersion === '1.1' && request.headers.host === undefined) {
    return undecodable('HTTP/1.1 demands a Host header')
  }
  if (isRepeated(request, 'authorization') || isRepeated(request, 'content-type')) {
    return undecodable('a header that may be there once is there twice')
  }
  const identity = door.authenticate(request.headers.authorization)
  if (typeof identity === 'string') {
    return identity === 'forbidden'
      ? {
          status: 403,
          code: CODE.permissionDenied,
          outcome: 'rejected:forbidden',
          message: 'this key may not send telemetry',
        }
      : {
          status: 401,
          code: CODE.unauthenticated,
          outcome: 'rejected:unauthenticated',
          message: 'a valid key is needed: Authorization: Bearer KEY',
          headers: { 'www-authenticate': 'Bearer' },
        }
  }
  const encoding = encodingOf(request.headers['content-type'])
  if (encoding === undefined) {
    return unsupported('the content type must be application/x-protobuf or application/json')
  }
  const coding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (coding !== 'gzip' && coding !== 'identity') {
    return unsupported('the content encoding must be gzip or identity')
  }
  if (!/^(100-continue)?$/i.test(request.headers.expect ?? '')) {
    return {
      status: 417,
      code: CODE.invalidArgument,
      outcome: 'rejected:unsupported-expectation',
      message: 'nothing but 100-continue may be expected',
    }
  }
  const gzip = coding === 'gzip'
  return lengthRefusal(request, gzip, door) ?? { signal, encoding, gzip, tenantId: identity.tenantId }
}

function unsupported(message: string): Refusal {
  return { status: 415, code: CODE.invalidArgument, message, outcome: 'rejected:unsupported-encoding' }
}

/** The media type without its parameters, which do not matter for either encoding. */
function encodingOf(contentType: string | undefined): Encoding | undefined {
  // Spaces only: a tab or anything else beside the type has been used to slip past such checks.
  const type = /^ *([a-z0-9/.+-]+) *(?:;|$)/i.exec(contentType ?? '')?.[1]?.toLowerCase()
  return type === 'application/json' ? 'json' : type === 'application/x-protobuf' ? 'protobuf' : undefined
}

function isRepeated(request: IncomingMessage, name: string): boolean {
  let times = 0
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) {
      times++
    }
  }
  return times > 1
}

function lengthRefusal(
  request: IncomingMessage,
  gzip: boolean,
  door: { readonly limits: DoorLimits; readonly inFlight: InFlight },
): Refusal | undefined {
  // The HTTP parser has made sure that it is a number, and that it is there once.
  const length = Number(request.headers['content-length'] ?? 1)
  const limit = gzip ? door.limits.compressedBytes : door.limits.bodyBytes
  if (length > limit) {
    return tooLarge(`the body may have at most ${limit} bytes${gzip ? ' compressed' : ''}`)
  }
  return door.inFlight.admits(length) ? undefined : overloaded('too much is being processed', 1000)
}
