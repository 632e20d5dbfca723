/** Bodies that are made to become much more than they are. Each is taken or refused within memory, and counted. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startOtlpGrpc } from './grpc.ts'
import { callGrpc } from './grpc-client.contract.ts'
import { startOtlpHttp } from './http.ts'
import { GOOD, GOOD_JSON, post } from './http-client.contract.ts'
import { useDoor } from './ledger.contract.ts'

const MEBIBYTE = 1024 * 1024
const JSON_TYPE = { 'content-type': 'application/json' }

/** A protobuf field of bytes. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128)
    if (rest < 128) {
      return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), bytes])
    }
  }
}

/** An export request of spans that are encoded already. */
const request = (spans: Uint8Array) => field(1, field(2, spans))
const emptySpans = (count: number) => request(Buffer.alloc(2 * count, Buffer.from([0x12, 0])))
const span = (...parts: Uint8Array[]) => request(field(2, Buffer.concat(parts)))
const attribute = (text: Uint8Array) => field(9, Buffer.concat([field(1, Buffer.from('k')), field(2, field(1, text))]))
const jsonSpan = (parts: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x",${parts}}]}]}]}`
const keys = (count: number, key: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => `"${key(index)}":0`).join(',')

/** As many fields of a number that nobody knows, two bytes long, as there is room for. */
const unknown = (bytes: number) => Buffer.alloc(bytes, Buffer.from([0x9a, 0x06, 0x01, 0x00]))
const TOO_LARGE = { 'rejected:too-large': 1 }

const cases: readonly (readonly [what: string, body: () => Buffer | string, status: number, ends: object])[] = [
  ['4 MiB of unknown fields', () => span(unknown(4 * MEBIBYTE)), 200, { accepted: 1 }],
  ['a text of almost 16 MiB', () => span(attribute(Buffer.alloc(16 * MEBIBYTE - 100, 'x'))), 200, { accepted: 1 }],
  [
    'a text of 16 MiB, which is more with what is around',
    () => span(attribute(Buffer.alloc(16 * MEBIBYTE, 'x'))),
    413,
    TOO_LARGE,
  ],
  [
    'eight million empty spans',
    () => emptySpans(8_000_000),
    200,
    { accepted: 20_000, 'rejected:too-many-records': 7_980_000 },
  ],
  ['ten million empty spans', () => emptySpans(10_000_000), 413, TOO_LARGE],
  ['a million empty events', () => span(Buffer.alloc(2_000_000, Buffer.from([0x5a, 0]))), 200, { accepted: 1 }],
  [
    'a text of almost 16 MiB in JSON',
    () => jsonSpan(`"traceState":"${'x'.repeat(16 * MEBIBYTE - 100)}"`),
    200,
    { accepted: 1 },
  ],
  [
    'a million line separators in JSON',
    () => jsonSpan(`"traceState":"${'\u2028'.repeat(1_000_000)}"`),
    200,
    { accepted: 1 },
  ],
  ['a million keys in JSON', () => jsonSpan(keys(1_000_000, (index) => `k${index}`)), 200, { accepted: 1 }],
  [
    '200,000 keys in JSON that look like places in a list',
    () => jsonSpan(keys(200_000, (index) => `${index * 65_536}`)),
    200,
    { accepted: 1 },
  ],
  ['five million levels in JSON', () => '['.repeat(5_000_000), 400, { 'rejected:undecodable-request': 1 }],
]

describe('over HTTP', () => {
  const house = useDoor(startOtlpHttp)

  it.each(cases)('%s', async (_what, make, status, ends) => {
    const body = make()
    const headers = typeof body === 'string' ? JSON_TYPE : {}
    const address = await house.open()
    const before = process.memoryUsage().rss
    expect(await post(address, body, headers)).toMatchObject({ status })
    expect(house.ledger.outcomes).toEqual(ends)
    const zipped = await post(address, gzipSync(body), { ...headers, 'content-encoding': 'gzip' })
    expect(zipped).toMatchObject({ status })
    const grown = process.memoryUsage().rss - before
    expect(grown).toBeLessThan(400 * MEBIBYTE)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
    expect(await post(address, GOOD_JSON, JSON_TYPE)).toMatchObject({ status: 200 })
  })

  it('ten million empty spans where the operator lets them in: the rest is rejected, with a count', async () => {
    const address = await house.open({ limits: { bodyBytes: 32 * MEBIBYTE } })
    const { status, bytes } = await post(address, emptySpans(10_000_000))
    expect(status).toBe(200)
    expect(bytes.toString()).toContain('9980000 rejected: too-many-records')
    expect(house.ledger.outcomes).toEqual({ accepted: 20_000, 'rejected:too-many-records': 9_980_000 })
  })
})

describe('over gRPC', () => {
  const house = useDoor(startOtlpGrpc)
  const codes: Record<number, number> = { 413: 8, 400: 3 }
  const binary = cases.flatMap(([what, make, status, ends]) => {
    const body = make()
    return typeof body === 'string' ? [] : [[what, body, status, ends] as const]
  })

  it.each(binary)('%s', async (_what, body, status, ends) => {
    const address = await house.open()
    const answer = await callGrpc(address, body)
    expect(Buffer.isBuffer(answer) ? 200 : answer.code).toBe(codes[status] ?? status)
    const expected = status === 413 ? { 'rejected:unreadable-request': 1 } : ends
    await expect.poll(() => house.ledger.outcomes).toEqual(expected)
    expect(await callGrpc(address, GOOD)).toEqual(Buffer.alloc(0))
  })
})
