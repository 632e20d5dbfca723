import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SpanStatusCode } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { startOtlpHttp } from './http.ts'
import { exchange, GOOD, GOOD_JSON, head, JSON_HEAD, post } from './http-client.contract.ts'
import { InFlight } from './in-flight.ts'
import { useDoor } from './ledger.contract.ts'
import { encodeWithLibrary } from './oracle.ts'
import type { Span } from './records.ts'

const CAPTURES = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')
const HALF_BAD_JSON = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"good"},{"traceId":"x"},{"traceId":"y"}]}]}]}'
const house = useDoor(startOtlpHttp)
const withoutDate = (answer: string) => answer.replace(/Date: [^\r]*\r\n/, '')

describe('the answer, byte for byte', () => {
  it('to a good JSON request', async () => {
    const answer = await exchange(await house.open(), [JSON_HEAD(GOOD_JSON.length), GOOD_JSON])
    expect(withoutDate(answer)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}',
    )
  })

  it('to a good protobuf request: no bytes', async () => {
    const request = head([
      'content-type: application/x-protobuf',
      `content-length: ${GOOD.length}`,
      'connection: close',
    ])
    expect(withoutDate(await exchange(await house.open(), [request, GOOD]))).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nConnection: close\r\n\r\n',
    )
  })

  it('to a request of which some records are bad, in JSON: counts are strings', async () => {
    const { status, bytes } = await post(await house.open(), HALF_BAD_JSON, { 'content-type': 'application/json' })
    expect(status).toBe(200)
    expect(bytes.toString()).toBe(
      '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"2 rejected: invalid-trace-id"}}',
    )
    expect(house.ledger.outcomes).toEqual({ accepted: 1, 'rejected:invalid-trace-id': 2 })
  })

  it('to a request of which some records are bad, in protobuf', async () => {
    const span = { traceId: Uint8Array.of(1) }
    const body = encodeWithLibrary('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [span] }] }] })
    const { bytes } = await post(await house.open(), Buffer.from(body), {}, '/v1/logs')
    const message = '1 rejected: invalid-trace-id'
    expect(bytes).toEqual(
      Buffer.from([0x0a, 4 + message.length, 0x08, 1, 0x12, message.length, ...Buffer.from(message)]),
    )
  })

  it('to a request that was repaired: a warning, nothing rejected', async () => {
    const body = Buffer.from(GOOD_JSON.replace('good', '\\ud800'))
    const { bytes } = await post(await house.open(), body, { 'content-type': 'application/json' })
    expect(bytes.toString()).toBe(
      '{"partialSuccess":{"errorMessage":"1 texts were not valid UTF-8 and were repaired"}}',
    )
  })

  it('to garbage, in JSON and in protobuf: google.rpc.Status', async () => {
    const address = await house.open()
    const json = await post(address, 'oops', { 'content-type': 'application/json' })
    expect(json).toMatchObject({ status: 400, type: 'application/json' })
    expect(json.bytes.toString()).toBe('{"code":3,"message":"not OTLP traces as json: not valid JSON"}')
    const protobuf = await post(address, Buffer.from([0x0a]))
    const message = 'not OTLP traces as protobuf: varint cut off at byte 1'
    expect(protobuf).toMatchObject({ status: 400, type: 'application/x-protobuf' })
    expect(protobuf.bytes).toEqual(Buffer.from([0x08, 3, 0x12, message.length, ...Buffer.from(message)]))
    expect(house.ledger.outcomes).toEqual({ 'rejected:undecodable-request': 2 })
  })

  it('to an empty request: success', async () => {
    const address = await house.open()
    expect(await post(address, '')).toMatchObject({ status: 200, bytes: Buffer.alloc(0) })
    expect(await post(address, '{}', { 'content-type': 'application/json' })).toMatchObject({ status: 200 })
  })

  it('to metrics: success, and they are discarded', async () => {
    expect(await post(await house.open(), 'whatever', {}, '/v1/metrics')).toMatchObject({
      status: 200,
      bytes: Buffer.alloc(0),
    })
    expect(house.ledger.outcomes).toEqual({ 'ignored:metrics': 1 })
  })

  it('to a sender that should come back: 503 with Retry-After in seconds', async () => {
    const address = await house.open({
      intake: house.ledger.intakeThat(() => new Unavailable('the bus is full', { retryAfterMs: 2100 })),
    })
    const answer = await post(address, GOOD_JSON, { 'content-type': 'application/json' })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('3')
    expect(answer.bytes.toString()).toBe('{"code":14,"message":"the bus is full"}')
    expect(house.ledger.outcomes).toEqual({ 'refused:unavailable': 1 })
  })

  it('to a request that met a bug: 500, and the bug is reported', async () => {
    const bugs: unknown[] = []
    const bug = new TypeError('oops')
    const address = await house.open({ intake: house.ledger.intakeThat(() => bug), bug: (error) => bugs.push(error) })
    expect(await post(address, GOOD)).toMatchObject({ status: 500 })
    expect(bugs).toEqual([bug])
    expect(house.ledger.outcomes).toEqual({ 'rejected:internal-error': 1 })
  })
})

describe('authentication', () => {
  const authenticate = (header: string | undefined) =>
    header === 'Bearer good' ? { tenantId: 'acme' } : header === 'Bearer reader' ? 'forbidden' : 'unauthenticated'

  it('gives the tenant, and nothing in the payload does', async () => {
    const address = await house.open({ authenticate })
    expect(await post(address, GOOD, { authorization: 'Bearer good' })).toMatchObject({ status: 200 })
    expect(house.ledger.tenants).toEqual(['acme'])
  })

  it('refuses strangers and readers before their body is read', async () => {
    const address = await house.open({ authenticate })
    const ask = (...more: string[]) => exchange(address, [JSON_HEAD(1000, ...more)], { until: /\}$/ })
    expect(await ask()).toMatch(/^HTTP\/1.1 401 .*www-authenticate: Bearer\r\n.*"code":16/s)
    expect(await ask('authorization: Bearer reader')).toMatch(/^HTTP\/1.1 403 .*"code":7/s)
    expect(await ask('authorization: Bearer good', 'authorization: Bearer bad')).toMatch(/^HTTP\/1.1 400 /)
    expect(house.ledger.received).toEqual({ traces: 3 })
    expect(house.ledger.outcomes).toEqual({
      'rejected:unauthenticated': 1,
      'rejected:forbidden': 1,
      'rejected:undecodable-request': 1,
    })
  })
})

describe('content types', () => {
  it.each([
    ['application/json', 200],
    ['APPLICATION/JSON', 200],
    ['application/json; charset=utf-8', 200],
    ['application/json ;x', 200],
    ['application/x-protobuf; charset=x', 400],
    [' application/json', 200],
    ['application/json\ta', 415],
    ['application/json garbage', 415],
    ['application/jsonx', 415],
    ['text/plain', 415],
    ['application/grpc', 415],
    ['', 415],
  ])('"%s" gets %i', async (type, status) => {
    const length = Buffer.byteLength(GOOD_JSON)
    const request = head([`content-type: ${type}`, `content-length: ${length}`, 'connection: close'])
    expect(await exchange(await house.open(), [request, GOOD_JSON])).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  it('given twice get 400, given never 415', async () => {
    const address = await house.open()
    const twice = JSON_HEAD(2, 'content-type: application/x-protobuf')
    expect(await exchange(address, [twice, '{}'])).toMatch(/^HTTP\/1.1 400 /)
    expect(await exchange(address, [head(['content-length: 2', 'connection: close']), '{}'])).toMatch(/^HTTP\/1.1 415 /)
  })
})

describe('more than can be processed', () => {
  it('is refused before it is read, and room is made by what ends', async () => {
    const inFlight = new InFlight(1000)
    const gate = house.ledger.gate()
    const address = await house.open({ inFlight, intake: house.ledger.intakeThat(() => gate.opened) })
    const padded = `${GOOD_JSON}${' '.repeat(800)}`
    const first = post(address, padded, { 'content-type': 'application/json' })
    await expect.poll(() => inFlight.bytes).toBe(padded.length)
    const refused = await exchange(address, [JSON_HEAD(500)], { until: /\}$/ })
    expect(refused).toMatch(/^HTTP\/1.1 503 .*retry-after: 1\r\n/s)
    const chunked = head(['content-type: application/json', 'transfer-encoding: chunked'])
    expect(await exchange(address, [chunked, `200\r\n${' '.repeat(512)}\r\n`], { until: /\}$/ })).toMatch(
      /^HTTP\/1.1 503 /,
    )
    gate.open()
    expect(await first).toMatchObject({ status: 200 })
    expect(await post(address, padded, { 'content-type': 'application/json' })).toMatchObject({ status: 200 })
    expect(inFlight.bytes).toBe(0)
  })
})

describe('a body that grows when it is decoded', () => {
  const spans = Buffer.concat(new Array(10_000).fill(Buffer.from([0x12, 0])))
  const inner = Buffer.concat([Buffer.from([0x12, 0xa0, 0x9c, 0x01]), spans])
  const body = Buffer.concat([Buffer.from([0x0a, 0xa4, 0x9c, 0x01]), inner])

  it('pays for what it becomes: beside others it is refused, alone it is taken', async () => {
    const inFlight = new InFlight(1_000_000)
    const gate = house.ledger.gate()
    const address = await house.open({ inFlight, intake: house.ledger.intakeThat(() => gate.opened) })
    const first = post(address, body)
    await expect.poll(() => gate.waiting).toBe(1)
    expect(inFlight.bytes).toBeGreaterThan(100 * body.length)
    expect(await post(address, GOOD)).toMatchObject({ status: 503 })
    gate.open()
    expect(await first).toMatchObject({ status: 200 })
    expect(house.ledger.outcomes).toEqual({ accepted: 10_000, 'refused:unavailable': 1 })
    const other = inFlight.claim()
    other.add(1)
    expect(await post(address, body)).toMatchObject({ status: 503 })
    other.release()
    expect(house.ledger.outcomes).toEqual({ accepted: 10_000, 'refused:unavailable': 10_001 })
    expect(inFlight.bytes).toBe(0)
  })
})

describe('closing', () => {
  it('answers what was let in, and nothing after', async () => {
    const gate = house.ledger.gate()
    const address = await house.open({ intake: house.ledger.intakeThat(() => gate.opened) })
    const first = post(address, GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const closed = house.close()
    await expect(post(address, GOOD)).rejects.toThrow()
    gate.open()
    const answer = await first
    expect(answer.status).toBe(200)
    expect(answer.headers.get('connection')).toBe('close')
    await closed
  })

  it('hangs up on who never finishes', async () => {
    const address = await house.open({ limits: { closeMs: 50 } })
    const unfinished = exchange(address, [head(['content-type: application/json', 'content-length: 5']), '{'])
    await expect.poll(() => house.ledger.authenticated).toBe(1)
    await house.close()
    expect(await unfinished).toBe('')
  })
})

describe('real clients', () => {
  it.each(['none', 'gzip'])('the OpenTelemetry exporter over HTTP, compression %s', async (compression) => {
    const address = await house.open()
    const exporter = new OTLPTraceExporter({ url: `${address}/v1/traces`, compression: compression as never })
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const span = provider
      .getTracer('test')
      .startSpan('execute_tool search', { attributes: { 'gen_ai.tool.name': 'search' } })
    span.addEvent('thought', { n: 1 })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end()
    await provider.shutdown()
    expect(house.ledger.records[0] as Span).toMatchObject({
      name: 'execute_tool search',
      attributes: new Map([['gen_ai.tool.name', 'search']]),
      events: [{ name: 'thought', attributes: new Map([['n', 1]]) }],
      statusCode: 2,
      statusMessage: 'no',
    })
  })

  const files = existsSync(CAPTURES) ? readdirSync(CAPTURES).filter((file) => !file.endsWith('.meta.json')) : []
  it.skipIf(files.length === 0).each(files)(
    '%s as it was sent, and gzipped (skipped: no evaluation data)',
    async (file) => {
      const address = await house.open()
      const path = `/v1/${/(traces|logs|metrics)/.exec(file)?.[0]}`
      const headers = { 'content-type': file.endsWith('.pb') ? 'application/x-protobuf' : 'application/json' }
      const body = readFileSync(join(CAPTURES, file))
      const plain = await post(address, body, headers, path)
      const zipped = await post(address, gzipSync(body), { ...headers, 'content-encoding': 'gzip' }, path)
      expect(plain).toMatchObject({ status: 200, bytes: file.endsWith('.pb') ? Buffer.alloc(0) : Buffer.from('{}') })
      expect(zipped).toMatchObject({ status: 200, bytes: plain.bytes })
    },
  )
})
