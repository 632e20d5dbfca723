import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { example } from './examples/purpose.ts'
import { purpose } from './purpose.ts'

const judge = (fields: Partial<Telemetry>, section = example.policy) =>
  purpose.check(event(fields), {}, { policy: examplePolicy(section) })

describe('purpose', () => {
  it('explains an evaluation agent that writes a feature store', () => {
    expect(
      judge({
        tool: { name: 'features.put' },
        dataset_scope: [{ id: 'feature-store/users' }],
        content: { arguments: '{"user":1}' },
      }),
    ).toMatchObject([
      {
        severity: 'medium',
        confidence: 0.75,
        title: "Operation against the purpose of the agent: 'feature-store/users'",
        reason: "'support-assistant' did what its purpose forbids: write on 'feature-store/users'.",
        expected: expect.stringMatching(/^evaluation: never vault/),
        silence: "policies/example.yml:5: add 'features.put' to purpose.allow",
        evidence: { untrusted_tool: 'features.put', forbidden: 'write on *feature*store*', forbidden_by: 'purpose' },
        techniques: ['AML.T0053'],
      },
    ])
  })

  it('is silent about the same agent reading it, and writing what it may', () => {
    expect(judge({ tool: { name: 'features.get' }, dataset_scope: [{ id: 'feature-store/users' }] })).toEqual([])
    expect(judge({ tool: { name: 'results.save' }, dataset_scope: [{ id: 'postgresql/eval/results' }] })).toEqual([])
    expect(judge({ tool: { name: 'update_notes' } })).toEqual([])
    expect(judge({ operation: 'retrieval', dataset_scope: [{ id: 'feature-store/users' }] })).toEqual([])
  })

  it('believes a statement more than a name, and lets it speak before the name', () => {
    const dataset_scope = [{ id: 'postgresql/crm/leads', operation: 'delete' as const }]
    expect(judge({ tool: { name: 'sql.query' }, dataset_scope })).toMatchObject([
      {
        severity: 'high',
        confidence: 0.95,
        evidence: { said_by: 'statement' },
        techniques: ['AML.T0053', 'AML.T0101'],
      },
    ])
    expect(judge({ operation: 'egress', dataset_scope })).toMatchObject([{ techniques: [] }])
    expect(
      judge({ tool: { name: 'features.put' }, dataset_scope: [{ id: 'feature-store/users', operation: 'read' }] }),
    ).toEqual([])
  })

  it('weighs what was stopped less', () => {
    expect(judge({ tool: { name: 'crm.delete_lead' }, outcome: 'denied' })).toMatchObject([
      { severity: 'medium', reason: expect.stringContaining('the call was stopped'), techniques: ['AML.T0053'] },
    ])
  })

  it('judges sending and paying by name, and knows exceptions and named things', () => {
    expect(judge({ tool: { name: 'send_email' } })).toMatchObject([{ techniques: ['AML.T0053', 'AML.T0086'] }])
    expect(judge({ tool: { name: 'payments.create' } })[0]?.severity).toBe('high')
    expect(judge({ tool: { name: 'get_payment_status' } })).toEqual([])
    expect(judge({ tool: { name: 'crm.delete_test_lead' } })).toEqual([])
    expect(judge({ tool: { name: 'open' }, dataset_scope: [{ id: 'vault/keys' }] })).toMatchObject([
      { evidence: { forbidden_by: 'entry' }, reason: expect.stringContaining("used 'vault/keys'") },
    ])
  })

  it('takes the method of a request where no name says anything', () => {
    const destinations = [{ host: 'api.example.com', method: 'DELETE', seen_in: 'network' as const }]
    expect(judge({ tool: { name: 'crm.api' }, destinations })).toMatchObject([{ evidence: { forbidden: 'delete' } }])
    expect(judge({ tool: { name: 'crm.lookup' }, destinations })).toEqual([])
  })

  it('says nothing of agents without a declared purpose', () => {
    expect(judge({ tool: { name: 'crm.delete' } }, 'tools: { deny: [x] }')).toEqual([])
    expect(purpose.check(event({ tool: { name: 'crm.delete' } }), {}, { policy: undefined })).toEqual([])
  })
})
