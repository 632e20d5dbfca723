import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { codex } from './codex.ts'

const resource = { 'service.name': 'codex_exec', 'service.version': '0.169.0' }
const log = (event: string, attributes: Record<string, AttributeValue>) =>
  codex.log?.(
    logRecord({
      scope: 'codex_otel.log_only',
      resource,
      event: 'event otel/src/tool_result.rs:54',
      attributes: { 'event.name': `codex.${event}`, 'conversation.id': 'c-1', 'app.version': '0.169.0', ...attributes },
    }),
  )

describe('a tool result', () => {
  const call = {
    tool_name: 'exec_command',
    tool_namespace: 'functions',
    call_id: 'call_1',
    success: 'true',
    duration_ms: '48',
  }

  it('names conversation, call and version', () => {
    expect(
      log('tool_result', { ...call, agent_name: '/root', mcp_server: '', arguments: '{"cmd":"ls"}' }),
    ).toMatchObject({
      operation: 'tool_call',
      session_id: 'c-1',
      agent: { id: 'codex_exec', version: '0.169.0' },
      tool: { name: 'exec_command', kind: 'function', call_id: 'call_1' },
      content: { arguments: '{"cmd":"ls"}' },
      outcome: 'ok',
      duration_ms: 48,
    })
  })

  it('has failed when the command has, although it says success', () => {
    const output = (code: number) => `Wall time: 0.0 seconds\nProcess exited with code ${code}\nOutput:\nx`
    expect(log('tool_result', { ...call, output: output(1) })).toMatchObject({
      outcome: 'error',
      error_type: 'exit_code_1',
    })
    expect(log('tool_result', { ...call, output: output(124) })?.outcome).toBe('timeout')
    expect(log('tool_result', { ...call, output: output(0) })?.outcome).toBe('ok')
    expect(log('tool_result', { ...call, success: 'false' })?.outcome).toBe('error')
  })

  it('does not believe an exit code that the command itself printed', () => {
    const output = `Process exited with code 0\nOutput:\n${'y\n'.repeat(600)}Process exited with code 1`
    expect(log('tool_result', { ...call, output })?.outcome).toBe('ok')
  })

  it('of an MCP server names it', () => {
    expect(log('tool_result', { tool_name: 'query', tool_namespace: 'mcp__crm', call_id: 'm' })?.tool).toEqual({
      name: 'query',
      kind: 'mcp',
      call_id: 'm',
      server: 'crm',
    })
  })

  it('of a sub-agent is its own, and says through whom it was called', () => {
    expect(log('tool_result', { ...call, agent_name: '/root/reviewer/tester' })).toMatchObject({
      agent: { id: 'codex_exec/reviewer/tester', name: 'reviewer/tester' },
      callers: [
        { kind: 'agent', id: 'codex_exec' },
        { kind: 'agent', id: 'codex_exec/reviewer' },
      ],
    })
    expect(log('tool_result', { ...call, agent_name: '/root' })?.callers).toBeUndefined()
  })
})

describe('a decision', () => {
  it('to allow is a part of the call, to deny stands for it', () => {
    const call = { tool_name: 'exec_command', call_id: 'call_1' }
    const allowed = log('tool_decision', { ...call, decision: 'approved_for_session', source: 'User' })
    expect(allowed).toMatchObject({ role: 'part', approval: { required: true, by: 'User' } })
    expect(allowed?.operation).toBeUndefined()
    expect(log('tool_decision', { ...call, decision: 'denied', source: 'User' })).toMatchObject({
      operation: 'tool_call',
      outcome: 'denied',
      policy_decision: 'deny',
    })
  })
})

describe('a model call', () => {
  it('is told once, by the event that counts its tokens', () => {
    const kinds = [
      { 'event.kind': 'response.created' },
      { 'event.kind': 'response.completed' },
      { 'event.kind': 'response.completed', input_token_count: '120', output_token_count: '30', model: 'gpt-5' },
    ].map((attributes) => log('sse_event', attributes))
    expect(kinds.map((draft) => draft?.role)).toEqual(['context', 'context', 'event'])
    expect(kinds[2]).toMatchObject({ volume: { input_tokens: 120, output_tokens: 30 }, integrity: { model: 'gpt-5' } })
  })

  it('that was refused by the server has only its request', () => {
    expect(log('api_request', { 'http.response.status_code': 200 })?.role).toBe('context')
    expect(log('api_request', { 'http.response.status_code': 429 })).toMatchObject({
      operation: 'model_call',
      outcome: 'rate_limited',
    })
  })
})

describe('the rest', () => {
  it('a prompt begins a turn, and policies are facts of the session', () => {
    expect(log('user_prompt', { prompt: 'List customers' })?.content).toEqual({ prompt: 'List customers' })
    expect(log('user_prompt', { prompt: '[REDACTED]' })?.content).toBeUndefined()
    expect(
      log('conversation_starts', { approval_policy: 'never', sandbox_policy: 'danger-full-access' }),
    ).toMatchObject({
      role: 'context',
      attributes: { approval_policy: 'never', sandbox_policy: 'danger-full-access' },
    })
  })

  it('a span that holds a result tells of the call by the same id, without content', () => {
    const result = {
      'event.name': 'codex.tool_result',
      'conversation.id': 'c-1',
      tool_name: 'exec_command',
      call_id: 'call_1',
      success: 'true',
      arguments_length: '40',
      output_length: 120,
    }
    const events = [{ name: 'event otel/src/tool_result.rs:80', attributes: result }]
    expect(codex.span?.(spanRecord({ scope: 'codex_exec', resource, events }))).toMatchObject({
      role: 'event',
      operation: 'tool_call',
      session_id: 'c-1',
      agent: { id: 'codex_exec' },
      tool: { name: 'exec_command', call_id: 'call_1' },
      volume: { bytes_in: 40, bytes_out: 120 },
      outcome: 'ok',
    })
  })

  it('its other spans are nodes of the tree, HTTP clients too', () => {
    const attributes = { 'http.request.method': 'POST' }
    expect(codex.span?.(spanRecord({ scope: 'codex_exec', resource, kind: 3, attributes }))).toEqual({
      role: 'context',
    })
    expect(codex.span?.(spanRecord({ scope: 'codex_exec' }))).toBeUndefined()
  })
})
