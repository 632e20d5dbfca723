import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { mcp } from './mcp.ts'

const span = (attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  mcp.span?.(spanRecord({ kind: 3, ...rest, attributes }))

describe('tools/call', () => {
  it('on the side of the client reaches the server', () => {
    const draft = span({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'query',
      'gen_ai.tool.call.arguments': '{"sql":1}',
      'server.address': 'mcp.example.com',
      'server.port': 443,
      'network.transport': 'tcp',
      'jsonrpc.request.id': '7',
    })
    expect(draft).toEqual({
      role: 'event',
      operation: 'tool_call',
      tool: { name: 'query', kind: 'mcp', server: 'mcp.example.com' },
      content: { arguments: '{"sql":1}' },
      destinations: [{ host: 'mcp.example.com', port: 443, seen_in: 'network' }],
      outcome: 'ok',
    })
  })

  it('on the side of the server is served by its service, and takes its name from the span', () => {
    const draft = span(
      { 'mcp.method.name': 'tools/call' },
      { name: 'tools/call query', kind: 2, resource: { 'service.name': 'crm-mcp' } },
    )
    expect(draft?.tool).toEqual({ name: 'query', kind: 'mcp', server: 'crm-mcp' })
    expect(draft?.destinations).toBeUndefined()
  })

  it('fails by JSON-RPC code, by error type, or by its result', () => {
    const call = { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'q' }
    expect(span({ ...call, 'rpc.response.status_code': '-32602' })).toMatchObject({
      outcome: 'error',
      error_type: '-32602',
    })
    expect(span({ ...call, 'rpc.response.status_code': '-32001' })?.outcome).toBe('timeout')
    expect(span({ ...call, 'error.type': 'tool_error' })?.outcome).toBe('error')
    expect(span({ ...call, 'gen_ai.tool.call.result': '{"isError":true}' })?.outcome).toBe('error')
  })
})

describe('other methods', () => {
  it('reading a resource is a retrieval of it', () => {
    expect(span({ 'mcp.method.name': 'resources/read', 'mcp.resource.uri': 'file:///kb/refunds.md' })).toMatchObject({
      operation: 'retrieval',
      dataset_scope: [{ id: 'file:///kb/refunds.md' }],
    })
  })

  it('are nodes of the tree, known or not', () => {
    for (const method of ['initialize', 'server/discover', 'tools/list']) {
      expect(span({ 'mcp.method.name': method })).toEqual({
        role: 'context',
        attributes: { 'mcp.method.name': method },
      })
    }
  })
})
