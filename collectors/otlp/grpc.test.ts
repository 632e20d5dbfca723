import { existsSync, readFileSync } from 'node:fs'
import { type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  type CallOptions,
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import type { Collector } from '../collector.ts'
import { startOtlpGrpc } from './grpc.ts'
import { InFlight } from './in-flight.ts'
import { Ledger } from './ledger.contract.ts'
import { encodeWithLibrary } from './oracle.ts'
import type { DoorOptions } from './receive.ts'
import type { Span } from './records.ts'

const CAPTURE = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp/langchain-openinference-grpc-traces.pb')
const GOOD = Buffer.from(
  encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'good' }] }] }] }),
)
const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'

let door: Collector | undefined
let client: Client | undefined
let ledger = new Ledger()

beforeEach(() => {
  ledger = new Ledger()
})

afterEach(async () => {
  client?.close()
  client = undefined
  await door?.close()
  door = undefined
  ledger.expectBalance()
})

async function open(options: Partial<DoorOptions> = {}): Promise<string> {
  door = await startOtlpGrpc({ ...ledger.doorOptions, ...options })
  client = new Client(new URL(door.address).host, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compressionAlgorithms.identity,
    'grpc.max_send_message_length': -1,
  })
  return door.address
}

const same = (bytes: Buffer) => bytes
/** Resolves with the answer, or with the error that the call ended in. */
function call(body: Buffer, path = TRACES, headers: Record<string, string> = {}): Promise<Buffer | ServiceError> {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) {
    metadata.set(name, value)
  }
  return new Promise((resolve) => {
    const options: CallOptions = {}
    client?.makeUnaryRequest(path, same, same, body, metadata, options, (error, answer) => {
      resolve(error ?? (answer as Buffer))
    })
  })
}

/** Speaks HTTP/2 by hand, to say what no gRPC client would. Gives the status of the call. */
function raw(address: string, frames: Buffer[], headers: Record<string, string> = {}, end = true): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(address)
    const done = (status: string) => {
      session.destroy()
      resolve(status)
    }
    session.on('error', () => done('session error'))
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': TRACES,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const read = (got: Record<string, unknown>) => {
      if (got['grpc-status'] !== undefined || Number(got[':status'] ?? 200) !== 200) {
        done(String(got['grpc-status'] ?? `http ${got[':status']}`))
      }
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('error', () => done('stream error'))
    stream.on('close', () => done('hung up'))
    stream.resume()
    for (const frame of frames) {
      stream.write(frame)
    }
    if (end) {
      stream.end()
    }
  })
}

const frame = (message: Buffer, flag = 0, length = message.length) => {
  const header = Buffer.alloc(5)
  header.writeUInt8(flag, 0)
  header.writeUInt32BE(length, 1)
  return Buffer.concat([header, message])
}

describe('Export', () => {
  it('takes traces, logs and metrics; metrics are discarded', async () => {
    await open()
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    const logs = encodeWithLibrary('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'x' }] }] }] })
    expect(await call(Buffer.from(logs), LOGS)).toEqual(Buffer.alloc(0))
    expect(await call(Buffer.from('whatever'), METRICS)).toEqual(Buffer.alloc(0))
    expect(await call(Buffer.alloc(0))).toEqual(Buffer.alloc(0))
    expect(ledger.outcomes).toEqual({ accepted: 2, 'ignored:metrics': 1 })
  })

  it('says how many records were rejected, and why', async () => {
    await open()
    const spans = [{ name: 'good' }, { traceId: Uint8Array.of(1) }]
    const answer = await call(
      Buffer.from(encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })),
    )
    const message = '1 rejected: invalid-trace-id'
    expect(answer).toEqual(
      Buffer.from([0x0a, 4 + message.length, 0x08, 1, 0x12, message.length, ...Buffer.from(message)]),
    )
  })

  it('of something undecodable is INVALID_ARGUMENT', async () => {
    await open()
    expect(await call(Buffer.from('oops'))).toMatchObject({
      code: 3,
      details: expect.stringContaining('not OTLP traces as protobuf'),
    })
    expect(ledger.outcomes).toEqual({ 'rejected:undecodable-request': 1 })
  })

  it('that should come back is UNAVAILABLE with a RetryInfo', async () => {
    await open({ intake: ledger.intakeThat(() => new Unavailable('the bus is full', { retryAfterMs: 2100 })) })
    const error = (await call(GOOD)) as ServiceError
    expect(error).toMatchObject({ code: 14, details: 'the bus is full' })
    const type = 'type.googleapis.com/google.rpc.RetryInfo'
    expect(error.metadata.get('grpc-status-details-bin')[0]).toEqual(
      Buffer.from([
        ...[0x08, 14, 0x12, 15, ...Buffer.from('the bus is full')],
        ...[0x1a, 4 + type.length + 9, 0x0a, type.length, ...Buffer.from(type), 0x12, 9],
        // RetryInfo { retry_delay { seconds: 2, nanos: 100,000,000 } }
        ...[0x0a, 7, 0x08, 2, 0x10, 0x80, 0xc2, 0xd7, 0x2f],
      ]),
    )
    expect(ledger.outcomes).toEqual({ 'refused:unavailable': 1 })
  })

  it('that met a bug is INTERNAL, and the bug is reported', async () => {
    const bugs: unknown[] = []
    const bug = new TypeError('oops')
    await open({ intake: ledger.intakeThat(() => bug), bug: (error) => bugs.push(error) })
    expect(await call(GOOD)).toMatchObject({ code: 13, details: 'internal error' })
    expect(bugs).toEqual([bug])
    expect(ledger.outcomes).toEqual({ 'rejected:internal-error': 1 })
  })

  it('of an unknown service is UNIMPLEMENTED', async () => {
    await open()
    expect(
      await call(GOOD, '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export'),
    ).toMatchObject({
      code: 12,
    })
  })
})

describe('authentication', () => {
  const authenticate = (header: string | undefined) =>
    header === 'Bearer good' ? { tenantId: 'acme' } : header === 'Bearer reader' ? 'forbidden' : 'unauthenticated'

  it('gives the tenant; strangers and readers are refused before their message is read', async () => {
    const address = await open({ authenticate })
    expect(await call(GOOD, TRACES, { authorization: 'Bearer good' })).toEqual(Buffer.alloc(0))
    expect(ledger.tenants).toEqual(['acme'])
    // The message is announced and never sent: an answer can only come from the headers.
    const announced = [frame(Buffer.alloc(0), 0, 1000)]
    expect(await raw(address, announced, {}, false)).toBe('16')
    expect(await raw(address, announced, { authorization: 'Bearer reader' }, false)).toBe('7')
  })
})

describe('limits', () => {
  it('on the message, as sent or inflated, are RESOURCE_EXHAUSTED without a RetryInfo', async () => {
    const address = await open({ limits: { bodyBytes: 100_000 } })
    const error = (await call(Buffer.alloc(100_001))) as ServiceError
    expect(error.code).toBe(8)
    expect(error.metadata.get('grpc-status-details-bin')).toEqual([])
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    expect(await raw(address, [frame(bomb, 1)], { 'grpc-encoding': 'gzip' })).toBe('8')
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
  })

  it('on what is in flight refuse calls, and make room when others end', async () => {
    const inFlight = new InFlight(GOOD.length)
    const gate = ledger.gate()
    await open({ inFlight, intake: ledger.intakeThat(() => gate.opened) })
    const first = call(GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const refused = (await call(GOOD)) as ServiceError
    expect(refused.code).toBe(14)
    expect(refused.metadata.get('grpc-status-details-bin').length).toBe(1)
    gate.open()
    expect(await first).toEqual(Buffer.alloc(0))
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    await expect.poll(() => inFlight.bytes).toBe(0)
  })

  it('on calls whose message has not come refuse more of them, and end those that dawdle', async () => {
    const address = await open({ limits: { openCalls: 2, requestMs: 300 } })
    const announced = [frame(Buffer.alloc(0), 0, 1000)]
    const dawdling = [raw(address, announced, {}, false), raw(address, announced, {}, false)]
    await expect.poll(() => ledger.authenticated).toBe(2)
    expect(await call(GOOD)).toMatchObject({ code: 14 })
    expect(await Promise.all(dawdling)).toEqual(['4', '4'])
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
  })

  it('on a client that cancels give back what it held', async () => {
    const inFlight = new InFlight(1000)
    const gate = ledger.gate()
    const address = await open({ inFlight, intake: ledger.intakeThat(() => gate.opened) })
    const session = connectHttp2(address)
    const stream = session.request({
      ':method': 'POST',
      ':path': TRACES,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.on('error', () => {})
    stream.end(frame(GOOD))
    await expect.poll(() => gate.waiting).toBe(1)
    stream.close(constants.NGHTTP2_CANCEL)
    session.destroy()
    // It is being processed, so it is still held, whoever waits for the answer.
    expect(inFlight.bytes).toBeGreaterThanOrEqual(GOOD.length)
    gate.open()
    await expect.poll(() => inFlight.bytes).toBe(0)
    expect(ledger.outcomes).toEqual({ accepted: 1 })
  })
})

describe('malformed or hostile', () => {
  const cases: [string, Buffer[], Record<string, string>, RegExp][] = [
    ['a length prefix of 4 GiB', [frame(GOOD, 0, 0xffffffff)], {}, /^8$/],
    ['a compressed flag without an encoding', [frame(GOOD, 1)], {}, /^0$/],
    ['an encoding that is unknown', [frame(GOOD, 1)], { 'grpc-encoding': 'x' }, /^12$/],
    ['gzip that is none', [frame(GOOD, 1)], { 'grpc-encoding': 'gzip' }, /^13$/],
    ['gzip in gzip', [frame(gzipSync(gzipSync(GOOD)), 1)], { 'grpc-encoding': 'gzip' }, /^3$/],
    ['no message', [], {}, /^(12|13)$/],
    ['two messages', [frame(GOOD), frame(GOOD)], {}, /^(12|13|0)$/],
    ['half a message', [frame(GOOD, 0, GOOD.length + 1)], {}, /^(12|13)$/],
    ['a timeout of ages', [frame(GOOD)], { 'grpc-timeout': '99999999H' }, /^(0|4)$/],
    ['a timeout that is none', [frame(GOOD)], { 'grpc-timeout': 'x' }, /^13$/],
    ['another content type', [frame(GOOD)], { 'content-type': 'application/json' }, /^http 415$/],
    ['another method', [], { ':method': 'GET' }, /^(12|13)$/],
    ['another path', [frame(GOOD)], { ':path': '/' }, /^12$/],
    ['a header __proto__', [frame(GOOD)], { __proto__x: 'x', 'x-bin': '!!' }, /^0$/],
  ]
  it.each(cases)('%s is answered, and the next call is served', async (_name, frames, headers, status) => {
    const address = await open()
    expect(await raw(address, frames, headers)).toMatch(status)
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
  })

  it('HTTP/1, nonsense and resets on the port leave the door open', async () => {
    const address = await open()
    for (const text of ['POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n', '\x16\x03\x01\x02\x00', '\0'.repeat(100)]) {
      await new Promise((resolve) => {
        const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.end(text))
        socket.on('close', resolve).on('error', () => {})
        socket.resume()
      })
    }
    for (const code of [constants.NGHTTP2_PROTOCOL_ERROR, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_CANCEL]) {
      const session = connectHttp2(address)
      session.on('error', () => {})
      const streams = Array.from({ length: 50 }, () => {
        const stream = session.request({ ':method': 'POST', ':path': TRACES, 'content-type': 'application/grpc' })
        stream.on('error', () => {})
        stream.write(frame(GOOD, 0, 1000))
        return stream
      })
      await new Promise((resolve) => {
        session.ping(resolve)
      })
      for (const stream of streams) {
        stream.close(code)
      }
      await new Promise((resolve) => {
        session.ping(resolve)
      })
      session.destroy()
    }
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
  })
})

describe('closing', () => {
  it('answers what was let in', async () => {
    const gate = ledger.gate()
    await open({ intake: ledger.intakeThat(() => gate.opened) })
    const first = call(GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const closed = door?.close()
    gate.open()
    expect(await first).toEqual(Buffer.alloc(0))
    await closed
    door = undefined
  })

  it('hangs up on who never finishes', async () => {
    const address = await open({ limits: { closeMs: 50 } })
    const unfinished = raw(address, [frame(GOOD, 0, 1000)], {}, false)
    await expect.poll(() => ledger.authenticated).toBe(1)
    await door?.close()
    door = undefined
    expect(await unfinished).toMatch(/error|hung up/)
  })
})

describe('real clients', () => {
  it.each(['none', 'gzip'])('the OpenTelemetry exporter over gRPC, compression %s', async (compression) => {
    const address = await open()
    const exporter = new OTLPTraceExporter({ url: address, compression: compression as never })
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    provider
      .getTracer('test')
      .startSpan('execute_tool search', { attributes: { 'gen_ai.tool.name': 'search' } })
      .end()
    await provider.shutdown()
    expect(ledger.records[0] as Span).toMatchObject({
      name: 'execute_tool search',
      attributes: new Map([['gen_ai.tool.name', 'search']]),
    })
  })

  it.skipIf(!existsSync(CAPTURE))('a captured request (skipped: no evaluation data)', async () => {
    await open()
    expect(await call(readFileSync(CAPTURE))).toEqual(Buffer.alloc(0))
    expect(ledger.records.length).toBeGreaterThan(10)
  })
})
