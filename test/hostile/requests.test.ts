/** Requests that are none: every door of the real process refuses them, counts them and goes on. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { callCalls, callRequest } from '../one-call.ts'
import { expectGoodEnd, KEYS, useWhole } from './whole.ts'

const whole = useWhole()

describe('requests', () => {
  /** Writes bytes on a socket and gives what comes back until the other side hangs up or is silent. */
  const raw = (address: string, bytes: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      let answer = ''
      const done = () => {
        socket.destroy()
        resolve(answer)
      }
      socket.on('error', done).on('close', done)
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1')
      })
      socket.setTimeout(300, done)
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
    ['HTTP/2 on an HTTP/1 port', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex')],
    ['nothing but line ends', '\r\n'.repeat(1000)],
    ['noise', Buffer.alloc(4096, 0xff)],
  ]

  it.each(LINES)('of %s are refused by every door', async (_what, bytes) => {
    const doors = [whole.telltale.api, whole.telltale.otlpHttp, whole.telltale.otlpGrpc]
    for (const answer of await Promise.all(doors.map((door) => raw(door, bytes)))) {
      expect(answer).not.toMatch(/^HTTP\/1\.1 (2|500)/)
    }
  })

  const BODIES: readonly (readonly [what: string, body: string | Buffer])[] = [
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['a trailing comma', '{"resourceSpans":[],}'],
    ['NaN', '{"resourceSpans":NaN}'],
    ['UTF-16', Buffer.from('{"resourceSpans":[]}', 'utf16le')],
    ['five thousand levels', `{"resourceSpans":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['levels without end', '['.repeat(5_000_000)],
    ['a million keys', `{${Array.from({ length: 1_000_000 }, (_, index) => `"${index * 65_536}":0`).join(',')}}`],
    ['groups that are no list', '{"resourceSpans":{"length":1000000000}}'],
  ]

  it.each(BODIES)('with a body of %s are refused or hold nothing, and the books balance', async (_what, body) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEYS.ingest}` }
    const response = await fetch(`${whole.telltale.otlpHttp}/v1/traces`, { method: 'POST', headers, body })
    expect([200, 400, 413]).toContain(response.status)
    await response.arrayBuffer()
  })

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
    const after = await metrics()
    const more = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
    expect(Object.fromEntries(more.filter(([, value]) => value !== 0))).toEqual({
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
})

expectGoodEnd(whole)
