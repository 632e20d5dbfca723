import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { strands } from './strands.ts'

type Events = NonNullable<Parameters<typeof spanRecord>[0]>['events']
const span = (attributes: Record<string, AttributeValue>, events: Events = []) =>
  strands.span?.(
    spanRecord({
      scope: 'crm-agent',
      events: events ?? [],
      attributes: { 'gen_ai.event.start_time': '2026-11-21', ...attributes },
    }),
  )
const event = (name: string, attributes: Record<string, AttributeValue>) => ({ name, attributes })

describe('content', () => {
  it('of a tool call is in its span events', () => {
    const draft = span(
      { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'query', 'gen_ai.tool.status': 'success' },
      [
        event('gen_ai.tool.message', { role: 'tool', content: '{"sql":"SELECT 1"}', id: 'c1' }),
        event('gen_ai.choice', { message: '[{"text":"done"}]', id: 'c1' }),
      ],
    )
    expect(draft).toMatchObject({
      operation: 'tool_call',
      content: { arguments: '{"sql":"SELECT 1"}', result: '[{"text":"done"}]' },
      outcome: 'ok',
    })
  })

  it('of a model call, too', () => {
    const draft = span({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' }, [
      event('gen_ai.system.message', { content: '[{"text":"You are the CRM bot."}]' }),
      event('gen_ai.user.message', { content: '[{"text":"List"},{"text":"customers"}]' }),
      event('gen_ai.assistant.message', { content: '[{"toolUse":{"name":"query","toolUseId":"c0","input":{}}}]' }),
      event('gen_ai.tool.message', {
        content: '[{"toolResult":{"toolUseId":"c0","status":"success","content":[{"text":"x"}]}}]',
      }),
      event('gen_ai.choice', {
        finish_reason: 'toolUse',
        message: '[{"type":"toolUse","name":"query","toolUseId":"c1","input":{"a":1}}]',
      }),
    ])
    expect(draft).toMatchObject({
      content: { prompt: 'List\ncustomers', system_prompt: 'You are the CRM bot.' },
      requested_calls: [{ call_id: 'c1', name: 'query', arguments: '{"a":1}' }],
      answered_calls: [{ call_id: 'c0', result: 'x' }],
    })
  })

  it('in the latest conventions is in one event of details', () => {
    const details = {
      'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]',
    }
    const draft = span({ 'gen_ai.operation.name': 'chat' }, [
      event('gen_ai.client.inference.operation.details', details),
    ])
    expect(draft?.content).toEqual({ prompt: 'hi', output: 'Hello' })
  })
})

describe('failure', () => {
  it('of a tool is in its status', () => {
    expect(span({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.status': 'error' })?.outcome).toBe('error')
  })
})

describe('identity', () => {
  it('has no id where Strands writes its constant, and no provider that is really the service', () => {
    const draft = span({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'crm-agent',
      'gen_ai.agent.id': 'agent',
      'session.id': 's-1',
      'user.id': 'u-1',
      system_prompt: '"You are the CRM bot."',
    })
    expect(draft).toMatchObject({
      operation: 'agent_invoke',
      session_id: 's-1',
      principal: { id: 'u-1' },
      agent: { id: 'crm-agent', framework: 'strands' },
      content: { system_prompt: 'You are the CRM bot.' },
    })
  })

  it('is lent by loop cycles, which are nodes of the tree', () => {
    expect(strands.span?.(spanRecord({ attributes: { 'agent_loop.cycle_id': 'cycle-1' } }))).toEqual({
      role: 'context',
    })
    expect(strands.span?.(spanRecord({ attributes: { 'gen_ai.operation.name': 'chat' } }))).toBeUndefined()
  })
})
