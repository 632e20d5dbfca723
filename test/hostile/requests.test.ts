/** Requests that are none: every door of the real process refuses them, counts them and goes on. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { callCalls, callRequest } from '../one-call.ts'
import { expectGoodEnd, KEYS, useWhole } from './whole.ts'

const whole = useWhole()

describe('requests', () => {
  /** Writes bytes on a socket and gives what comes back: an answer of HTTP/1.1, or all until the other side hangs up. */
  const raw = (address: string, bytes: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      let answer = ''
      socket.on('error', () => {})
      socket.on('close', () => resolve(answer))
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1')
        if (/^HTTP\/1\.1 .*\r\n\r\n/s.test(answer)) {
          socket.destroy()
        }
      })
      socket.write(bytes)
    })

  const bearer = `Authorization: Bearer ${KEYS.read}\r\n`
  const asked = (line: string, more = '') => `${line}\r\nHost: localhost\r\n${bearer}${more}\r\n`
  const LINES: readonly (readonly [what: string, bytes: string | Buffer])[] = [
    ['TRACE', asked('TRACE /api/v1/events HTTP/1.1')],
    ['CONNECT', asked('CONNECT /api/v1/events HTTP/1.1')],
    ['a method that is none', asked('GE T /api/v1/events HTTP/1.1')],
    ['doubled slashes', asked('GET //api//v1//events HTTP/1.1')],
    ['a way out', asked('GET /api/v1/events/../../../etc/passwd HTTP/1.1')],
    ['an encoded way out', asked('GET /api/v1/events/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1')],
    ['a NUL in the path', asked('GET /api/v1/events\0 HTTP/1.1')],
    ['an encoded NUL', asked('GET /api/v1/events/%00 HTTP/1.1')],
    ['a broken escape', asked('GET /api/v1/events/%zz HTTP/1.1')],
    ['64 kB of path', asked(`GET /api/v1/${'x'.repeat(65_536)} HTTP/1.1`)],
    ['10,000 headers', asked('GET /api/v1/events HTTP/1.1', 'X-A: 1\r\n'.repeat(10_000))],
    ['a header __proto__', asked('GET /api/v1/nothing HTTP/1.1', '__proto__: 1\r\n')],
    ['two lengths', asked('POST /api/v1/events HTTP/1.1', 'Content-Length: 1\r\nContent-Length: 2\r\n')],
    [
      'a length and chunks',
      asked('POST /api/v1/events HTTP/1.1', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'),
    ],
    ['a negative length', asked('POST /api/v1/events HTTP/1.1', 'Content-Length: -1\r\n')],
    ['a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex')],
    ['nothing but line ends', '\r\n'.repeat(1000)],
    ['noise', Buffer.alloc(4096, 0xff)],
  ]

  it.each(LINES)('of %s are refused by every door', async (_what, bytes) => {
    const { api, otlpHttp, otlpGrpc } = whole.telltale
    const [overHttp, overGrpc] = await Promise.all([
      Promise.all([raw(api, bytes), raw(otlpHttp, bytes)]),
      raw(otlpGrpc, bytes),
    ])
    for (const answer of overHttp) {
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    }
    // It says how it speaks HTTP/2, and why it speaks no more; it never answers.
    expect(overGrpc).not.toContain('HTTP/1.1 ')
  })

  it('of HTTP/2 are refused by the doors of HTTP/1.1', async () => {
    for (const door of [whole.telltale.api, whole.telltale.otlpHttp]) {
      const answer = await raw(door, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    }
  })

  it.each([
    ['CONNECT', 'rejected:unknown-method'],
    ['TRACE', 'rejected:unknown-path'],
    ['noise', 'rejected:malformed-http'],
  ])('of %s whose senders break the connection harm no door', async (name, outcome) => {
    const [, bytes = ''] = LINES.find(([what]) => what === name) ?? []
    const before = await metrics()
    for (const door of [whole.telltale.api, whole.telltale.otlpHttp, whole.telltale.otlpGrpc]) {
      for (let round = 0; round < 50; round += 1) {
        await broken(door, bytes, round % 2 === 0 ? 'sent' : 'heard')
      }
    }
    await expect.poll(async () => changes(before, await metrics())).toEqual({ 'received none': 50, [outcome]: 50 })
  })

  /** Writes bytes and resets the connection, at once or with the first byte that comes back. */
  const broken = (address: string, bytes: string | Buffer, when: 'sent' | 'heard'): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.on('data', () => socket.resetAndDestroy())
      socket.write(bytes, () => (when === 'sent' ? socket.resetAndDestroy() : undefined))
    })

  const BODIES: readonly (readonly [what: string, status: number, body: string | Buffer])[] = [
    ['nothing', 400, ''],
    ['null', 400, 'null'],
    ['a list', 400, '[]'],
    ['a text', 400, '"x"'],
    ['a trailing comma', 400, '{"resourceSpans":[],}'],
    ['NaN', 400, '{"resourceSpans":NaN}'],
    ['UTF-16', 400, Buffer.from('{"resourceSpans":[]}', 'utf16le')],
    ['five thousand levels', 400, `{"resourceSpans":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['levels without end', 400, '['.repeat(5_000_000)],
    ['a million keys', 200, `{${Array.from({ length: 1_000_000 }, (_, index) => `"${index * 65_536}":0`).join(',')}}`],
    ['groups that are no list', 400, '{"resourceSpans":{"length":1000000000}}'],
  ]

  it.each(BODIES)(
    'with a body of %s are refused or hold nothing, and the books say so',
    async (_what, status, body) => {
      const before = await metrics()
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEYS.ingest}` }
      const response = await fetch(`${whole.telltale.otlpHttp}/v1/traces`, { method: 'POST', headers, body })
      await response.arrayBuffer()
      expect(response.status).toBe(status)
      const refused = { 'received traces': 1, 'rejected:undecodable-request': 1 }
      expect(changes(before, await metrics())).toEqual(status === 400 ? refused : {})
    },
  )

  it('with keys of JavaScript in place of every field are taken for what they are', async () => {
    const nested =
      '{"resourceSpans":[{"__proto__":{"scopeSpans":[1]},"scopeSpans":[{"spans":[{"constructor":{"prototype":{"polluted":1}},"name":"x"}],"toString":1}]}]}'
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEYS.ingest}` }
    const response = await fetch(`${whole.telltale.otlpHttp}/v1/traces`, { method: 'POST', headers, body: nested })
    expect(response.status).toBe(200)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('that are refused are counted, each once, where the operator looks', async () => {
    const { otlpHttp, otlpGrpc } = whole.telltale
    const before = await metrics()
    const ask = async (path: string, headers: Record<string, string>, method = 'POST') =>
      (await fetch(`${otlpHttp}${path}`, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })).status
    const json = { 'content-type': 'application/json' }
    const good = { ...json, authorization: `Bearer ${KEYS.ingest}` }
    const statuses = [
      await ask('/v1/traces', json),
      await ask('/v1/logs', { ...json, authorization: `Bearer ${KEYS.read}` }),
      await ask('/v1/metrics', good, 'GET'),
      await ask('/v1/logs', { ...good, 'content-type': 'text/plain' }),
      await ask('/v1/traces', { ...good, 'content-encoding': 'gzip' }),
      await ask('/', good),
    ]
    expect(statuses).toEqual([401, 403, 405, 415, 400, 404])
    expect(await raw(otlpHttp, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await callCalls(otlpGrpc, callRequest())).toBe(16)
    expect(await callCalls(otlpGrpc, callRequest(), KEYS.read)).toBe(7)
    expect(changes(before, await metrics())).toEqual({
      'received traces': 4,
      'received logs': 2,
      'received metrics': 1,
      'received none': 2,
      'rejected:unauthenticated': 2,
      'rejected:forbidden': 2,
      'rejected:unknown-method': 1,
      'rejected:unsupported-encoding': 1,
      'rejected:undecodable-request': 1,
      'rejected:unknown-path': 1,
      'rejected:malformed-http': 1,
    })
  })

  /** What came in by signal, and what became of it at the doors, as `/metrics` has it. */
  async function metrics(): Promise<ReadonlyMap<string, number>> {
    // Counts cross from the thread of the doors when somebody asks for the health.
    await whole.telltale.health()
    const response = await fetch(`${whole.telltale.api}/metrics`, { headers: { authorization: `Bearer ${KEYS.read}` } })
    const text = await response.text()
    const received = [...text.matchAll(/^telltale_records_received_total\{signal="(\w+)"\} (\d+)$/gm)]
    const ended = [...text.matchAll(/^telltale_outcomes_total\{stage="collect",outcome="([^"]+)"\} (\d+)$/gm)]
    return new Map([
      ...received.map(([, signal, records]) => [`received ${signal}`, Number(records)] as const),
      ...ended.map(([, outcome, records]) => [outcome as string, Number(records)] as const),
    ])
  }

  /** What was counted between two looks at `/metrics`. */
  function changes(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
    const more = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
    return Object.fromEntries(more.filter(([, value]) => value !== 0))
  }
})

expectGoodEnd(whole)
