import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../../test/otlp-records.ts'
import { agentOf, principalOf, sessionOf } from './identity.ts'

describe('an agent', () => {
  it('has its name for an id when it has no id of its own', () => {
    expect(agentOf({ name: 'crm', version: '2' })).toEqual({ id: 'crm', name: 'crm', version: '2' })
    expect(agentOf({ id: 'asst_42', name: 'crm' })).toEqual({ id: 'asst_42', name: 'crm' })
    expect(agentOf({ version: '2' })).toBeUndefined()
  })

  it('is not known by an id that is drawn anew for every process', () => {
    const random = '3f0c7c1e-8d6b-4b7e-9a39-0d6d5b1f2a11'
    expect(agentOf({ id: random, name: 'crm' })?.id).toBe('crm')
    expect(agentOf({ id: random })?.id).toBe(random)
  })
})

describe('the principal', () => {
  it('is the first user that the record or its resource names', () => {
    expect(principalOf(spanRecord({ attributes: { 'enduser.id': 'alice', 'user.id': 'u-1' } }))).toEqual({
      kind: 'human',
      id: 'u-1',
    })
    expect(principalOf(spanRecord({ resource: { 'user.email': 'a@example.com' } }))).toEqual({
      kind: 'human',
      id: 'a@example.com',
    })
    expect(principalOf(spanRecord({ attributes: { 'user.id': 'u-1', 'user.name': 'Ana' } }))).toEqual({
      kind: 'human',
      id: 'u-1',
      name: 'Ana',
    })
    expect(principalOf(spanRecord())).toBeUndefined()
  })
})

describe('the session', () => {
  it('is the conversation, never a transport session', () => {
    expect(
      sessionOf(
        new Map([
          ['session.id', 's'],
          ['gen_ai.conversation.id', 'c'],
        ]),
      ),
    ).toBe('c')
    expect(sessionOf(new Map([['mcp.session.id', 'm']]))).toBeUndefined()
  })
})
