import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { vercelAiSdk } from './vercel-ai-sdk.ts'

const span = (attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  vercelAiSdk.span?.(spanRecord({ scope: 'gen_ai', ...rest, attributes }))
const metadata = {
  'ai.telemetry.functionId': 'travel-desk',
  'ai.telemetry.metadata.sessionId': 's-1',
  'ai.telemetry.metadata.userId': 'u-1',
}
const legacy = (
  operation: string,
  attributes: Record<string, AttributeValue>,
  rest: Parameters<typeof spanRecord>[0] = {},
) => span({ 'ai.operationId': operation, ...metadata, ...attributes }, { scope: 'ai', ...rest })

describe('version 7', () => {
  it('speaks OpenTelemetry, and names user and session in settings', () => {
    const draft = span({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'travel-desk',
      'ai.settings.context.userId': 'u-1',
      'ai.settings.context.sessionId': 's-1',
    })
    expect(draft).toMatchObject({
      operation: 'agent_invoke',
      session_id: 's-1',
      principal: { id: 'u-1' },
      agent: { id: 'travel-desk', framework: 'vercel-ai-sdk' },
    })
  })

  it('does not take the model in the name of a span for an agent', () => {
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.request.model': 'gpt-4o' }
    expect(span(attributes, { name: 'invoke_agent gpt-4o' })?.agent).toBeUndefined()
  })

  it('has steps that are nodes of the tree, and failures that are exception events', () => {
    expect(span({ 'gen_ai.operation.name': 'agent_step' })?.role).toBe('context')
    const events = [{ name: 'exception', attributes: { 'exception.type': 'Error', 'exception.message': 'no' } }]
    expect(span({ 'gen_ai.operation.name': 'execute_tool' }, { status: 2, events })).toMatchObject({
      outcome: 'error',
      content: { result: 'no' },
    })
  })
})

describe('legacy spans', () => {
  it('name agent, session and user on every one of them', () => {
    const draft = legacy('ai.toolCall', {
      'ai.toolCall.name': 'query',
      'ai.toolCall.id': 'call_1',
      'ai.toolCall.args': '{"a":1}',
      'ai.toolCall.result': '"done"',
    })
    expect(draft).toMatchObject({
      operation: 'tool_call',
      session_id: 's-1',
      agent: { id: 'travel-desk' },
      principal: { id: 'u-1' },
      tool: { name: 'query', call_id: 'call_1' },
      content: { arguments: '{"a":1}', result: 'done' },
    })
  })

  it('have calls as JSON within JSON', () => {
    const draft = legacy('ai.generateText.doGenerate', {
      'ai.model.id': 'gpt-4o',
      'ai.prompt.messages':
        '[{"role":"system","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"hi"}]}]',
      'ai.prompt.tools': ['{"type":"function","name":"query","inputSchema":{}}'],
      'ai.response.toolCalls': JSON.stringify([{ toolCallId: 'c1', toolName: 'query', input: '{"a":1}' }]),
      'ai.response.text': 'Let me see.',
      'ai.usage.promptTokens': 42,
    })
    expect(draft).toMatchObject({
      operation: 'model_call',
      content: { prompt: 'hi', system_prompt: 'Be kind.', output: 'Let me see.' },
      requested_calls: [{ call_id: 'c1', name: 'query', arguments: '{"a":1}' }],
      integrity: { model: 'gpt-4o' },
      volume: { input_tokens: 42 },
    })
    expect(draft?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('begin with a prompt that is an object', () => {
    expect(
      legacy('ai.generateText', { 'ai.prompt': '{"system":"Be kind.","prompt":"hi"}', 'ai.response.text': 'Hello' }),
    ).toMatchObject({
      operation: 'agent_invoke',
      content: { prompt: 'hi', system_prompt: 'Be kind.', output: 'Hello' },
    })
    expect(legacy('ai.embed.doEmbed', {})?.operation).toBe('model_call')
    expect(legacy('ai.embed', {})?.role).toBe('context')
  })

  it('that a filter stopped were refused', () => {
    expect(legacy('ai.generateText.doGenerate', { 'ai.response.finishReason': 'content-filter' })?.outcome).toBe(
      'refused',
    )
  })
})
