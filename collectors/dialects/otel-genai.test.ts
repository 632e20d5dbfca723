import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { otelGenai } from './otel-genai.ts'

const span = (attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  otelGenai.span?.(spanRecord({ ...rest, attributes }))
const log = (event: string, body: AttributeValue, attributes: Record<string, AttributeValue> = {}) =>
  otelGenai.log?.(logRecord({ spanId: '56fe01c679e629df', body, attributes: { 'event.name': event, ...attributes } }))

describe('a tool call', () => {
  it('has name, id, arguments and result', () => {
    const draft = span({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'fetch_rate',
      'gen_ai.tool.type': 'function',
      'gen_ai.tool.call.id': 'call_2',
      'gen_ai.tool.call.arguments': '{"currency":"EUR"}',
      'gen_ai.tool.call.result': new Map([['rate', 1.08]]),
      'gen_ai.execute_tool.duration': 0.025,
    })
    expect(draft).toEqual({
      role: 'event',
      operation: 'tool_call',
      tool: { name: 'fetch_rate', kind: 'function', call_id: 'call_2' },
      content: { arguments: '{"currency":"EUR"}', result: '{"rate":1.08}' },
      outcome: 'ok',
      duration_ms: 25,
    })
  })

  it('is known by the name of its span alone', () => {
    expect(span({}, { name: 'execute_tool drop_table' })).toMatchObject({
      operation: 'tool_call',
      tool: { name: 'drop_table' },
    })
  })

  it('has failed when its MCP result says so, whatever the status', () => {
    const draft = span(
      { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.result': '{"content":[],"isError":true}' },
      { status: 1 },
    )
    expect(draft).toMatchObject({ outcome: 'error', error_type: 'tool_error' })
  })

  it('belongs to an MCP server that the span names', () => {
    const draft = span({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'q', 'mcp.server.name': 'crm' })
    expect(draft?.tool).toEqual({ name: 'q', kind: 'mcp', server: 'crm' })
  })
})

describe('a model call', () => {
  const messages =
    '[{"role":"system","parts":[{"type":"text","content":"Be kind."}]},{"role":"user","parts":[{"type":"text","content":"hi"}]}]'

  it('has its conversation, model, tokens and what the agent is made of', () => {
    const draft = span({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.input.messages': messages,
      'gen_ai.output.messages':
        '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]',
      'gen_ai.tool.definitions': '[{"type":"function","name":"query"}]',
      'gen_ai.usage.prompt_tokens': '42',
      'gen_ai.usage.output_tokens': 17,
    })
    expect(draft).toMatchObject({
      operation: 'model_call',
      content: { prompt: 'hi', output: 'Hello', system_prompt: 'Be kind.' },
      volume: { input_tokens: 42, output_tokens: 17 },
      integrity: { model: 'gpt-4o-2024-08-06' },
      outcome: 'ok',
    })
    expect(draft?.integrity?.system_prompt_hash).toMatch(/^[0-9a-f]{64}$/)
    expect(draft?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('reads deprecated flat messages with their calls', () => {
    const draft = span({
      'gen_ai.operation.name': 'chat',
      'gen_ai.prompt.0.role': 'user',
      'gen_ai.prompt.0.content': 'List customers',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.finish_reason': 'tool_calls',
      'gen_ai.completion.0.tool_calls.0.id': 'c1',
      'gen_ai.completion.0.tool_calls.0.name': 'query',
      'gen_ai.completion.0.tool_calls.0.arguments': '{"sql":1}',
    })
    expect(draft?.content).toEqual({ prompt: 'List customers' })
    expect(draft?.requested_calls).toEqual([{ call_id: 'c1', name: 'query', arguments: '{"sql":1}' }])
  })

  it('that a filter stopped was refused, which is no error', () => {
    const draft = span({ 'gen_ai.operation.name': 'chat', 'gen_ai.response.finish_reasons': ['content_filter'] })
    expect(draft?.outcome).toBe('refused')
  })

  it('that failed says how', () => {
    const of = (type: string) => span({ 'gen_ai.operation.name': 'chat', 'error.type': type }, { status: 2 })?.outcome
    expect(['429', 'APITimeoutError', 'AuthenticationError', '403'].map(of)).toEqual([
      'rate_limited',
      'timeout',
      'error',
      'denied',
    ])
  })
})

describe('other operations', () => {
  it('an invocation names its agent, and is an event at the root or when it does', () => {
    const named = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'crm', 'gen_ai.agent.id': 'agent-42' }
    expect(span(named, { parent: 'b7ad6b7169203331' })).toMatchObject({
      role: 'event',
      operation: 'agent_invoke',
      agent: { id: 'agent-42', name: 'crm' },
    })
    const nameless = { 'gen_ai.operation.name': 'invoke_agent' }
    expect(span(nameless, { name: 'invoke_agent' })?.role).toBe('event')
    expect(span(nameless, { name: 'invoke_agent', parent: 'b7ad6b7169203331' })?.role).toBe('context')
  })

  it('a creation is by whoever created, not by the agent created', () => {
    const draft = span({ 'gen_ai.operation.name': 'create_agent', 'gen_ai.agent.name': 'helper' })
    expect(draft).toMatchObject({ operation: 'agent_spawn', content: { arguments: 'helper' } })
    expect(draft?.agent).toBeUndefined()
  })

  it('a retrieval has its query, documents and datasets', () => {
    const draft = span({
      'gen_ai.operation.name': 'retrieval',
      'gen_ai.data_source.id': 'kb-prod',
      'gen_ai.retrieval.query.text': 'refund window?',
      'gen_ai.retrieval.documents': '[{"id":"doc-1","score":0.9},{"id":"doc-2"}]',
    })
    expect(draft).toMatchObject({
      operation: 'retrieval',
      content: { arguments: 'refund window?' },
      dataset_scope: [{ id: 'kb-prod' }, { id: 'doc-1' }, { id: 'doc-2' }],
      volume: { documents: 2 },
    })
  })

  it('memory is searched like data and changed like a tool', () => {
    const store = { 'gen_ai.memory.store.id': 'mem-1' }
    expect(span({ 'gen_ai.operation.name': 'search_memory', ...store })).toMatchObject({
      operation: 'retrieval',
      dataset_scope: [{ id: 'mem-1' }],
    })
    expect(span({ 'gen_ai.operation.name': 'update_memory', ...store })).toMatchObject({
      operation: 'tool_call',
      tool: { name: 'update_memory', kind: 'memory' },
    })
  })

  it('operations nobody knows are nodes of the tree, and spans without one are not ours', () => {
    expect(span({ 'gen_ai.operation.name': 'plan' })?.role).toBe('context')
    expect(span({ 'gen_ai.agent.name': 'crm' })).toBeUndefined()
  })
})

describe('log records', () => {
  it('carry messages of the model call they were written in', () => {
    expect(log('gen_ai.user.message', new Map([['content', 'hi']]))).toEqual({
      role: 'context',
      content: { prompt: 'hi' },
    })
    expect(log('gen_ai.system.message', new Map([['content', 'Be kind.']]))).toMatchObject({
      content: { system_prompt: 'Be kind.' },
    })
    expect(log('gen_ai.tool.message', '{"id":"c1","content":"done"}')?.answered_calls).toEqual([
      { call_id: 'c1', result: 'done' },
    ])
  })

  it('ask for calls only in the answer, never in history', () => {
    const calls = '"tool_calls":[{"id":"c1","type":"function","function":{"name":"query","arguments":"{}"}}]'
    expect(log('gen_ai.choice', `{"finish_reason":"tool_calls","message":{${calls}}}`)?.requested_calls).toEqual([
      { call_id: 'c1', name: 'query' },
    ])
    expect(log('gen_ai.assistant.message', `{${calls}}`)).toEqual({ role: 'context' })
  })

  it('with details carry both sides', () => {
    const draft = log('gen_ai.client.inference.operation.details', undefined, {
      'gen_ai.input.messages': [
        new Map<string, AttributeValue>([
          ['role', 'user'],
          ['content', 'hi'],
        ]),
      ],
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]',
    })
    expect(draft?.content).toEqual({ prompt: 'hi', output: 'Hello' })
  })

  it('of anything else are not ours', () => {
    expect(log('http.request', 'x')).toBeUndefined()
    expect(log('gen_ai.unheard', 'x')).toBeUndefined()
  })
})
