import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import { OBSERVED_MS, one, saying, setUp } from '../test/intake-saying.ts'
import { arbitraryRecord, logRecord, spanRecord } from '../test/otlp-records.ts'
import type { FragmentDraft } from './dialects/dialect.ts'
import type { Spoken } from './intake.ts'
import type { AttributeValue, OtlpRecord } from './otlp/records.ts'
import { ALPHANUMERIC } from './sanitize/canaries.ts'

describe('a fragment', () => {
  test('gets what only the collector knows', () => {
    expect(one({ role: 'event', operation: 'tool_call' }, spanRecord({ parent: '00f067aa0ba902b7' }))).toEqual({
      schema_version: '1',
      fragment_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      tenant_id: 'acme',
      role: 'event',
      dialect: 'test',
      signal: 'span',
      time_ms: 1_795_287_594_000,
      observed_ms: OBSERVED_MS,
      join_key: '0af7651916cd43dd8448eb211c80319c',
      duration_ms: 10,
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      parent_span_id: '00f067aa0ba902b7',
      service: { name: 'crm-agent' },
      operation: 'tool_call',
    })
  })

  test('lets the draft know its time and duration better', () => {
    expect(one({ role: 'event', time_ms: 5, duration_ms: 7 })).toMatchObject({ time_ms: 5, duration_ms: 7 })
  })

  test('has labels in the order of their names, cut, and without what is none or secret', () => {
    const labels = {
      tier: ' gold\n',
      region: 'eu'.repeat(100),
      'a b': 'x',
      __proto__x: 'y',
      empty: '\u200b',
      key: 'AKIAIOSFODNN7EXAMPLE',
    }
    const { agent } = one({ role: 'event', agent: { id: 'a', labels } })
    expect(Object.entries(agent?.labels ?? {})).toEqual([
      ['key', expect.not.stringContaining('AKIAIOSFODNN7EXAMPLE')],
      ['region', 'eu'.repeat(64)],
      ['tier', 'gold'],
    ])
    expect(one({ role: 'event', agent: { labels: { 'a b': 'x' } } })).not.toHaveProperty('agent')
  })

  test('keeps what the name of a tool hides, for it is another name, unless that is a secret', () => {
    const named = (name: string) => one({ role: 'event', operation: 'tool_call', tool: { name } }).tool?.name
    expect(named('kb.se\u200barch')).toBe('kb.se\u200barch')
    expect(named(' kb.search\u202e\n')).toBe('kb.search\u202e')
    expect(named('kb.search')).toBe('kb.search')
    expect(named('AKIA\u200bIOSFODNN7EXAMPLE')).not.toMatch(/IOSFODNN7EXAMPLE/)
    expect(named('\u200b')).toBeUndefined()
  })

  test('happened when it came, when nobody says when', () => {
    expect(one({ role: 'event' }, { ...logRecord(), timeMs: 0 }).time_ms).toBe(OBSERVED_MS)
  })

  test('counts bytes of arguments and results where the telemetry does not', () => {
    const content = { arguments: 'äö', result: 'x'.repeat(9000) }
    expect(one({ role: 'event', content }).volume).toEqual({ bytes_in: 4, bytes_out: 9000 })
    expect(one({ role: 'event', content, volume: { bytes_in: 1, rows: 2 } }).volume).toEqual({
      bytes_in: 1,
      bytes_out: 9000,
      rows: 2,
    })
  })

  test('counts nothing of what the sender shows only in part', () => {
    const content = { arguments: '{"command":"ls', result: 'a', truncated: true as const }
    expect(one({ role: 'event', content })).not.toHaveProperty('volume')
    expect(one({ role: 'event', content, volume: { bytes_in: 100_000 } }).volume).toEqual({ bytes_in: 100_000 })
  })

  test('names the places that arguments name, and the ones that were reached, once each', () => {
    const draft: FragmentDraft = {
      role: 'event',
      operation: 'tool_call',
      content: { arguments: '{"url":"https://u:p@API.example.com/?key=1","to":"bob@evil.example"}' },
      destinations: [{ host: 'API.EXAMPLE.COM.', port: 443, seen_in: 'network' }],
      requested_calls: [{ call_id: 'c1', arguments: '{"to":"eve@two.example"}' }],
    }
    const fragment = one(draft)
    expect(fragment.destinations).toEqual([
      { host: 'api.example.com', port: 443, seen_in: 'network' },
      { host: 'api.example.com', scheme: 'https', seen_in: 'argument' },
      { host: 'evil.example', scheme: 'mailto', seen_in: 'argument' },
    ])
    expect(fragment.requested_calls?.[0]?.destinations).toEqual([
      { host: 'two.example', scheme: 'mailto', seen_in: 'argument' },
    ])
    expect(one({ ...draft, operation: 'retrieval', destinations: [] }).destinations).toBeUndefined()
  })

  test('joins the datasets a dialect saw with those the arguments name', () => {
    const draft: FragmentDraft = {
      role: 'event',
      operation: 'tool_call',
      content: { arguments: '{"sql":"SELECT * FROM Leads JOIN orders USING (id)"}' },
      dataset_scope: [{ id: 'leads', classification: 'restricted' }],
      requested_calls: [{ call_id: 'c1', arguments: '{"bucket":"reports"}' }],
    }
    const fragment = one(draft)
    expect(fragment.dataset_scope).toEqual([
      { id: 'leads', classification: 'restricted', operation: 'read' },
      { id: 'orders', operation: 'read' },
    ])
    expect(fragment.requested_calls?.[0]?.dataset_scope).toEqual([{ id: 'reports' }])
    // A query is searched for, not run.
    expect(one({ ...draft, operation: 'retrieval', dataset_scope: [] }).dataset_scope).toBeUndefined()
  })

  test('keeps what remains of the attributes, and content only once', () => {
    const record = spanRecord({
      attributes: {
        'gen_ai.request.model': 'm',
        'gen_ai.request.temperature': 0.5,
        'gen_ai.response.finish_reasons': ['stop', 'length'],
        'gen_ai.input.messages': '[]',
        'gen_ai.tool.call.arguments': '{}',
        'url.full': 'https://x.example/a?q=1#f',
        'url.query': '?q=1',
        'http.request.header.authorization': ['Bearer x'],
        api_key: 'hunter2',
        big: 2n ** 60n,
        nothing: undefined,
        nan: Number.NaN,
        long: 'x'.repeat(2000),
      },
    })
    const attributes = one({ role: 'event', attributes: { chosen: true } }, record).attributes
    expect({ ...attributes }).toEqual({
      chosen: true,
      'gen_ai.request.model': 'm',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.response.finish_reasons': 'stop, length',
      'url.full': 'https://x.example/a',
      api_key: '[masked:secret]',
      big: '1152921504606846976',
      long: 'x'.repeat(1024),
    })
    expect(one({ role: 'context' }, record).attributes).toBeUndefined()
  })

  test('keeps at most 64 attributes, those first that the dialect chose', () => {
    const record = spanRecord({ attributes: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i])) })
    const attributes = one({ role: 'event', attributes: { chosen: 1 } }, record).attributes ?? {}
    expect(Object.keys(attributes)).toHaveLength(64)
    expect(Object.keys(attributes)[0]).toBe('chosen')
  })

  test('is safe from attribute keys made to reach prototypes', () => {
    const attributes = new Map<string, AttributeValue>([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    const fragment = one({ role: 'event' }, { ...spanRecord(), attributes })
    expect(JSON.stringify(fragment.attributes)).toBe('{"__proto__":"x","constructor":"y"}')
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  test('drops what the schema would refuse', () => {
    const fragment = one({
      role: 'event',
      policy_snapshot: 'not-a-uuid',
      atlas_mapping: ['AML.T0051', 'nonsense'],
      integrity: { system_prompt_hash: 'short', model: ' ' },
      volume: { rows: -1, documents: Number.NaN, input_tokens: 1.4 },
      tool: { name: 'a\nb\u202e', definition_hash: 'x' },
      session_id: `  ${'s'.repeat(600)}`,
      trace_id: 'XYZ',
    })
    expect(fragment).toMatchObject({
      atlas_mapping: ['AML.T0051'],
      volume: { input_tokens: 1 },
      tool: { name: 'a b\u202e' },
      session_id: 's'.repeat(512),
    })
    expect(fragment).not.toHaveProperty('policy_snapshot')
    expect(fragment).not.toHaveProperty('integrity')
    expect(fragment).not.toHaveProperty('trace_id')
  })
})

describe('content', () => {
  const prompt = `Summarize\n this   ﬁle. My key is ${`ghp_${ALPHANUMERIC.slice(0, 36)}`}`

  test('is masked, cut and marked', () => {
    const long = 'a'.repeat(20_000)
    expect(one({ role: 'event', content: { result: long } }).content).toEqual({
      result: 'a'.repeat(CONTENT_LIMIT),
      truncated: true,
    })
    expect(one({ role: 'event', content: { result: 'short' } }).content).toEqual({ result: 'short' })
    expect(one({ role: 'event', content: { result: 'cut', truncated: true } }).content).toMatchObject({
      truncated: true,
    })
  })

  test('shows no part of a secret where it is cut', () => {
    const secret = `ghp_${ALPHANUMERIC.slice(0, 36)}`
    for (const place of [CONTENT_LIMIT - 20, CONTENT_LIMIT - 1, CONTENT_LIMIT + 4076, CONTENT_LIMIT + 4090]) {
      const text = `${' '.repeat(place)}${secret}${' '.repeat(10_000)}`
      expect(JSON.stringify(one({ role: 'event', content: { result: text } }))).not.toContain('ghp_')
    }
  })

  test('has the same prompt id for the same prompt, whatever its spacing, Unicode form and secret', () => {
    const id = one({ role: 'event', content: { prompt } }).prompt_id
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const other = `Summarize this file. My key is ghp_${ALPHANUMERIC.slice(4, 40)}  `
    expect(one({ role: 'event', content: { prompt: other } }).prompt_id).toBe(id)
    expect(one({ role: 'event', content: { prompt: `${prompt}!` } }).prompt_id).not.toBe(id)
  })

  test('has a prompt id of the whole prompt, not of what is kept', () => {
    const start = 'a'.repeat(CONTENT_LIMIT)
    const [first, second] = ['x', 'y'].map((end) => one({ role: 'event', content: { prompt: start + end } }))
    expect(first?.content).toEqual(second?.content)
    expect(first?.prompt_id).not.toBe(second?.prompt_id)
  })

  test('is not kept under retention none; what was computed from it is', () => {
    const draft: FragmentDraft = {
      role: 'event',
      operation: 'tool_call',
      content: { prompt, arguments: '{"url":"https://x.example"}' },
      requested_calls: [{ call_id: 'c1', name: 'f', arguments: '{}', result: 'r' }],
    }
    const fragment = one(draft, spanRecord(), { retention: 'none' })
    expect(fragment).not.toHaveProperty('content')
    expect(fragment.requested_calls).toEqual([{ call_id: 'c1', name: 'f' }])
    expect(fragment).toMatchObject({
      prompt_id: one(draft).prompt_id,
      volume: { bytes_in: 27 },
      destinations: [{ host: 'x.example' }],
    })
  })
})

describe('a fragment id', () => {
  const id = (record: OtlpRecord, draft: FragmentDraft = { role: 'event' }) => one(draft, record).fragment_id

  test('is the same for a record sent again, and another for another record', () => {
    expect(id(spanRecord())).toBe(id(structuredClone(spanRecord())))
    expect(id(spanRecord())).not.toBe(id({ ...spanRecord(), spanId: '00f067aa0ba902b7' }))
    expect(id(logRecord({ body: 'a' }))).toBe(id(logRecord({ body: 'a' })))
    expect(id(logRecord({ body: 'a' }))).not.toBe(id(logRecord({ body: 'b' })))
    expect(id(logRecord({ attributes: { 'event.sequence': 1 } }))).not.toBe(
      id(logRecord({ attributes: { 'event.sequence': 2 } })),
    )
  })

  test('depends on the tenant', () => {
    const { intake } = setUp({ speak: saying({ role: 'event' }) })
    const [a] = intake.fragments([spanRecord()], 'a', 0)
    const [b] = intake.fragments([spanRecord()], 'b', 0)
    expect(a?.fragment_id).not.toBe(b?.fragment_id)
  })
})

describe('what joins a fragment with others', () => {
  const key = (draft: FragmentDraft, joins: 'trace' | 'session', record: OtlpRecord = spanRecord()) =>
    setUp({ speak: saying(draft, joins) }).intake.fragments([record], 'acme', 0)[0]?.join_key
  const loose = { ...spanRecord(), traceId: undefined }

  test.each<[string, FragmentDraft, 'trace' | 'session', OtlpRecord, string]>([
    ['the session where its dialect names one', { role: 'event', session_id: 's1' }, 'session', spanRecord(), 's1'],
    ['else the trace', { role: 'event', session_id: 's1' }, 'trace', spanRecord(), spanRecord().traceId ?? ''],
    ['the trace when the session is missing', { role: 'event' }, 'session', spanRecord(), spanRecord().traceId ?? ''],
    ['the session when the trace is missing', { role: 'event', session_id: 's1' }, 'trace', loose, 's1'],
  ])('is %s', (_what, draft, joins, record, expected) => {
    expect(key(draft, joins, record)).toBe(expected)
  })

  test('is its own when it has neither', () => {
    expect(key({ role: 'event' }, 'trace', loose)).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('accept', () => {
  test('publishes what is agent telemetry and counts what is not', async () => {
    const { intake, published, counted } = setUp()
    const tool = spanRecord({ attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'f' } })
    await intake.accept(
      {
        signal: 'log',
        records: [tool, logRecord({ body: 'hello' })],
        rejected: [{ reason: 'invalid-trace-id', records: 3 }],
        warnings: [],
      },
      'acme',
    )
    expect(published.map((fragment) => [fragment.dialect, fragment.tool?.name])).toEqual([['otel-genai', 'f']])
    expect([...counted]).toEqual([
      ['rejected:invalid-trace-id', 3],
      ['ignored:not-agent-telemetry', 1],
    ])
  })

  test('goes on when a dialect fails', async () => {
    const failing = (record: OtlpRecord): Spoken => {
      if (record.signal === 'log') {
        throw new TypeError('a bug')
      }
      return saying({ role: 'event' })()
    }
    const { intake, published, counted } = setUp({ speak: failing })
    await intake.accept(
      { signal: 'log', records: [logRecord(), spanRecord(), logRecord()], rejected: [], warnings: [] },
      'a',
    )
    expect(published).toHaveLength(1)
    expect([...counted]).toEqual([['rejected:dialect-failed', 2]])
  })

  test('counts nothing when the bus refuses: the client comes back with the same records', async () => {
    const { intake, counted } = setUp({ publish: () => Promise.reject(new Error('full')) })
    const request = { signal: 'span', records: [spanRecord(), logRecord()], rejected: [], warnings: [] } as const
    await expect(intake.accept(request, 'acme')).rejects.toThrow('full')
    expect(counted.size).toBe(0)
  })

  test('ends every record exactly once, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryRecord, { maxLength: 8 }), async (records) => {
        const { intake, published, counted } = setUp()
        await intake.accept({ signal: 'span', records, rejected: [], warnings: [] }, 'acme')
        const ended = [...counted.values()].reduce((sum, count) => sum + count, 0)
        expect(published.length + ended).toBe(records.length)
        expect(counted.get('rejected:dialect-failed')).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})
