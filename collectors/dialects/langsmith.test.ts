import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { langsmith } from './langsmith.ts'

const span = (kind: string, attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  langsmith.span?.(
    spanRecord({
      ...rest,
      attributes: { 'langsmith.span.kind': kind, 'langsmith.metadata.session_id': 's-1', ...attributes },
    }),
  )

describe('a run', () => {
  it('of a tool has its arguments and result in prompt and completion', () => {
    const draft = span('tool', {
      'langsmith.trace.name': 'query',
      'gen_ai.prompt': '{"input":{"sql":"SELECT 1"}}',
      'gen_ai.completion': '{"outputs":[{"name":"Ana"}]}',
    })
    expect(draft).toMatchObject({
      operation: 'tool_call',
      session_id: 's-1',
      tool: { name: 'query' },
      content: { arguments: '{"sql":"SELECT 1"}', result: '[{"name":"Ana"}]' },
      outcome: 'ok',
    })
  })

  it('that failed has status OK and an exception', () => {
    const events = [{ name: 'exception', attributes: { 'exception.message': 'no' } }]
    expect(span('tool', { 'langsmith.trace.name': 'drop' }, { status: 1, events })).toMatchObject({
      outcome: 'error',
      content: { result: 'no' },
    })
  })

  it('of a retriever is a retrieval, although it says embeddings', () => {
    const draft = span('retriever', {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.prompt': '{"query":"refund window?"}',
      'gen_ai.completion': '{"documents":[{"pageContent":"30 days","metadata":{"dataset":"kb"}}]}',
    })
    expect(draft).toMatchObject({
      operation: 'retrieval',
      content: { arguments: 'refund window?' },
      dataset_scope: [{ id: 'kb' }],
      volume: { documents: 1 },
    })
  })

  it('of a model has its conversation', () => {
    const draft = span('llm', {
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.prompt': '{"messages":[{"role":"user","content":"hi"}]}',
      'gen_ai.completion': '{"choices":[{"message":{"role":"assistant","content":"Hello"}}]}',
    })
    expect(draft).toMatchObject({
      operation: 'model_call',
      content: { prompt: 'hi', output: 'Hello' },
      integrity: { model: 'gpt-4o' },
    })
  })

  it('of a chain is the agent at the root, and a node below', () => {
    expect(span('chain', { 'langsmith.trace.name': 'crm', 'gen_ai.prompt': '{"input":"hi"}' })).toMatchObject({
      operation: 'agent_invoke',
      agent: { id: 'crm' },
      content: { prompt: 'hi' },
    })
    expect(span('chain', {}, { parent: 'b7ad6b7169203331' })?.role).toBe('context')
  })
})
