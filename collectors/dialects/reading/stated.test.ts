import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../../test/otlp-records.ts'
import type { AttributeValue } from '../../otlp/records.ts'
import { statedBy } from './stated.ts'

const stated = (attributes: Record<string, AttributeValue>) => statedBy(spanRecord({ attributes }))

describe('what an agent states', () => {
  it('is nothing when it states nothing', () => {
    expect(stated({ 'gen_ai.tool.name': 'query' })).toBeUndefined()
  })

  it('is read from JSON, from arrays of JSON, and from structured values', () => {
    const subject = { kind: 'human', id: 'ana' }
    for (const value of [JSON.stringify([subject]), [JSON.stringify(subject)], [new Map(Object.entries(subject))]]) {
      expect(stated({ 'telltale.subject_chain': value })).toEqual({ subject_chain: [subject] })
    }
  })

  it('has datasets by name or with classification, tenant and operation', () => {
    expect(stated({ 'telltale.dataset_scope': ['crm.customers'] })).toEqual({
      dataset_scope: [{ id: 'crm.customers' }],
    })
    const full = { id: 'hr', classification: 'restricted', tenant: 'acme', operation: 'read' }
    expect(stated({ 'telltale.dataset_scope': JSON.stringify([full]) })).toEqual({ dataset_scope: [full] })
  })

  it('has a policy decision, its id, an approval and techniques', () => {
    expect(
      stated({
        'telltale.policy_snapshot': '0B7E2F6C-1C7A-4C1B-9F57-2D1E5C6A7B80',
        'telltale.policy_decision': 'step_up',
        'telltale.approval': '{"required":true,"by":"ana"}',
        'telltale.atlas_mapping': ['AML.T0051', 'AML.T0051.001', 'AML.T0051'],
      }),
    ).toEqual({
      policy_snapshot: '0b7e2f6c-1c7a-4c1b-9f57-2d1e5c6a7b80',
      policy_decision: 'step_up',
      approval: { required: true, by: 'ana' },
      atlas_mapping: ['AML.T0051', 'AML.T0051.001'],
    })
  })

  it('accepts an approval as a boolean or as a name', () => {
    expect(stated({ 'telltale.approval': true })).toEqual({ approval: { required: true } })
    expect(stated({ 'telltale.approval': 'ana' })).toEqual({ approval: { by: 'ana' } })
  })

  it('has when an approval was given and which one it was', () => {
    const at = Date.UTC(2026, 10, 22, 10, 0, 0)
    for (const when of [`"at_ms":${at}`, '"at":"2026-11-22T10:00:00Z"', '"at":"2026-11-22T11:00:00.000+01:00"']) {
      expect(stated({ 'telltale.approval': `{"by":"ana","id":"apr-7",${when}}` })).toEqual({
        approval: { by: 'ana', id: 'apr-7', at_ms: at },
      })
    }
    expect(stated({ 'telltale.approval': '{"by":"ana","at":"yesterday","at_ms":-5}' })).toEqual({
      approval: { by: 'ana' },
    })
  })

  it('has the credential that was asked for or used, never the credential itself', () => {
    expect(
      stated({
        'telltale.token': JSON.stringify({
          scopes_requested: 'read:crm write:crm',
          scopes_granted: ['read:crm'],
          audience: 'https://crm.example.com',
          lifetime_s: 3600,
          subject: 'planner',
          access_token: 'abc',
        }),
      }),
    ).toEqual({
      token: {
        scopes_requested: ['read:crm', 'write:crm'],
        scopes_granted: ['read:crm'],
        audience: 'https://crm.example.com',
        lifetime_s: 3600,
        subject: 'planner',
      },
    })
    expect(stated({ 'telltale.token': '{"lifetime_s":-1}' })).toEqual({})
    expect(stated({ 'telltale.token': 'abc' })).toEqual({})
  })

  it('has who answers for the agent and how it is labelled, stated by the record or its resource, the record first', () => {
    const attributes = { 'telltale.agent.labels.tier': 'gold', 'telltale.agent.owner': 'cx' }
    expect(stated(attributes)).toEqual({ agent: { owner: 'cx', labels: { tier: 'gold' } } })
    const resource = { 'telltale.agent.labels.tier': 'basic', 'telltale.agent.labels.region': 'eu' }
    expect(statedBy(spanRecord({ attributes: {}, resource }))).toEqual({
      agent: { labels: { tier: 'basic', region: 'eu' } },
    })
    expect(statedBy(spanRecord({ attributes, resource }))).toEqual({
      agent: { owner: 'cx', labels: { tier: 'gold', region: 'eu' } },
    })
    expect(stated({ 'telltale.agent.labels.': 'x', 'telltale.agent.labels.tier': 7, 'telltale.agent.x': 'y' })).toEqual(
      {
        agent: { labels: { tier: '7' } },
      },
    )
  })

  it('has no more labels than an agent may have', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`telltale.agent.labels.l${n}`, 'x']))
    expect(Object.keys(stated(many)?.agent?.labels ?? {})).toHaveLength(16)
  })

  it('is left out where it does not fit, statement by statement', () => {
    expect(
      stated({
        'telltale.subject_chain': '[{"kind":"robot","id":"x"},{"kind":"agent"},"x",null]',
        'telltale.dataset_scope': '[{"classification":"secret"}]',
        'telltale.policy_snapshot': 'latest',
        'telltale.policy_decision': 'maybe',
        'telltale.approval': '[]',
        'telltale.atlas_mapping': 'T1059',
      }),
    ).toEqual({})
    expect(stated({ 'telltale.dataset_scope': '[{"id":"a","classification":"secret"}]' })).toEqual({
      dataset_scope: [{ id: 'a' }],
    })
  })
})
