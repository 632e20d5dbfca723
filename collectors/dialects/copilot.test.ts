import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { copilot } from './copilot.ts'

const resource = { 'service.name': 'github-copilot', 'service.version': '1.0.102' }
const span = (name: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  copilot.span?.(
    spanRecord({
      scope: 'github.copilot',
      resource,
      name,
      ...rest,
      attributes: { 'gen_ai.conversation.id': 'c-1', ...attributes },
    }),
  )
const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'bash', 'gen_ai.tool.type': 'function' }

describe('a tool call', () => {
  it('names its session and leaves the agent to its ancestors', () => {
    const draft = span('execute_tool bash bash', { ...tool, 'gen_ai.tool.call.id': 't-1', 'process.exit.code': 0 })
    expect(draft).toEqual({
      role: 'event',
      operation: 'tool_call',
      session_id: 'c-1',
      tool: { name: 'bash', kind: 'function', call_id: 't-1' },
      outcome: 'ok',
    })
  })

  it('of an MCP server keeps hashed names, and says that it is MCP', () => {
    const draft = span('execute_tool', {
      ...tool,
      'gen_ai.tool.name': 'aa/bb',
      'github.copilot.tool.parameters.mcp_server_name_hash': 'aa',
    })
    expect(draft?.tool).toEqual({ name: 'aa/bb', kind: 'mcp', server: 'aa' })
  })

  it('takes plain names when content is captured', () => {
    const draft = span('execute_tool', {
      ...tool,
      'gen_ai.tool.name': 'crm-query',
      'github.copilot.tool.parameters.mcp_server_name': 'crm',
      'github.copilot.tool.parameters.mcp_tool_name': 'query',
    })
    expect(draft?.tool).toEqual({ name: 'query', kind: 'mcp', server: 'crm' })
  })

  it('that was denied was denied, not failed', () => {
    const events = [{ name: 'gen_ai.client.operation.exception', attributes: { 'exception.type': 'ToolError' } }]
    expect(span('execute_tool bash', { ...tool, 'error.type': 'denied' }, { status: 2, events })?.outcome).toBe(
      'denied',
    )
    expect(span('permission', { 'github.copilot.permission.result': 'denied-no-approval-rule' })).toMatchObject({
      role: 'part',
      outcome: 'denied',
      policy_decision: 'deny',
    })
  })

  it('fails by exit code', () => {
    expect(span('execute_tool bash', { ...tool, 'process.exit.code': 2 })?.outcome).toBe('error')
  })
})

describe('agents', () => {
  it('the root is the service, a nested one names itself or nobody', () => {
    const invoke = { 'gen_ai.operation.name': 'invoke_agent' }
    expect(span('invoke_agent', invoke)).toMatchObject({
      operation: 'agent_invoke',
      agent: { id: 'github-copilot', version: '1.0.102', framework: 'copilot' },
    })
    const parent = 'b7ad6b7169203331'
    expect(span('invoke_agent', invoke, { parent })?.role).toBe('context')
    expect(span('invoke_agent reviewer', { ...invoke, 'gen_ai.agent.name': 'reviewer' }, { parent })?.agent?.id).toBe(
      'reviewer',
    )
  })
})

describe('other spans of the same process', () => {
  it('are nodes of the tree when they are ours, else left to others', () => {
    expect(span('hook', {})?.role).toBe('context')
    expect(span('POST', { 'http.request.method': 'POST' }, { scope: 'http' })).toBeUndefined()
    expect(span('execute_tool bash', tool, { scope: 'extension' })?.operation).toBe('tool_call')
  })
})

describe('log records of the editor', () => {
  it('tell of calls, with the same call id as the span', () => {
    const attributes = {
      'event.name': 'copilot_chat.tool.call',
      'gen_ai.tool.name': 'readFile',
      success: false,
      'gen_ai.tool.call.id': 't-1',
    }
    expect(copilot.log?.(logRecord({ attributes }))).toMatchObject({
      operation: 'tool_call',
      tool: { name: 'readFile', call_id: 't-1' },
      outcome: 'error',
    })
    expect(copilot.log?.(logRecord({ attributes: { 'event.name': 'copilot_chat.session.start' } }))?.role).toBe(
      'context',
    )
    expect(copilot.log?.(logRecord({ event: 'other' }))).toBeUndefined()
  })
})
