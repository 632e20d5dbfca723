import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { pydanticAi } from './pydantic-ai.ts'

const span = (name: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  pydanticAi.span?.(spanRecord({ scope: 'pydantic-ai', name, ...rest, attributes }))

describe('instrumentation version 2', () => {
  it('runs tools under names of its own', () => {
    const attributes = {
      'gen_ai.tool.name': 'query',
      'gen_ai.tool.call.id': 'c1',
      tool_arguments: '{"a":1}',
      tool_response: 'done',
    }
    expect(span('running tool', attributes)).toMatchObject({
      operation: 'tool_call',
      tool: { name: 'query', call_id: 'c1' },
      content: { arguments: '{"a":1}', result: 'done' },
    })
    expect(span('running tools', {})?.role).toBe('context')
  })

  it('runs agents', () => {
    const messages = [
      { role: 'system', parts: [{ type: 'text', content: 'Be kind.' }] },
      { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
    ]
    const attributes = {
      agent_name: 'crm',
      final_result: 'Hello',
      'pydantic_ai.all_messages': JSON.stringify(messages),
    }
    expect(span('agent run', attributes, { parent: 'b7ad6b7169203331' })).toMatchObject({
      role: 'event',
      operation: 'agent_invoke',
      agent: { id: 'crm', framework: 'pydantic-ai' },
      content: { prompt: 'hi', output: 'Hello', system_prompt: 'Be kind.' },
    })
  })
})

describe('instrumentation version 3 and later', () => {
  it('speaks OpenTelemetry, with errors as exception events only', () => {
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'query',
      'gen_ai.tool.call.arguments': '{"a":1}',
    }
    const events = [{ name: 'exception', attributes: { 'exception.type': 'ValueError', 'exception.message': 'no' } }]
    expect(span('execute_tool query', attributes, { events })).toMatchObject({
      operation: 'tool_call',
      outcome: 'error',
      error_type: 'ValueError',
      content: { arguments: '{"a":1}', result: 'no' },
    })
  })

  it('has the tools of a model call in its parameters', () => {
    const draft = span('chat gpt-4o', {
      'gen_ai.operation.name': 'chat',
      model_request_parameters: '{"function_tools":[{"name":"query","parameters_json_schema":{}}]}',
    })
    expect(draft?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('other scopes', () => {
  it('are not ours', () => {
    expect(span('agent run', {}, { scope: 'app' })).toBeUndefined()
  })
})
