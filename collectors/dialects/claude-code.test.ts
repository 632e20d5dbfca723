import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { TEXT_LIMIT } from '../otlp/values.ts'
import { claudeCode, splitMcpName } from './claude-code.ts'

const resource = { 'service.name': 'claude-code', 'service.version': '2.1.330' }
const common = { 'session.id': 's-1', 'user.id': 'device-hash' }
const log = (event: string, attributes: Record<string, AttributeValue>) =>
  claudeCode.log?.(
    logRecord({
      scope: 'com.anthropic.claude_code.events',
      resource,
      spanId: 'c2a0edba2a11c767',
      body: `claude_code.${event}`,
      attributes: { 'event.name': event, ...common, ...attributes },
    }),
  )
const span = (type: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  claudeCode.span?.(
    spanRecord({
      scope: 'com.anthropic.claude_code.tracing',
      resource,
      name: `claude_code.${type}`,
      ...rest,
      attributes: { 'span.type': type, ...common, ...attributes },
    }),
  )

describe('identity', () => {
  it('is the service with its version, and names the session on every record', () => {
    expect(log('tool_result', {})).toMatchObject({
      session_id: 's-1',
      agent: { id: 'claude-code', version: '2.1.330', framework: 'claude-code' },
      principal: { kind: 'human', id: 'device-hash' },
    })
  })

  it('prefers the account over the device', () => {
    expect(log('tool_result', { 'user.email': 'ana@example.com' })?.principal?.id).toBe('ana@example.com')
  })

  it('of a sub-agent is its kind, below the agent itself, and its session stays that of the user', () => {
    const draft = span('tool', { agent_id: 'a81f', agent_type: 'Explore', 'gen_ai.conversation.id': 'a81f' })
    expect(draft).toMatchObject({
      session_id: 's-1',
      agent: { id: 'claude-code/Explore', name: 'Explore' },
      callers: [{ kind: 'agent', id: 'claude-code' }],
    })
  })
})

describe('a tool call', () => {
  it('in a log record has arguments, sizes, time and success, all sent as strings', () => {
    const draft = log('tool_result', {
      tool_name: 'Bash',
      tool_use_id: 'toolu_1',
      success: 'true',
      duration_ms: '218',
      tool_input: '{"command":"ls"}',
      tool_input_size_bytes: '16',
      tool_result_size_bytes: '41',
    })
    expect(draft).toMatchObject({
      role: 'event',
      operation: 'tool_call',
      tool: { name: 'Bash', call_id: 'toolu_1' },
      content: { arguments: '{"command":"ls"}' },
      volume: { bytes_in: 16, bytes_out: 41 },
      outcome: 'ok',
      duration_ms: 218,
      time_ms: 1_795_287_594_500 - 218,
    })
  })

  it('that failed has the class of its error', () => {
    const draft = log('tool_result', { tool_name: 'Bash', success: 'false', error_type: 'ShellError', error: 'no' })
    expect(draft).toMatchObject({ outcome: 'error', error_type: 'ShellError', content: { result: 'no' } })
    expect(log('tool_result', { success: 'false', error_type: 'TimeoutError' })?.outcome).toBe('timeout')
  })

  it('of an MCP server is named by its parameters, or by its name', () => {
    const parameters = '{"mcp_server_name":"crm","mcp_tool_name":"query"}'
    const expected = { name: 'query', kind: 'mcp', server: 'crm' }
    expect(log('tool_result', { tool_name: 'mcp_tool', tool_parameters: parameters })?.tool).toEqual(expected)
    expect(span('tool', { tool_name: 'mcp__crm__query' })?.tool).toEqual(expected)
    expect(log('tool_result', { tool_name: 'mcp_tool' })?.tool).toEqual({ name: 'mcp_tool', kind: 'mcp' })
  })

  it('in a span has its result, and what the span shows of its arguments', () => {
    const events = [{ name: 'tool.output', attributes: { content: '# demo' } }]
    const draft = span('tool', { tool_name: 'Read', tool_use_id: 'toolu_2', file_path: '/x/README.md' }, { events })
    expect(draft).toMatchObject({
      content: { arguments: '{"file_path":"/x/README.md"}', result: '# demo', truncated: true },
    })
    // Whether it worked, the span does not say.
    expect(draft?.outcome).toBeUndefined()
  })
})

describe('what a span shows of its arguments', () => {
  it('stays within the bound of content, however long', () => {
    const draft = span('tool', { tool_name: 'Bash', full_command: '"'.repeat(TEXT_LIMIT) })
    expect(draft?.content?.arguments).toHaveLength(TEXT_LIMIT)
  })
})

describe('parts of a call', () => {
  it('its execution tells of failure and of the time without waiting', () => {
    const draft = span('tool.execution', { tool_use_id: 'toolu_1', success: false, error: 'no', duration_ms: 20 })
    expect(draft).toMatchObject({ role: 'part', tool: { call_id: 'toolu_1' }, outcome: 'error', duration_ms: 20 })
  })

  it('a rejection in a log record stands for the call that never ran', () => {
    const draft = log('tool_decision', {
      decision: 'reject',
      source: 'user_reject',
      tool_name: 'Write',
      tool_use_id: 'toolu_5',
    })
    expect(draft).toMatchObject({
      role: 'part',
      operation: 'tool_call',
      outcome: 'denied',
      policy_decision: 'deny',
      approval: { required: true, by: 'user_reject' },
    })
  })

  it('a permission adds only who gave it', () => {
    const draft = log('tool_decision', {
      decision: 'accept',
      source: 'config',
      tool_name: 'Bash',
      tool_use_id: 'toolu_1',
    })
    expect(draft).toMatchObject({ role: 'part', approval: { required: false, by: 'config' } })
    expect(draft?.operation).toBeUndefined()
    expect(draft?.outcome).toBeUndefined()
  })

  it('a rejection in a span belongs to the call above it', () => {
    expect(span('tool.blocked_on_user', { decision: 'reject' })).toMatchObject({ role: 'part', outcome: 'denied' })
    expect(span('tool.blocked_on_user', { decision: 'unknown' })?.outcome).toBeUndefined()
  })
})

describe('model calls and turns', () => {
  it('are told by a span and a log record that share the request', () => {
    const request = { request_id: 'req_2', model: 'claude-sonnet-4-5', input_tokens: 100, output_tokens: 25 }
    const [record, traced] = [log('api_request', { ...request, cost_usd: 0.0007 }), span('llm_request', request)]
    expect(record).toMatchObject({ operation: 'model_call', volume: { input_tokens: 100, cost_usd: 0.0007 } })
    expect(traced).toMatchObject({ operation: 'model_call', integrity: { model: 'claude-sonnet-4-5' } })
    expect(record?.twin).toBe(traced?.twin)
    expect(log('assistant_response', { request_id: 'req_2', response: 'Done.' })).toMatchObject({
      role: 'part',
      twin: record?.twin,
      content: { output: 'Done.' },
    })
  })

  it('that failed tell limits from errors', () => {
    expect(log('api_error', { status_code: '429', error: 'slow down' })?.outcome).toBe('rate_limited')
    expect(log('api_error', { status_code: '529' })?.outcome).toBe('rate_limited')
    expect(log('api_error', { error: 'reset' })?.outcome).toBe('error')
  })

  it('begin with a prompt', () => {
    expect(log('user_prompt', { prompt: 'List customers' })).toMatchObject({
      operation: 'agent_invoke',
      content: { prompt: 'List customers' },
    })
    expect(log('user_prompt', { prompt: '<REDACTED>' })?.content).toBeUndefined()
  })
})

describe('session facts', () => {
  it('are kept as context', () => {
    expect(log('mcp_server_connection', { server_name: 'crm', status: 'connected' })).toMatchObject({
      role: 'context',
      attributes: { server_name: 'crm', status: 'connected' },
    })
  })
})

describe('names of MCP tools', () => {
  it('split at the second pair of underscores', () => {
    expect(splitMcpName('mcp__crm__query__v2')).toEqual({ server: 'crm', name: 'query__v2' })
    expect([splitMcpName('mcp__crm'), splitMcpName('mcp____x'), splitMcpName('mcp__crm__')]).toEqual(
      Array(3).fill(undefined),
    )
  })
})
