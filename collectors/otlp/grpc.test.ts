import { existsSync, readFileSync } from 'node:fs'
import { connect as connectHttp2, constants } from 'node:http2'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ServiceError } from '@grpc/grpc-js'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { startOtlpGrpc } from './grpc.ts'
import { callGrpc, frame, GOOD, raw, TRACES } from './grpc-client.contract.ts'
import { InFlight } from './in-flight.ts'
import { useDoor } from './ledger.contract.ts'
import { encodeWithLibrary } from './oracle.ts'
import type { Span } from './records.ts'

const CAPTURE = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp/langchain-openinference-grpc-traces.pb')
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'

const house = useDoor(startOtlpGrpc)
const call = (body: Buffer, path = TRACES, headers: Record<string, string> = {}) =>
  callGrpc(house.address, body, path, headers)

describe('Export', () => {
  it('takes traces, logs and metrics; metrics are discarded', async () => {
    await house.open()
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    const logs = encodeWithLibrary('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'x' }] }] }] })
    expect(await call(Buffer.from(logs), LOGS)).toEqual(Buffer.alloc(0))
    expect(await call(Buffer.from('whatever'), METRICS)).toEqual(Buffer.alloc(0))
    expect(await call(Buffer.alloc(0))).toEqual(Buffer.alloc(0))
    expect(house.ledger.outcomes).toEqual({ accepted: 2, 'ignored:metrics': 1 })
  })

  it('says how many records were rejected, and why', async () => {
    await house.open()
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
    await house.open()
    expect(await call(Buffer.from('oops'))).toMatchObject({
      code: 3,
      details: expect.stringContaining('not OTLP traces as protobuf'),
    })
    expect(house.ledger.outcomes).toEqual({ 'rejected:undecodable-request': 1 })
  })

  it('that should come back is UNAVAILABLE with a RetryInfo', async () => {
    await house.open({
      intake: house.ledger.intakeThat(() => new Unavailable('the bus is full', { retryAfterMs: 2100 })),
    })
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
    expect(house.ledger.outcomes).toEqual({ 'refused:unavailable': 1 })
  })

  it('that met a bug is INTERNAL, and the bug is reported', async () => {
    const bugs: unknown[] = []
    const bug = new TypeError('oops')
    await house.open({ intake: house.ledger.intakeThat(() => bug), bug: (error) => bugs.push(error) })
    expect(await call(GOOD)).toMatchObject({ code: 13, details: 'internal error' })
    expect(bugs).toEqual([bug])
    expect(house.ledger.outcomes).toEqual({ 'rejected:internal-error': 1 })
  })

  it('of an unknown service is UNIMPLEMENTED', async () => {
    await house.open()
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
    const address = await house.open({ authenticate })
    expect(await call(GOOD, TRACES, { authorization: 'Bearer good' })).toEqual(Buffer.alloc(0))
    expect(house.ledger.tenants).toEqual(['acme'])
    // The message is announced and never sent: an answer can only come from the headers.
    const announced = [frame(Buffer.alloc(0), 0, 1000)]
    expect(await raw(address, announced, {}, false)).toBe('16')
    expect(await raw(address, announced, { authorization: 'Bearer reader' }, false)).toBe('7')
    expect(house.ledger.outcomes).toEqual({ accepted: 1, 'rejected:unauthenticated': 1, 'rejected:forbidden': 1 })
    expect(house.ledger.received).toEqual({ traces: 3 })
  })
})

describe('limits', () => {
  it('on the message, as sent or inflated, are RESOURCE_EXHAUSTED without a RetryInfo', async () => {
    const address = await house.open({ limits: { bodyBytes: 100_000 } })
    const error = (await call(Buffer.alloc(100_001))) as ServiceError
    expect(error.code).toBe(8)
    expect(error.metadata.get('grpc-status-details-bin')).toEqual([])
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    expect(await raw(address, [frame(bomb, 1)], { 'grpc-encoding': 'gzip' })).toBe('8')
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    expect(house.ledger.outcomes).toEqual({ accepted: 1, 'rejected:unreadable-request': 2 })
  })

  it('on what is in flight refuse calls, and make room when others end', async () => {
    const inFlight = new InFlight(GOOD.length)
    const gate = house.ledger.gate()
    await house.open({ inFlight, intake: house.ledger.intakeThat(() => gate.opened) })
    const first = call(GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const refused = (await call(GOOD)) as ServiceError
    expect(refused.code).toBe(14)
    expect(refused.metadata.get('grpc-status-details-bin').length).toBe(1)
    gate.open()
    expect(await first).toEqual(Buffer.alloc(0))
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    await expect.poll(() => inFlight.bytes).toBe(0)
    expect(house.ledger.outcomes).toEqual({ accepted: 2, 'refused:unavailable': 1 })
  })

  it('on calls whose message has not come refuse more of them, and end those that dawdle', async () => {
    const address = await house.open({ limits: { openCalls: 2, requestMs: 300 } })
    const announced = [frame(Buffer.alloc(0), 0, 1000)]
    const dawdling = [raw(address, announced, {}, false), raw(address, announced, {}, false)]
    await expect.poll(() => house.ledger.authenticated).toBe(2)
    expect(await call(GOOD)).toMatchObject({ code: 14 })
    expect(await Promise.all(dawdling)).toEqual(['4', '4'])
    expect(await call(GOOD)).toEqual(Buffer.alloc(0))
    expect(house.ledger.outcomes).toEqual({
      accepted: 1,
      'refused:unavailable': 1,
      'rejected:incomplete-request': 2,
    })
  })

  it('on a client that cancels give back what it held', async () => {
    const inFlight = new InFlight(1000)
    const gate = house.ledger.gate()
    const address = await house.open({ inFlight, intake: house.ledger.intakeThat(() => gate.opened) })
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
    expect(house.ledger.outcomes).toEqual({ accepted: 1 })
  })
})

describe('closing', () => {
  it('answers what was let in', async () => {
    const gate = house.ledger.gate()
    await house.open({ intake: house.ledger.intakeThat(() => gate.opened) })
    const first = call(GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const closed = house.close()
    gate.open()
    expect(await first).toEqual(Buffer.alloc(0))
    await closed
  })

  it('hangs up on who never finishes', async () => {
    const address = await house.open({ limits: { closeMs: 50 } })
    const unfinished = raw(address, [frame(GOOD, 0, 1000)], {}, false)
    await expect.poll(() => house.ledger.authenticated).toBe(1)
    await house.close()
    expect(await unfinished).toMatch(/error|hung up/)
  })
})

describe('real clients', () => {
  it.each(['none', 'gzip'])('the OpenTelemetry exporter over gRPC, compression %s', async (compression) => {
    const address = await house.open()
    const exporter = new OTLPTraceExporter({ url: address, compression: compression as never })
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    provider
      .getTracer('test')
      .startSpan('execute_tool search', { attributes: { 'gen_ai.tool.name': 'search' } })
      .end()
    await provider.shutdown()
    expect(house.ledger.records[0] as Span).toMatchObject({
      name: 'execute_tool search',
      attributes: new Map([['gen_ai.tool.name', 'search']]),
    })
  })

  it.skipIf(!existsSync(CAPTURE))('a captured request (skipped: no evaluation data)', async () => {
    await house.open()
    expect(await call(readFileSync(CAPTURE))).toEqual(Buffer.alloc(0))
    expect(house.ledger.records.length).toBeGreaterThan(10)
  })
})
