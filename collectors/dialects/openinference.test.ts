import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { openinference } from './openinference.ts'

const span = (kind: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  openinference.span?.(
    spanRecord({
      scope: '@arizeai/openinference-instrumentation-langchain',
      parent: 'b7ad6b7169203331',
      ...rest,
      attributes: { 'openinference.span.kind': kind, ...attributes },
    }),
  )
const metadata = '{"lc_agent_name":"support-agent","thread_id":"thread-789"}'

describe('a tool call', () => {
  it('of LangChain hides id, status and content in a serialised message', () => {
    const message = {
      output: { lc: 1, kwargs: { status: 'success', content: '[1]', tool_call_id: 'call_1', name: 'query' } },
    }
    const draft = span('TOOL', {
      metadata,
      'tool.name': 'query',
      'input.value': 'SELECT 1',
      'output.value': JSON.stringify(message),
    })
    expect(draft).toMatchObject({
      operation: 'tool_call',
      session_id: 'thread-789',
      agent: { id: 'support-agent', framework: 'langchain' },
      tool: { name: 'query', call_id: 'call_1' },
      content: { arguments: 'SELECT 1', result: '[1]' },
      outcome: 'ok',
    })
  })

  it('has failed when the message says so, although the span is OK', () => {
    const message = { output: { kwargs: { status: 'error', content: 'no', tool_call_id: 'call_2' } } }
    expect(span('TOOL', { 'output.value': JSON.stringify(message) }, { status: 1 })).toMatchObject({
      outcome: 'error',
      error_type: 'tool_error',
      content: { result: 'no' },
    })
  })

  it('that threw has the message without its stack', () => {
    const message = 'permission denied\n\nError: permission denied\n    at tool.name (file:///x.mjs:1:1)'
    expect(span('TOOL', { 'tool.name': 'drop' }, { status: 2, message })?.content).toEqual({
      result: 'permission denied',
    })
  })

  it('may carry its definition', () => {
    expect(span('TOOL', { 'tool.name': 'q', 'tool.parameters': '{"type":"object"}' })?.tool?.definition_hash).toMatch(
      /^[0-9a-f]{64}$/,
    )
  })
})

describe('a model call', () => {
  it('reads flattened messages with their calls and answers', () => {
    const draft = span('LLM', {
      'llm.model_name': 'gpt-4o',
      'llm.token_count.prompt': 120,
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.content': 'List customers',
      'llm.input_messages.1.message.role': 'tool',
      'llm.input_messages.1.message.tool_call_id': 'c0',
      'llm.input_messages.1.message.content': 'done',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.contents.0.message_content.type': 'text',
      'llm.output_messages.0.message.contents.0.message_content.text': 'Let me see.',
      'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c1',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'query',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"a":1}',
      'llm.tools.0.tool.json_schema': '{"type":"function","function":{"name":"query"}}',
    })
    expect(draft).toMatchObject({
      operation: 'model_call',
      content: { prompt: 'List customers', output: 'Let me see.' },
      requested_calls: [{ call_id: 'c1', name: 'query', arguments: '{"a":1}' }],
      answered_calls: [{ call_id: 'c0', result: 'done' }],
      volume: { input_tokens: 120 },
      integrity: { model: 'gpt-4o' },
    })
    expect(draft?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('tells a call once when the flattened messages and the whole value both have it', () => {
    const draft = span('LLM', {
      'output.value': '{"output":[{"type":"function_call","call_id":"c1","name":"query","arguments":"{}"}]}',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c1',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'query',
    })
    expect(draft?.requested_calls?.map(({ call_id }) => call_id)).toEqual(['c1'])
  })
})

describe('agents', () => {
  it('of LangChain are chains at the root, answering with the end of a transcript', () => {
    const transcript = {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'Two.' },
      ],
    }
    const draft = span(
      'CHAIN',
      {
        metadata,
        'input.value': '{"messages":[{"role":"user","content":"hi"}]}',
        'output.value': JSON.stringify(transcript),
      },
      { parent: undefined as never },
    )
    expect(draft).toMatchObject({ role: 'event', operation: 'agent_invoke', content: { prompt: 'hi', output: 'Two.' } })
    expect(span('CHAIN', { metadata })?.role).toBe('context')
  })

  it('are named by their node or span, but a nameless root is no agent', () => {
    expect(span('AGENT', { 'graph.node.id': 'crm' })).toMatchObject({ operation: 'agent_invoke', agent: { id: 'crm' } })
    expect(span('AGENT', {}, { name: 'crew member' })?.agent?.id).toBe('crew member')
    const root = openinference.span?.(
      spanRecord({ name: 'workflow', attributes: { 'openinference.span.kind': 'AGENT' } }),
    )
    expect(root).toMatchObject({ operation: 'agent_invoke' })
    expect(root?.agent).toBeUndefined()
  })
})

describe('a retrieval', () => {
  it('has its query, and the datasets of its documents', () => {
    const draft = span('RETRIEVER', {
      'input.value': 'refund window?',
      'retrieval.documents.0.document.content': 'Refund policy: 30 days',
      'retrieval.documents.0.document.metadata': '{"source":"s3://kb-prod/refunds.md","dataset":"kb-prod"}',
      'retrieval.documents.1.document.id': 'doc-2',
    })
    expect(draft).toMatchObject({
      operation: 'retrieval',
      content: { arguments: 'refund window?', result: 'Refund policy: 30 days' },
      dataset_scope: [{ id: 'kb-prod' }, { id: 'doc-2' }],
      volume: { documents: 2 },
    })
  })
})

describe('other kinds', () => {
  it('are nodes of the tree, and spans without a kind are not ours', () => {
    expect(span('GUARDRAIL', {})?.role).toBe('context')
    expect(span('EMBEDDING', { 'embedding.model_name': 'ada' })).toMatchObject({
      operation: 'model_call',
      integrity: { model: 'ada' },
    })
    expect(openinference.span?.(spanRecord())).toBeUndefined()
  })
})
