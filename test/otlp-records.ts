/** Decoded records for tests: short to write by hand, and arbitrary ones that reach what the dialects look for. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { AttributeMap, AttributeValue, LogRecord, OtlpRecord, Span } from '../collectors/otlp/records.ts'

type Attributes = Readonly<Record<string, AttributeValue>>

const map = (attributes: Attributes = {}): AttributeMap => new Map(Object.entries(attributes))

interface SpanParts {
  readonly name?: string
  readonly scope?: string
  readonly resource?: Attributes
  readonly attributes?: Attributes
  readonly kind?: number
  readonly parent?: string
  readonly status?: number
  readonly message?: string
  readonly events?: readonly { readonly name: string; readonly attributes?: Attributes }[]
}

/** A span of service `crm-agent` that took 10 ms; a root unless `parent` says otherwise. */
export function spanRecord(parts: SpanParts = {}): Span {
  return {
    signal: 'span',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: parts.parent,
    name: parts.name ?? 'span',
    kind: parts.kind ?? 1,
    startMs: 1_795_287_594_000,
    endMs: 1_795_287_594_010,
    events: (parts.events ?? []).map(({ name, attributes }) => ({
      name,
      timeMs: 1_795_287_594_005,
      attributes: map(attributes),
    })),
    statusCode: parts.status ?? 0,
    statusMessage: parts.message ?? '',
    resource: { attributes: map(parts.resource ?? { 'service.name': 'crm-agent' }) },
    scope: { name: parts.scope ?? '', version: '' },
    attributes: map(parts.attributes),
    droppedAttributes: 0,
  }
}

interface LogParts {
  readonly event?: string
  readonly scope?: string
  readonly resource?: Attributes
  readonly attributes?: Attributes
  readonly body?: AttributeValue
  readonly spanId?: string
}

/** A log record of service `crm-agent`. */
export function logRecord(parts: LogParts = {}): LogRecord {
  return {
    signal: 'log',
    traceId: parts.spanId === undefined ? undefined : '0af7651916cd43dd8448eb211c80319c',
    spanId: parts.spanId,
    eventName: parts.event ?? '',
    timeMs: 1_795_287_594_500,
    body: parts.body,
    resource: { attributes: map(parts.resource ?? { 'service.name': 'crm-agent' }) },
    scope: { name: parts.scope ?? '', version: '' },
    attributes: map(parts.attributes),
    droppedAttributes: 0,
  }
}

/** Every string literal of the dialects: the keys, scopes, names and values that they look for. */
const words = ['collectors/dialects', 'collectors/dialects/reading'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.contract.ts'))
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/'([^'\n]{2,80})'/g)])
    .map((match) => match[1] as string)
    .filter((word) => !word.startsWith('.') && !word.includes(' from ')),
)
const knownWords = [...new Set(words)].sort()
const keyWords = knownWords.filter((word) => /[._]/.test(word))

const MESSAGES = [
  '[{"role":"user","parts":[{"type":"text","content":"hi"}]},{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"f","arguments":{"a":1}}]}]',
  '[{"role":"tool","content":[{"type":"tool_result","tool_use_id":"c1","content":"done","is_error":true}]}]',
  '{"messages":[[{"lc":1,"id":["x","HumanMessage"],"kwargs":{"content":"hi"}}]]}',
  '{"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"object"}}]}]}',
  '{"args":{"url":"https://example.com"},"name":"f","callId":"c9"}',
  '{"__proto__":{"role":"user"},"constructor":"x","content":{"parts":null}}',
  '[{"name":"f","args":{},"id":"c3"},{"function":{"name":"g","arguments":"{}"},"id":7}]',
  '{"is_error":true,"result":[{"text":"a"},{"text":"b"}]}',
]

const hostileStrings = fc.oneof(
  fc.constantFrom(...MESSAGES),
  fc.constantFrom(...knownWords),
  fc.constantFrom('', '{}', 'N/A', '<REDACTED>', 'reject', '-1', '1e999', 'NaN', '\ud800', '[TRUNCATED', '{"a":'),
  fc.constantFrom('https://u:p@example.com:8443/oauth/token?scope=a+b', 'SELECT * FROM a.b JOIN "c" ON 1=1', '429'),
  // The longest names, of letters that are two in the other case.
  fc.constantFrom('\u0130'.repeat(512), '\u0149'.repeat(512)),
  fc.constantFrom('x'.repeat(70_000), '['.repeat(3000), `${'{"content":'.repeat(2000)}1${'}'.repeat(2000)}`),
  fc.string({ maxLength: 40 }),
  fc.json({ maxDepth: 4 }),
)

const scalars: fc.Arbitrary<AttributeValue> = fc.oneof(
  { arbitrary: hostileStrings, weight: 6 },
  { arbitrary: fc.double(), weight: 1 },
  { arbitrary: fc.integer(), weight: 1 },
  { arbitrary: fc.boolean(), weight: 1 },
  { arbitrary: fc.bigInt(), weight: 1 },
  { arbitrary: fc.constantFrom<AttributeValue>(undefined, new Uint8Array([1, 2]), []), weight: 1 },
)

const keys = fc.oneof(
  { arbitrary: fc.constantFrom(...keyWords), weight: 12 },
  { arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'gen_ai.prompt.0.role'), weight: 1 },
  { arbitrary: fc.string({ maxLength: 20 }), weight: 1 },
)

const values: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { arbitrary: scalars, weight: 6 },
    { arbitrary: fc.array(tie('value'), { maxLength: 4 }), weight: 1 },
    {
      arbitrary: fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
      weight: 1,
    },
  ),
})).value

const attributes = fc
  .array(fc.tuple(keys, values), { maxLength: 14 })
  .map((entries) => new Map(entries) as AttributeMap)

/** What opens the door of each dialect; without these, hardly a random record would get past it. */
const openings: readonly (readonly [string, AttributeValue])[] = [
  ['gen_ai.operation.name', 'execute_tool'],
  ['gen_ai.operation.name', 'chat'],
  ['gen_ai.operation.name', 'invoke_agent'],
  ['gen_ai.operation.name', 'retrieval'],
  ['openinference.span.kind', 'TOOL'],
  ['openinference.span.kind', 'LLM'],
  ['openinference.span.kind', 'RETRIEVER'],
  ['openinference.span.kind', 'AGENT'],
  ['traceloop.span.kind', 'tool'],
  ['traceloop.span.kind', 'agent'],
  ['langsmith.span.kind', 'tool'],
  ['langsmith.span.kind', 'llm'],
  ['langsmith.span.kind', 'retriever'],
  ['ai.operationId', 'ai.toolCall'],
  ['ai.operationId', 'ai.generateText.doGenerate'],
  ['mcp.method.name', 'tools/call'],
  ['mcp.method.name', 'resources/read'],
  ['span.type', 'tool'],
  ['span.type', 'llm_request'],
  ['gen_ai.event.start_time', '2026'],
  ['model_request_parameters', '{}'],
  ['gcp.vertex.agent.invocation_id', 'e-1'],
  ['db.system.name', 'postgresql'],
  ['http.request.method', 'POST'],
  ['rpc.system', 'grpc'],
  ['messaging.system', 'kafka'],
  ['event.name', 'codex.tool_result'],
  ['event.name', 'gemini_cli.tool_call'],
  ['event.name', 'claude_code.tool_result'],
  ['event.name', 'gen_ai.choice'],
  ['event.name', 'gen_ai.client.inference.operation.details'],
  ['event.name', 'copilot_chat.tool.call'],
]

const scopes = fc.constantFrom(
  '',
  'github.copilot',
  'gcp.vertex.agent',
  'pydantic-ai',
  'gen_ai',
  'ai',
  '@traceloop/instrumentation-mcp',
  'com.anthropic.claude_code.tracing',
  'com.anthropic.claude_code.events',
  'gemini-cli',
  'codex_exec',
  'app',
)
const services = fc.constantFrom<AttributeValue>(
  'crm-agent',
  'gemini-cli',
  'codex_exec',
  'unknown_service:node',
  7,
  undefined,
)
const names = fc.oneof(
  fc.constantFrom(
    'execute_tool f',
    'call_llm',
    'invoke_agent a',
    'permission',
    'agent run',
    'tools/list.mcp',
    'resources/read.mcp',
    'f.tool',
    'claude_code.tool',
    'sts.AssumeRole',
  ),
  fc.string({ maxLength: 30 }),
)
const id = fc.constantFrom<string | undefined>(undefined, 'b7ad6b7169203331')

const parts = fc.record({ scope: scopes, service: services, opening: fc.constantFrom(...openings), attributes })

/** A record such as a hostile or broken sender may make of any dialect's telemetry. */
export const arbitraryRecord: fc.Arbitrary<OtlpRecord> = fc.oneof(
  fc
    .record({
      parts,
      name: names,
      kind: fc.integer({ min: 0, max: 5 }),
      parent: id,
      status: fc.integer({ min: 0, max: 2 }),
      message: hostileStrings,
      events: fc.array(fc.record({ name: fc.constantFrom(...EVENT_NAMES()), attributes }), { maxLength: 3 }),
    })
    .map(({ parts: common, parent, events, status, message, ...rest }): Span => {
      const base = spanRecord({
        ...rest,
        status,
        message,
        scope: common.scope,
        resource: { 'service.name': common.service },
      })
      return {
        ...base,
        parentSpanId: parent,
        attributes: new Map([...common.attributes, common.opening]),
        events: events.map((event) => ({ ...event, timeMs: 0 })),
      }
    }),
  fc.record({ parts, body: values, spanId: id, eventName: fc.constantFrom('', 'gen_ai.choice', 'event x.rs:1') }).map(
    ({ parts: common, body, spanId, eventName }): LogRecord => ({
      ...logRecord({ body, scope: common.scope, resource: { 'service.name': common.service } }),
      eventName,
      spanId,
      attributes: new Map([...common.attributes, common.opening]),
    }),
  ),
)

function EVENT_NAMES(): readonly string[] {
  return [
    'exception',
    'gen_ai.user.message',
    'gen_ai.choice',
    'gen_ai.tool.message',
    'tool.output',
    'gen_ai.client.inference.operation.details',
  ]
}
