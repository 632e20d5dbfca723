import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { openllmetry } from './openllmetry.ts'

const span = (name: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  openllmetry.span?.(spanRecord({ name, parent: 'b7ad6b7169203331', ...rest, attributes }))
const mcp = (name: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  span(name, attributes, { scope: '@traceloop/instrumentation-mcp', ...rest })

describe('a tool call', () => {
  it.each([
    ['named arguments', '{"args":[],"kwargs":{"sql":"SELECT 1"}}', '{"sql":"SELECT 1"}'],
    ['one positional argument', '{"args":[{"sql":"SELECT 1"}],"kwargs":{}}', '{"sql":"SELECT 1"}'],
    ['several', '{"args":["a",1],"kwargs":{}}', '["a",1]'],
    ['bare input', '{"sql":"SELECT 1"}', '{"sql":"SELECT 1"}'],
  ])('unwraps %s', (_shape, input, expected) => {
    const draft = span('query.tool', {
      'traceloop.span.kind': 'tool',
      'traceloop.entity.name': 'query',
      'traceloop.entity.input': input,
      'traceloop.entity.output': '"done"',
      'traceloop.association.properties.session_id': 's-1',
      'gen_ai.agent.name': 'crm',
    })
    expect(draft).toMatchObject({
      operation: 'tool_call',
      session_id: 's-1',
      agent: { id: 'crm' },
      tool: { name: 'query' },
      content: { arguments: expected, result: 'done' },
    })
  })
})

describe('MCP', () => {
  const call = { 'traceloop.span.kind': 'tool', 'traceloop.entity.name': 'drop' }

  it('calls are tool calls, failed when their result says so', () => {
    const draft = mcp(
      'drop.tool',
      {
        ...call,
        'traceloop.entity.input': '{"tool_name":"drop","arguments":{"table":"audit"}}',
        'traceloop.entity.output': '{"result":"permission denied","is_error":true}',
      },
      { status: 2, message: 'permission denied' },
    )
    expect(draft).toMatchObject({
      tool: { name: 'drop', kind: 'mcp' },
      content: { arguments: '{"table":"audit"}', result: 'permission denied' },
      outcome: 'error',
      error_type: 'tool_error',
    })
    expect(
      mcp('drop.tool', { ...call, 'traceloop.entity.output': '{"result":"x","is_error":true}' }, { status: 1 })
        ?.outcome,
    ).toBe('error')
  })

  it('resources are data, lists of tools are what the agent is made of, the rest is tree', () => {
    expect(mcp('resources/read.mcp', { 'traceloop.entity.input': '{"uri":"file:///kb/refunds.md"}' })).toMatchObject({
      operation: 'retrieval',
      dataset_scope: [{ id: 'file:///kb/refunds.md' }],
    })
    const listed = mcp('tools/list.mcp', {
      'traceloop.entity.output': '{"tools":[{"name":"query","description":"Run SQL"}]}',
    })
    expect(listed).toMatchObject({ operation: 'config_change', attributes: { tools: 'query' } })
    expect(listed?.integrity?.tool_manifest_hash).toMatch(/^[0-9a-f]{64}$/)
    expect(mcp('tools/list.mcp', {})?.role).toBe('context')
    expect(mcp('mcp.client.session', { 'traceloop.span.kind': 'session' })?.role).toBe('context')
  })
})

describe('agents', () => {
  it('name themselves; workflows are invocations at the root only', () => {
    const input = {
      'traceloop.entity.input': '{"args":["List customers"],"kwargs":{}}',
      'traceloop.entity.output': '"Two."',
    }
    expect(
      span('crm.agent', { 'traceloop.span.kind': 'agent', 'traceloop.entity.name': 'crm', ...input }),
    ).toMatchObject({
      operation: 'agent_invoke',
      agent: { id: 'crm', framework: 'openllmetry' },
      content: { prompt: 'List customers', output: 'Two.' },
    })
    const workflow = { 'traceloop.span.kind': 'workflow', 'traceloop.entity.name': 'flow' }
    expect(span('flow.workflow', workflow)?.role).toBe('context')
    const root = openllmetry.span?.(spanRecord({ attributes: workflow }))
    expect(root).toMatchObject({ operation: 'agent_invoke' })
    expect(root?.agent).toBeUndefined()
  })
})

describe('model calls', () => {
  it('of old versions name their kind in one attribute; new ones speak OpenTelemetry', () => {
    expect(
      span('openai.chat', {
        'llm.request.type': 'chat',
        'gen_ai.prompt.0.role': 'user',
        'gen_ai.prompt.0.content': 'hi',
      }),
    ).toMatchObject({
      operation: 'model_call',
      content: { prompt: 'hi' },
    })
    expect(span('openai.chat', { 'llm.request.type': 'chat', 'gen_ai.operation.name': 'chat' })).toBeUndefined()
  })
})
