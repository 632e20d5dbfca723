import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { sanitizeAttributes } from './attributes.ts'
import type { Building } from './draft.ts'

const RECORD: Building<Fragment> = {
  session_id: 'conversation-7',
  agent: { id: 'planner', name: 'planner', version: '2.1' },
  tool: { name: 'crm.read', call_id: 'call_1' },
  integrity: { model: 'gpt-4o' },
  volume: { input_tokens: 87 },
  destinations: [{ host: 'crm.example.com', port: 443, method: 'GET' }],
}

const kept = (attributes: Readonly<Record<string, string | number>>, record = RECORD) =>
  sanitizeAttributes(undefined, new Map(Object.entries(attributes)), record)

describe('attributes that a field says', () => {
  it.each([
    ['gen_ai.agent.id', 'planner'],
    ['gen_ai.agent.name', 'planner'],
    ['gen_ai.agent.version', '2.1'],
    ['gen_ai.conversation.id', 'conversation-7'],
    ['session.id', 'conversation-7'],
    ['gen_ai.tool.name', 'crm.read'],
    ['gen_ai.tool.call.id', 'call_1'],
    ['gen_ai.request.model', 'gpt-4o'],
    ['gen_ai.usage.input_tokens', 87],
    ['server.address', 'crm.example.com'],
    ['server.port', 443],
    ['http.request.method', 'GET'],
  ])('are not kept a second time: %s', (key, value) => {
    expect(kept({ [key]: value })).toBeUndefined()
  })

  it.each([
    ['the field says something else', { 'gen_ai.request.model': 'gpt-4o-mini' }, RECORD],
    ['the field says it in other letters', { 'http.request.method': 'get' }, RECORD],
    ['the field says nothing', { 'gen_ai.tool.name': 'crm.read' }, {}],
    ['another key has the value', { 'my.tool': 'crm.read' }, RECORD],
  ])('are kept where %s', (_, attributes, record) => {
    expect(kept(attributes, record)).toEqual(attributes)
  })

  it('are kept where a dialect chose them', () => {
    expect(sanitizeAttributes({ 'tool.name': 'crm.read' }, undefined, RECORD)).toEqual({ 'tool.name': 'crm.read' })
  })
})
