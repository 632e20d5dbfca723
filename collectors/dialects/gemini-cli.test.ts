import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { geminiCli } from './gemini-cli.ts'

const resource = { 'service.name': 'gemini-cli', 'service.version': '0.61.0' }
const log = (event: string, attributes: Record<string, AttributeValue>, prefix = 'gemini_cli') =>
  geminiCli.log?.(
    logRecord({
      resource,
      body: 'An English sentence.',
      attributes: { 'event.name': `${prefix}.${event}`, 'session.id': 's-1', ...attributes },
    }),
  )
const span = (name: string, attributes: Record<string, AttributeValue>) =>
  geminiCli.span?.(
    spanRecord({ scope: 'gemini-cli', resource, name, attributes: { 'session.id': 's-1', ...attributes } }),
  )

const call = {
  function_name: 'run_shell_command',
  function_args: '{\n  "command": "ls"\n}',
  duration_ms: 12,
  success: true,
  decision: 'auto_accept',
  tool_type: 'native',
  content_length: 40,
}

describe('a tool call', () => {
  it('in a log record names session, tool, arguments and decision', () => {
    expect(log('tool_call', call)).toMatchObject({
      operation: 'tool_call',
      session_id: 's-1',
      agent: { id: 'gemini-cli', version: '0.61.0' },
      tool: { name: 'run_shell_command', kind: 'native' },
      content: { arguments: '{"command":"ls"}' },
      volume: { bytes_out: 40 },
      outcome: 'ok',
      approval: { required: false, by: 'auto_accept' },
    })
    expect(log('tool_call', call, 'qwen-code')?.operation).toBe('tool_call')
  })

  it('that the user rejected was denied, one that failed says how', () => {
    expect(log('tool_call', { ...call, decision: 'reject', success: false })).toMatchObject({
      outcome: 'denied',
      policy_decision: 'deny',
    })
    expect(log('tool_call', { ...call, success: false, error: 'no', error_type: 'execution_failed' })).toMatchObject({
      outcome: 'error',
      error_type: 'execution_failed',
      content: { result: 'no' },
    })
  })

  it('of an MCP server names it', () => {
    expect(log('tool_call', { ...call, tool_type: 'mcp', mcp_server_name: 'crm' })?.tool).toMatchObject({
      kind: 'mcp',
      server: 'crm',
    })
  })

  it('shares its name and arguments with its span, which adds the result', () => {
    const traced = span('tool_call', {
      'gen_ai.operation.name': 'tool_call',
      'gen_ai.tool.name': 'run_shell_command',
      'gen_ai.tool.call_id': 'run-1',
      'gen_ai.input.messages': '{"callId":"run-1","name":"run_shell_command","args":{"command":"ls"}}',
      'gen_ai.output.messages': '{"response":"README.md"}',
    })
    expect(traced).toMatchObject({
      role: 'event',
      tool: { name: 'run_shell_command', call_id: 'run-1' },
      content: { arguments: '{"command":"ls"}', result: '{"response":"README.md"}' },
    })
    expect(traced?.twin).toBe(log('tool_call', call)?.twin)
    expect(traced?.twin).not.toBe(log('tool_call', { ...call, function_args: '{}' })?.twin)
  })

  it('knows that a span was cut by its sender', () => {
    const output = `{"response":"${'x'.repeat(100)}...[TRUNCATED: original length 20000]`
    const draft = span('tool_call', { 'gen_ai.operation.name': 'tool_call', 'gen_ai.output.messages': output })
    expect(draft?.content?.truncated).toBe(true)
  })
})

describe('the rest', () => {
  it('model calls have tokens and end as they ended', () => {
    const usage = { model: 'gemini-2.5-pro', input_token_count: 10, output_token_count: 5, duration_ms: 100 }
    expect(
      log('api_response', {
        ...usage,
        response_text: '{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]}}]}',
      }),
    ).toMatchObject({
      operation: 'model_call',
      volume: { input_tokens: 10, output_tokens: 5 },
      integrity: { model: 'gemini-2.5-pro' },
      content: { output: 'Hi' },
      outcome: 'ok',
    })
    expect(log('api_error', { model: 'gemini-2.5-pro', status_code: 429, error: 'quota' })?.outcome).toBe(
      'rate_limited',
    )
  })

  it('leaves HTTP requests of the same process to those who read them', () => {
    const attributes = { 'http.request.method': 'POST', 'server.address': 'example.com' }
    const scope = '@opentelemetry/instrumentation-http'
    expect(geminiCli.span?.(spanRecord({ scope, resource, kind: 3, attributes }))).toBeUndefined()
  })

  it('prompts begin turns, configuration is a fact, other records are context', () => {
    expect(log('user_prompt', { prompt: 'hi' })).toMatchObject({ operation: 'agent_invoke', content: { prompt: 'hi' } })
    expect(log('config', { approval_mode: 'yolo' })).toMatchObject({
      role: 'context',
      attributes: { approval_mode: 'yolo' },
    })
    expect(span('schedule_tool_calls', { 'gen_ai.operation.name': 'schedule_tool_calls' })?.role).toBe('context')
  })
})
