/** What no exporter sends. Each ends in its answer or a clean end, is counted once, and the next good request is taken. */
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startOtlpHttp } from './http.ts'
import { drip, exchange, GOOD, GOOD_JSON, head, JSON_HEAD, post } from './http-client.contract.ts'
import { InFlight } from './in-flight.ts'
import { useDoor } from './ledger.contract.ts'

const MEBIBYTE = 1024 * 1024
const house = useDoor(startOtlpHttp)

/** A good request is taken, and what came before it ended in these outcomes. */
async function expectOpen(address: string, outcomes: Readonly<Record<string, number>>): Promise<void> {
  await expect.poll(() => house.ledger.outcomes).toEqual(outcomes)
  expect(await post(address, GOOD)).toMatchObject({ status: 200 })
  expect(house.ledger.outcomes).toEqual({ ...outcomes, accepted: (outcomes.accepted ?? 0) + 1 })
}

describe('compression', () => {
  const zipped = gzipSync(GOOD)
  const damaged = Buffer.from(zipped)
  damaged[damaged.length - 5] = (damaged.at(-5) as number) ^ 1
  const TAKEN = 'accepted'
  const BROKEN = 'rejected:undecodable-request'
  const UNKNOWN = 'rejected:unsupported-encoding'
  it.each<[string, string, Buffer, number, string, number]>([
    ['gzip', 'gzip', zipped, 200, TAKEN, 1],
    ['in capitals', 'GZIP', zipped, 200, TAKEN, 1],
    ['identity', 'identity', GOOD, 200, TAKEN, 1],
    ['several members', 'gzip', Buffer.concat([zipped, gzipSync(GOOD)]), 200, TAKEN, 2],
    ['trailing bytes', 'gzip', Buffer.concat([zipped, Buffer.from('trailing')]), 400, BROKEN, 1],
    ['truncated', 'gzip', zipped.subarray(0, -9), 400, BROKEN, 1],
    ['of the wrong checksum', 'gzip', damaged, 400, BROKEN, 1],
    ['not gzip at all', 'gzip', GOOD, 400, BROKEN, 1],
    ['twice, hidden', 'gzip', gzipSync(zipped), 400, BROKEN, 1],
    ['twice, declared', 'gzip, gzip', gzipSync(zipped), 415, UNKNOWN, 1],
    ['brotli', 'br', GOOD, 415, UNKNOWN, 1],
    ['zstd', 'zstd', GOOD, 415, UNKNOWN, 1],
    ['unknown', 'x', GOOD, 415, UNKNOWN, 1],
  ])('%s', async (_name, coding, body, status, outcome, records) => {
    const address = await house.open()
    expect(await post(address, body, { 'content-encoding': coding })).toMatchObject({ status })
    expect(house.ledger.received).toEqual({ traces: records })
    await expectOpen(address, { [outcome]: records })
  })

  it('of a gibibyte into a megabyte gets 413, however often, with bounded memory', async () => {
    const gibibyte = bomb(1024)
    const inGzip = gzipSync(bomb(100))
    const address = await house.open()
    const before = process.memoryUsage().rss
    for (let round = 0; round < 7; round++) {
      const answers = await Promise.all(
        Array.from({ length: 3 }, () => post(address, gibibyte, { 'content-encoding': 'gzip' })),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]))
    }
    expect(await post(address, inGzip, { 'content-encoding': 'gzip' })).toMatchObject({ status: 400 })
    // Twenty gibibytes were on offer; three requests of 16 MiB may be held at once, and garbage lingers a while.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * MEBIBYTE)
    await expectOpen(address, { 'rejected:too-large': 21, 'rejected:undecodable-request': 1 })
  })

  it('is refused beyond the limit on what is sent, whatever it would become', async () => {
    const address = await house.open({ limits: { compressedBytes: zipped.length - 1 } })
    expect(await post(address, zipped, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413 })
    await expectOpen(address, { 'rejected:too-large': 1 })
  })

  /** That many mebibytes of zeros, compressed piece by piece: gzip members may simply follow each other. */
  function bomb(mebibytes: number): Buffer {
    return Buffer.concat(new Array(mebibytes).fill(gzipSync(Buffer.alloc(MEBIBYTE), { level: 9 })))
  }
})

describe('transport that is malformed or hostile', () => {
  const json = 'content-type: application/json'
  const chunked = 'transfer-encoding: chunked'
  const empty = ['content-length: 0', 'connection: close']
  const MALFORMED = 'rejected:malformed-http'
  const UNKNOWN = 'rejected:unknown-path'
  const METHOD = 'rejected:unknown-method'
  const LARGE = 'rejected:too-large'
  const BROKEN = 'rejected:undecodable-request'
  const length = GOOD_JSON.length
  /** Counted as one record of `traces` where the path says so, else of no signal. */
  const cases: [string, (string | Buffer)[], RegExp, Record<string, number>, ('none' | 'traces')?][] = [
    [
      'a GET',
      ['GET /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1.1 405 .*allow: POST\r\n/s,
      { [METHOD]: 1 },
    ],
    [
      'a TRACE',
      ['TRACE /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1.1 405 /,
      { [METHOD]: 1 },
    ],
    ['a CONNECT', ['CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n'], /^HTTP\/1.1 405 .*"code":12/s, { [METHOD]: 1 }, 'none'],
    ['another path', [head(empty, '/v1development/profiles')], /^HTTP\/1.1 404 /, { [UNKNOWN]: 1 }, 'none'],
    ['doubled slashes', [head(empty, '//v1//traces')], /^HTTP\/1.1 404 /, { [UNKNOWN]: 1 }, 'none'],
    ['dots in the path', [head(empty, '/v1/traces/../admin')], /^HTTP\/1.1 404 /, { [UNKNOWN]: 1 }, 'none'],
    ['encoded dots', [head(empty, '/v1/%2e%2e/v1/traces')], /^HTTP\/1.1 404 /, { [UNKNOWN]: 1 }, 'none'],
    ['NUL in the path', [head(['content-length: 0'], '/v1/tra\0ces')], /^HTTP\/1.1 400 /, { [MALFORMED]: 1 }, 'none'],
    ['a path of 64 kB', [head([], `/${'x'.repeat(65_536)}`)], /^HTTP\/1.1 431 /, { [LARGE]: 1 }, 'none'],
    [
      'a query',
      [head([json, `content-length: ${length}`, 'connection: close'], '/v1/traces?x=1'), GOOD_JSON],
      /^HTTP\/1.1 200 /,
      { accepted: 1 },
    ],
    ['no host', ['POST /v1/traces HTTP/1.1\r\nconnection: close\r\n\r\n'], /^HTTP\/1.1 400 .*Host/s, { [BROKEN]: 1 }],
    ['plain nonsense', ['\x16\x03\x01\x02\x00\x01\x00\x01'], /^HTTP\/1.1 400 /, { [MALFORMED]: 1 }, 'none'],
    ['half a head', ['POST /v1/traces HT'], /^HTTP\/1.1 400 /, { [MALFORMED]: 1 }, 'none'],
    ['a negative length', [head([json, 'content-length: -1'])], /^HTTP\/1.1 400 /, { [MALFORMED]: 1 }, 'none'],
    [
      'two lengths',
      [head([json, 'content-length: 2', 'content-length: 3']), '{}'],
      /^HTTP\/1.1 400 /,
      { [MALFORMED]: 1 },
      'none',
    ],
    [
      'length and chunked',
      [head([json, 'content-length: 2', chunked]), '0\r\n\r\n'],
      /^HTTP\/1.1 400 /,
      { [MALFORMED]: 1 },
      'none',
    ],
    [
      'a length that is too small: the rest is no request',
      [head([json, `content-length: ${length}`]), `${GOOD_JSON}${GOOD_JSON}`],
      /^HTTP\/1.1 200 .*\{\}HTTP\/1.1 400 /s,
      { accepted: 1, [MALFORMED]: 1 },
    ],
    [
      'a length that is too large, and an end',
      [head([json, `content-length: ${length + 1}`]), GOOD_JSON],
      /^HTTP\/1.1 400 /,
      { 'rejected:incomplete-request': 1 },
    ],
    ['no length and no body', [head([json, 'connection: close'])], /^HTTP\/1.1 400 .*not valid JSON/s, { [BROKEN]: 1 }],
    [
      'a chunk extension of 1 MB',
      [head([json, chunked]), `2;${'x'.repeat(1_000_000)}\r\n{}\r\n0\r\n\r\n`],
      /^HTTP\/1.1 413 /,
      { 'rejected:incomplete-request': 1 },
    ],
    [
      'a chunk size that is none',
      [head([json, chunked]), 'zz\r\n'],
      /^HTTP\/1.1 400 /,
      { 'rejected:incomplete-request': 1 },
    ],
    [
      '10,000 headers',
      [head(Array.from({ length: 10_000 }, (_, n) => `h${n}: x`))],
      /^HTTP\/1.1 431 /,
      { [LARGE]: 1 },
      'none',
    ],
    ['a header of 20 kB', [head([`x: ${'y'.repeat(20_000)}`])], /^HTTP\/1.1 431 /, { [LARGE]: 1 }, 'none'],
    [
      'a header __proto__',
      [JSON_HEAD(length, '__proto__: x', 'constructor: y'), GOOD_JSON],
      /^HTTP\/1.1 200 /,
      { accepted: 1 },
    ],
    [
      'a chunked body',
      [
        head([json, chunked, 'connection: close']),
        `1\r\n{\r\n${(length - 1).toString(16)}\r\n${GOOD_JSON.slice(1)}\r\n0\r\n\r\n`,
      ],
      /^HTTP\/1.1 200 /,
      { accepted: 1 },
    ],
    ['too long, announced', [head([json, `content-length: ${17 * MEBIBYTE}`])], /^HTTP\/1.1 413 /, { [LARGE]: 1 }],
    [
      'too long, chunked',
      [head([json, chunked]), ...new Array(17).fill(Buffer.from(`100000\r\n${' '.repeat(MEBIBYTE)}\r\n`)), '0\r\n\r\n'],
      /^HTTP\/1.1 413 .*"code":8/s,
      { [LARGE]: 1 },
    ],
    [
      'a client that asks first',
      [JSON_HEAD(length, 'expect: 100-continue'), GOOD_JSON],
      /^HTTP\/1.1 100 .*HTTP\/1.1 200 /s,
      { accepted: 1 },
    ],
    [
      'a client that asks first in HTTP/1.0, which knows no such thing',
      [JSON_HEAD(length, 'expect: 100-continue').replace('HTTP/1.1', 'HTTP/1.0'), GOOD_JSON],
      /^HTTP\/1.1 200 /,
      { accepted: 1 },
    ],
    [
      'a client that asks first for too much',
      [head([json, 'content-length: 99999999', 'expect: 100-continue'])],
      /^HTTP\/1.1 413 /,
      { [LARGE]: 1 },
    ],
    [
      'a client that expects what there is not',
      [JSON_HEAD(2, 'expect: 200-ok')],
      /^HTTP\/1.1 417 .*"code":3/s,
      { 'rejected:unsupported-expectation': 1 },
    ],
  ]

  it.each(cases)(
    '%s gets its answer, and the next request is served',
    async (_name, parts, expected, outcomes, signal) => {
      const address = await house.open()
      const answer = await exchange(address, parts, { until: /^HTTP\/1.1 4.*\r\n\r\n.*\}/s, end: true })
      expect(answer).toMatch(expected)
      await expect.poll(() => Object.keys(house.ledger.received)).toContain(signal ?? 'traces')
      await expectOpen(address, outcomes)
    },
  )

  it('what the parser refuses is answered in JSON, or in the encoding of the body in which it gave up', async () => {
    const address = await house.open({ limits: { headersMs: 50, requestMs: 100 } })
    const inHead = await exchange(address, ['POST /v1/traces HT'])
    expect(inHead).toMatch(
      /^HTTP\/1.1 408 .*content-type: application\/json\r\ncontent-length: \d+\r\n\r\n\{"code":4,/s,
    )
    const inBody = await exchange(address, [head(['content-type: application/x-protobuf', chunked]), 'zz\r\n'])
    const message = 'this is not a valid HTTP/1.1 request'
    expect(inBody).toContain('content-type: application/x-protobuf\r\n')
    expect(inBody.endsWith(`\r\n\r\n\x08\x03\x12${String.fromCharCode(message.length)}${message}`)).toBe(true)
  })

  it('more requests than a connection may carry are refused, and counted', async () => {
    const address = await house.open()
    const request = head([json, `content-length: ${length}`]) + GOOD_JSON
    const answers = await exchange(address, [request.repeat(1001)], { until: /HTTP\/1.1 503 / })
    expect(answers.match(/HTTP\/1.1 200 /g)).toHaveLength(1000)
    expect(answers.match(/HTTP\/1.1 503 /g)).toHaveLength(1)
    await expectOpen(address, { accepted: 1000, 'refused:unavailable': 1 })
  })
})

describe('clients that are slow, or leave', () => {
  const json = 'content-type: application/json'

  it('are answered 408 when they stop, with headers or body', async () => {
    const address = await house.open({ limits: { headersMs: 50, requestMs: 100 } })
    expect(await exchange(address, ['POST /v1/traces HT'])).toMatch(/^HTTP\/1.1 408 /)
    expect(house.ledger.received).toEqual({ none: 1 })
    expect(await exchange(address, [head([json, 'content-length: 5']), '{'])).toMatch(/^HTTP\/1.1 408 /)
    await expect.poll(() => house.ledger.received).toEqual({ none: 1, traces: 1 })
    await expectOpen(address, { 'rejected:incomplete-request': 2 })
  })

  it('are answered 408 although every byte comes in time: what counts is the whole', async () => {
    const address = await house.open({ limits: { headersMs: 150, requestMs: 300 } })
    const header = `POST /v1/traces HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(1000)}`
    expect(await drip(address, '', header)).toMatch(/^HTTP\/1.1 408 /)
    expect(await drip(address, head([json, 'content-length: 1000']), ' '.repeat(1000))).toMatch(/^HTTP\/1.1 408 /)
    await expectOpen(address, { 'rejected:incomplete-request': 2 })
  })

  it('are answered 408 when they ask first and then send nothing', async () => {
    const address = await house.open({ limits: { headersMs: 50, requestMs: 100 } })
    const answer = await exchange(address, [JSON_HEAD(5, 'expect: 100-continue')])
    expect(answer).toMatch(/^HTTP\/1.1 100 .*HTTP\/1.1 408 /s)
    await expectOpen(address, { 'rejected:incomplete-request': 1 })
  })

  it('cost nothing when they go away in the middle', async () => {
    const inFlight = new InFlight(1000)
    const address = await house.open({ inFlight })
    const socket = connect(Number(new URL(address).port), '127.0.0.1')
    socket.write(head([json, 'content-length: 500']) + ' '.repeat(400))
    await expect.poll(() => inFlight.bytes).toBe(400)
    socket.destroy()
    await expect.poll(() => inFlight.bytes).toBe(0)
    await expectOpen(address, { 'rejected:incomplete-request': 1 })
  })

  it('are cut off when they do not hang up after they were told that it is over', async () => {
    const address = await house.open()
    await new Promise((resolve) => {
      const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true })
      const dripping = setInterval(() => socket.write('\0'), 10)
      socket.on('error', () => {}).resume()
      socket.on('close', () => {
        clearInterval(dripping)
        resolve(undefined)
      })
    })
    await expectOpen(address, { 'rejected:malformed-http': 1 })
  })

  it('are not counted when they only connect and go', async () => {
    const address = await house.open()
    for (const way of ['end', 'resetAndDestroy'] as const) {
      await new Promise((resolve) => {
        const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket[way]())
        socket.on('close', resolve).resume()
      })
    }
    await expectOpen(address, {})
  })
})
