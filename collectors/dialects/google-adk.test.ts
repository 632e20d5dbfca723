import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { googleAdk } from './google-adk.ts'

const span = (name: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  googleAdk.span?.(spanRecord({ scope: 'gcp.vertex.agent', name, ...rest, attributes }))
const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'query', 'gen_ai.tool.call.id': 'adk-1' }

describe('a tool call', () => {
  it('has arguments and response under names of its own', () => {
    const draft = span('execute_tool query', {
      ...tool,
      'gen_ai.tool.type': 'FunctionTool',
      'gen_ai.tool.description': 'Run SQL',
      'gcp.vertex.agent.tool_call_args': '{"sql":"SELECT 1"}',
      'gcp.vertex.agent.tool_response': '{"rows":[]}',
      'gcp.vertex.agent.llm_request': '{}',
    })
    expect(draft).toMatchObject({
      operation: 'tool_call',
      tool: { name: 'query', kind: 'function', call_id: 'adk-1' },
      content: { arguments: '{"sql":"SELECT 1"}', result: '{"rows":[]}' },
      outcome: 'ok',
    })
    expect(draft?.tool?.definition_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('that threw is a span with a name and nothing else', () => {
    expect(span('execute_tool drop_table', {})).toEqual({
      role: 'event',
      operation: 'tool_call',
      tool: { name: 'drop_table' },
      outcome: 'error',
      error_type: '_OTHER',
    })
  })

  it('has failed when its response is nothing but an error', () => {
    expect(span('execute_tool query', { ...tool, 'gcp.vertex.agent.tool_response': '{"error":"no"}' })?.outcome).toBe(
      'error',
    )
    expect(
      span('execute_tool query', { ...tool, 'gcp.vertex.agent.tool_response': '{"error":null,"rows":[]}' })?.outcome,
    ).toBe('ok')
  })

  it('is not the sum of parallel calls, which only answers them', () => {
    const event = {
      content: {
        role: 'user',
        parts: [{ functionResponse: { id: 'adk-2', name: 'drop_table', response: { error: 'no' } } }],
      },
    }
    const draft = span('execute_tool (merged)', {
      ...tool,
      'gen_ai.tool.name': '(merged tools)',
      'gcp.vertex.agent.tool_response': JSON.stringify(event),
    })
    expect(draft).toEqual({
      role: 'context',
      answered_calls: [{ call_id: 'adk-2', name: 'drop_table', result: '{"error":"no"}', outcome: 'error' }],
    })
  })
})

describe('a model call', () => {
  it('has agent, session, conversation, calls and what the agent is made of', () => {
    const request = {
      contents: [{ role: 'user', parts: [{ text: 'List customers' }] }],
      config: { systemInstruction: 'You are the CRM bot.', tools: [{ functionDeclarations: [{ name: 'query' }] }] },
    }
    const response = {
      content: { role: 'model', parts: [{ functionCall: { id: 'adk-1', name: 'query', args: { a: 1 } } }] },
    }
    const draft = span('call_llm', {
      'gen_ai.agent.name': 'crm_agent',
      'gcp.vertex.agent.session_id': 's-1',
      'gcp.vertex.agent.llm_request': JSON.stringify(request),
      'gcp.vertex.agent.llm_response': JSON.stringify(response),
      'gen_ai.usage.input_tokens': 42,
    })
    expect(draft).toMatchObject({
      operation: 'model_call',
      session_id: 's-1',
      agent: { id: 'crm_agent', framework: 'google-adk' },
      content: { prompt: 'List customers', system_prompt: 'You are the CRM bot.' },
      requested_calls: [{ call_id: 'adk-1', name: 'query', arguments: '{"a":1}' }],
      volume: { input_tokens: 42 },
    })
    expect(draft?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('the rest', () => {
  it('agents are invoked, invocations are nodes of the tree, other scopes are not ours', () => {
    const invoke = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'crm_agent',
      'gen_ai.conversation.id': 's-1',
    }
    expect(span('invoke_agent crm_agent', invoke, { parent: 'b7ad6b7169203331' })).toMatchObject({
      operation: 'agent_invoke',
      session_id: 's-1',
      agent: { id: 'crm_agent' },
    })
    expect(span('invocation', {})).toEqual({ role: 'context' })
    expect(span('execute_tool x', {}, { scope: 'app' })).toBeUndefined()
  })
})
