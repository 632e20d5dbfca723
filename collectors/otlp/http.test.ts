import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SpanStatusCode } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import type { Collector } from '../collector.ts'
import { startOtlpHttp } from './http.ts'
import { InFlight } from './in-flight.ts'
import { Ledger } from './ledger.contract.ts'
import { encodeWithLibrary } from './oracle.ts'
import type { DoorOptions } from './receive.ts'
import type { Span } from './records.ts'

const CAPTURES = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')
const GOOD = Buffer.from(
  encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'good' }] }] }] }),
)
const GOOD_JSON = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"good"}]}]}]}'
const HALF_BAD_JSON = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"good"},{"traceId":"x"},{"traceId":"y"}]}]}]}'

let door: Collector | undefined
let ledger = new Ledger()

beforeEach(() => {
  ledger = new Ledger()
})

afterEach(async () => {
  await door?.close()
  door = undefined
  ledger.expectBalance()
})

async function open(options: Partial<DoorOptions> = {}): Promise<string> {
  door = await startOtlpHttp({ ...ledger.doorOptions, ...options })
  return door.address
}

async function post(address: string, body: string | Buffer, headers: Record<string, string> = {}, path = '/v1/traces') {
  const response = await fetch(`${address}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, type: response.headers.get('content-type'), headers: response.headers, bytes }
}

/** Sends bytes as they are and gives everything that comes back until the other side hangs up, or says enough. */
function exchange(address: string, parts: (string | Buffer)[], options: { until?: RegExp } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address)
    const socket: Socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (options.until?.test(answer)) {
        socket.destroy()
      }
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? undefined : reject(error)))
    for (const part of parts) {
      socket.write(part)
    }
  })
}

const head = (lines: string[], path = '/v1/traces') =>
  `${[`POST ${path} HTTP/1.1`, 'host: x', ...lines].join('\r\n')}\r\n\r\n`
const JSON_HEAD = (length: number, ...more: string[]) =>
  head(['content-type: application/json', `content-length: ${length}`, 'connection: close', ...more])
const withoutDate = (answer: string) => answer.replace(/Date: [^\r]*\r\n/, '')

describe('the answer, byte for byte', () => {
  it('to a good JSON request', async () => {
    const answer = await exchange(await open(), [JSON_HEAD(GOOD_JSON.length), GOOD_JSON])
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
    expect(withoutDate(await exchange(await open(), [request, GOOD]))).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nConnection: close\r\n\r\n',
    )
  })

  it('to a request of which some records are bad, in JSON: counts are strings', async () => {
    const { status, bytes } = await post(await open(), HALF_BAD_JSON, { 'content-type': 'application/json' })
    expect(status).toBe(200)
    expect(bytes.toString()).toBe(
      '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"2 rejected: invalid-trace-id"}}',
    )
    expect(ledger.outcomes).toEqual({ accepted: 1, 'rejected:invalid-trace-id': 2 })
  })

  it('to a request of which some records are bad, in protobuf', async () => {
    const span = { traceId: Uint8Array.of(1) }
    const body = encodeWithLibrary('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [span] }] }] })
    const { bytes } = await post(await open(), Buffer.from(body), {}, '/v1/logs')
    const message = '1 rejected: invalid-trace-id'
    expect(bytes).toEqual(
      Buffer.from([0x0a, 4 + message.length, 0x08, 1, 0x12, message.length, ...Buffer.from(message)]),
    )
  })

  it('to a request that was repaired: a warning, nothing rejected', async () => {
    const body = Buffer.from(GOOD_JSON.replace('good', '\\ud800'))
    const { bytes } = await post(await open(), body, { 'content-type': 'application/json' })
    expect(bytes.toString()).toBe(
      '{"partialSuccess":{"errorMessage":"1 texts were not valid UTF-8 and were repaired"}}',
    )
  })

  it('to garbage, in JSON and in protobuf: google.rpc.Status', async () => {
    const address = await open()
    const json = await post(address, 'oops', { 'content-type': 'application/json' })
    expect(json).toMatchObject({ status: 400, type: 'application/json' })
    expect(json.bytes.toString()).toBe('{"code":3,"message":"not OTLP traces as json: not valid JSON"}')
    const protobuf = await post(address, Buffer.from([0x0a]))
    const message = 'not OTLP traces as protobuf: varint cut off at byte 1'
    expect(protobuf).toMatchObject({ status: 400, type: 'application/x-protobuf' })
    expect(protobuf.bytes).toEqual(Buffer.from([0x08, 3, 0x12, message.length, ...Buffer.from(message)]))
    expect(ledger.outcomes).toEqual({ 'rejected:undecodable-request': 2 })
  })

  it('to an empty request: success', async () => {
    const address = await open()
    expect(await post(address, '')).toMatchObject({ status: 200, bytes: Buffer.alloc(0) })
    expect(await post(address, '{}', { 'content-type': 'application/json' })).toMatchObject({ status: 200 })
  })

  it('to metrics: success, and they are discarded', async () => {
    expect(await post(await open(), 'whatever', {}, '/v1/metrics')).toMatchObject({
      status: 200,
      bytes: Buffer.alloc(0),
    })
    expect(ledger.outcomes).toEqual({ 'ignored:metrics': 1 })
  })

  it('to a sender that should come back: 503 with Retry-After in seconds', async () => {
    const address = await open({
      intake: ledger.intakeThat(() => new Unavailable('the bus is full', { retryAfterMs: 2100 })),
    })
    const answer = await post(address, GOOD_JSON, { 'content-type': 'application/json' })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('3')
    expect(answer.bytes.toString()).toBe('{"code":14,"message":"the bus is full"}')
    expect(ledger.outcomes).toEqual({ 'refused:unavailable': 1 })
  })

  it('to a request that met a bug: 500, and the bug is reported', async () => {
    const bugs: unknown[] = []
    const bug = new TypeError('oops')
    const address = await open({ intake: ledger.intakeThat(() => bug), bug: (error) => bugs.push(error) })
    expect(await post(address, GOOD)).toMatchObject({ status: 500 })
    expect(bugs).toEqual([bug])
    expect(ledger.outcomes).toEqual({ 'rejected:internal-error': 1 })
  })
})

describe('authentication', () => {
  const authenticate = (header: string | undefined) =>
    header === 'Bearer good' ? { tenantId: 'acme' } : header === 'Bearer reader' ? 'forbidden' : 'unauthenticated'

  it('gives the tenant, and nothing in the payload does', async () => {
    const address = await open({ authenticate })
    expect(await post(address, GOOD, { authorization: 'Bearer good' })).toMatchObject({ status: 200 })
    expect(ledger.tenants).toEqual(['acme'])
  })

  it('refuses strangers and readers before their body is read', async () => {
    const address = await open({ authenticate })
    const ask = (...more: string[]) => exchange(address, [JSON_HEAD(1000, ...more)], { until: /\}$/ })
    expect(await ask()).toMatch(/^HTTP\/1.1 401 .*www-authenticate: Bearer\r\n.*"code":16/s)
    expect(await ask('authorization: Bearer reader')).toMatch(/^HTTP\/1.1 403 .*"code":7/s)
    expect(await ask('authorization: Bearer good', 'authorization: Bearer bad')).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('content types', () => {
  it.each([
    ['application/json', 200],
    ['APPLICATION/JSON', 200],
    ['application/json; charset=utf-8', 200],
    ['application/json ;x', 200],
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
    expect(await exchange(await open(), [request, GOOD_JSON])).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  it('given twice get 400, given never 415', async () => {
    const address = await open()
    const twice = JSON_HEAD(2, 'content-type: application/x-protobuf')
    expect(await exchange(address, [twice, '{}'])).toMatch(/^HTTP\/1.1 400 /)
    expect(await exchange(address, [head(['content-length: 2', 'connection: close']), '{}'])).toMatch(/^HTTP\/1.1 415 /)
  })
})

describe('compression', () => {
  const zipped = gzipSync(GOOD)
  const damaged = Buffer.from(zipped)
  damaged[damaged.length - 5] = (damaged.at(-5) as number) ^ 1
  it.each<[string, string, Buffer, number]>([
    ['gzip', 'gzip', zipped, 200],
    ['in capitals', 'GZIP', zipped, 200],
    ['identity', 'identity', GOOD, 200],
    ['several members', 'gzip', Buffer.concat([zipped, gzipSync(GOOD)]), 200],
    ['trailing bytes', 'gzip', Buffer.concat([zipped, Buffer.from('trailing')]), 400],
    ['truncated', 'gzip', zipped.subarray(0, -9), 400],
    ['of the wrong checksum', 'gzip', damaged, 400],
    ['not gzip at all', 'gzip', GOOD, 400],
    ['twice, hidden', 'gzip', gzipSync(zipped), 400],
    ['twice, declared', 'gzip, gzip', gzipSync(zipped), 415],
    ['brotli', 'br', GOOD, 415],
    ['zstd', 'zstd', GOOD, 415],
    ['unknown', 'x', GOOD, 415],
  ])('%s', async (_name, coding, body, status) => {
    expect(await post(await open(), body, { 'content-encoding': coding })).toMatchObject({ status })
  })

  it('of a gibibyte into a megabyte gets 413, however often, with bounded memory', async () => {
    const gibibyte = bomb(1024)
    const inGzip = gzipSync(bomb(100))
    const address = await open()
    const before = process.memoryUsage().rss
    for (let round = 0; round < 7; round++) {
      const answers = await Promise.all(
        Array.from({ length: 3 }, () => post(address, gibibyte, { 'content-encoding': 'gzip' })),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]))
    }
    expect(await post(address, inGzip, { 'content-encoding': 'gzip' })).toMatchObject({ status: 400 })
    // Twenty gibibytes were on offer; three requests of 16 MiB may be held at once, and garbage lingers a while.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
  })

  /** That many mebibytes of zeros, compressed piece by piece: gzip members may simply follow each other. */
  function bomb(mebibytes: number): Buffer {
    return Buffer.concat(new Array(mebibytes).fill(gzipSync(Buffer.alloc(1024 * 1024), { level: 9 })))
  }
})

describe('transport that is malformed or hostile', () => {
  const json = 'content-type: application/json'
  const chunked = 'transfer-encoding: chunked'
  const cases: [string, (string | Buffer)[], RegExp][] = [
    ['a GET', ['GET /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'], /^HTTP\/1.1 405 .*allow: POST\r\n/s],
    ['a TRACE', ['TRACE /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'], /^HTTP\/1.1 405 /],
    ['another path', [head(['content-length: 0', 'connection: close'], '/v1development/profiles')], /^HTTP\/1.1 404 /],
    ['doubled slashes', [head(['content-length: 0', 'connection: close'], '//v1//traces')], /^HTTP\/1.1 404 /],
    ['dots in the path', [head(['content-length: 0', 'connection: close'], '/v1/traces/../admin')], /^HTTP\/1.1 404 /],
    ['encoded dots', [head(['content-length: 0', 'connection: close'], '/v1/%2e%2e/v1/traces')], /^HTTP\/1.1 404 /],
    ['NUL in the path', [head(['content-length: 0'], '/v1/tra\0ces')], /^HTTP\/1.1 400 /],
    ['a path of 64 kB', [head([], `/${'x'.repeat(65_536)}`)], /^HTTP\/1.1 431 /],
    ['a query', [head([json, 'content-length: 2', 'connection: close'], '/v1/traces?x=1'), '{}'], /^HTTP\/1.1 200 /],
    ['no host', ['POST /v1/traces HTTP/1.1\r\n\r\n'], /^HTTP\/1.1 400 /],
    ['plain nonsense', ['\x16\x03\x01\x02\x00\x01\x00\x01'], /^HTTP\/1.1 400 /],
    ['a negative length', [head([json, 'content-length: -1'])], /^HTTP\/1.1 400 /],
    ['two lengths', [head([json, 'content-length: 2', 'content-length: 3']), '{}'], /^HTTP\/1.1 400 /],
    ['length and chunked', [head([json, 'content-length: 2', chunked]), '0\r\n\r\n'], /^HTTP\/1.1 400 /],
    ['no length and no body', [head([json, 'connection: close'])], /^HTTP\/1.1 400 .*not valid JSON/s],
    [
      'a chunk extension of 1 MB',
      [head([json, chunked]), `2;${'x'.repeat(1_000_000)}\r\n{}\r\n0\r\n\r\n`],
      /^HTTP\/1.1 413 /,
    ],
    ['a chunk size that is none', [head([json, chunked]), 'zz\r\n'], /^HTTP\/1.1 400 /],
    ['10,000 headers', [head(Array.from({ length: 10_000 }, (_, n) => `h${n}: x`))], /^HTTP\/1.1 431 /],
    ['a header of 20 kB', [head([`x: ${'y'.repeat(20_000)}`])], /^HTTP\/1.1 431 /],
    ['a header __proto__', [JSON_HEAD(2, '__proto__: x', 'constructor: y'), '{}'], /^HTTP\/1.1 200 /],
    [
      'a chunked body',
      [head([json, chunked, 'connection: close']), '1\r\n{\r\n', '1\r\n}\r\n0\r\n\r\n'],
      /^HTTP\/1.1 200 /,
    ],
    ['too long, announced', [head([json, `content-length: ${17 * 1024 * 1024}`])], /^HTTP\/1.1 413 /],
    [
      'too long, chunked',
      [
        head([json, chunked]),
        ...new Array(17).fill(Buffer.from(`100000\r\n${' '.repeat(1024 * 1024)}\r\n`)),
        '0\r\n\r\n',
      ],
      /^HTTP\/1.1 413 .*"code":8/s,
    ],
    ['a client that asks first', [JSON_HEAD(2, 'expect: 100-continue'), '{}'], /^HTTP\/1.1 100 .*HTTP\/1.1 200 /s],
    [
      'a client that asks first for too much',
      [head([json, 'content-length: 99999999', 'expect: 100-continue'])],
      /^HTTP\/1.1 413 /,
    ],
  ]

  it.each(cases)('%s gets its answer, and the next request is served', async (_name, parts, expected) => {
    const address = await open()
    expect(await exchange(address, parts, { until: /^HTTP\/1.1 4.*\r\n\r\n/s })).toMatch(expected)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
  })

  it('a client that is too slow is answered 408, with headers or body', async () => {
    const address = await open({ limits: { headersMs: 50, requestMs: 100 } })
    expect(await exchange(address, ['POST /v1/traces HT'])).toMatch(/^HTTP\/1.1 408 /)
    expect(await exchange(address, [head([json, 'content-length: 5']), '{'])).toMatch(/^HTTP\/1.1 408 /)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
  })

  it('a client that goes away in the middle costs nothing', async () => {
    const inFlight = new InFlight(1000)
    const address = await open({ inFlight })
    const socket = connect(Number(new URL(address).port), '127.0.0.1')
    socket.write(head([json, 'content-length: 500']) + ' '.repeat(400))
    await expect.poll(() => inFlight.bytes).toBe(400)
    socket.destroy()
    await expect.poll(() => inFlight.bytes).toBe(0)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
  })
})

describe('more than can be processed', () => {
  it('is refused before it is read, and room is made by what ends', async () => {
    const inFlight = new InFlight(1000)
    const gate = ledger.gate()
    const address = await open({ inFlight, intake: ledger.intakeThat(() => gate.opened) })
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
    const gate = ledger.gate()
    const address = await open({ inFlight, intake: ledger.intakeThat(() => gate.opened) })
    const first = post(address, body)
    await expect.poll(() => gate.waiting).toBe(1)
    expect(inFlight.bytes).toBeGreaterThan(100 * body.length)
    expect(await post(address, GOOD)).toMatchObject({ status: 503 })
    gate.open()
    expect(await first).toMatchObject({ status: 200 })
    expect(ledger.outcomes).toEqual({ accepted: 10_000 })
    const other = inFlight.claim()
    other.add(1)
    expect(await post(address, body)).toMatchObject({ status: 503 })
    other.release()
    expect(ledger.outcomes).toEqual({ accepted: 10_000, 'refused:unavailable': 10_000 })
    expect(inFlight.bytes).toBe(0)
  })
})

describe('closing', () => {
  it('answers what was let in, and nothing after', async () => {
    const gate = ledger.gate()
    const address = await open({ intake: ledger.intakeThat(() => gate.opened) })
    const first = post(address, GOOD)
    await expect.poll(() => gate.waiting).toBe(1)
    const closed = door?.close()
    await expect(post(address, GOOD)).rejects.toThrow()
    gate.open()
    const answer = await first
    expect(answer.status).toBe(200)
    expect(answer.headers.get('connection')).toBe('close')
    await closed
    door = undefined
  })

  it('hangs up on who never finishes', async () => {
    const address = await open({ limits: { closeMs: 50 } })
    const unfinished = exchange(address, [head(['content-type: application/json', 'content-length: 5']), '{'])
    await expect.poll(() => ledger.authenticated).toBe(1)
    await door?.close()
    door = undefined
    expect(await unfinished).toBe('')
  })
})

describe('real clients', () => {
  it.each(['none', 'gzip'])('the OpenTelemetry exporter over HTTP, compression %s', async (compression) => {
    const address = await open()
    const exporter = new OTLPTraceExporter({ url: `${address}/v1/traces`, compression: compression as never })
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const span = provider
      .getTracer('test')
      .startSpan('execute_tool search', { attributes: { 'gen_ai.tool.name': 'search' } })
    span.addEvent('thought', { n: 1 })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end()
    await provider.shutdown()
    expect(ledger.records[0] as Span).toMatchObject({
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
      const address = await open()
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
