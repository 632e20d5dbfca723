import { describe, expect, it } from 'vitest'
import type { Dataset, Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { datasetScope } from './dataset-scope.ts'
import { example } from './examples/dataset-scope.ts'

const policy = examplePolicy(example.policy)

function judge(fields: Partial<Telemetry>, section: string | undefined = example.policy) {
  const context = { policy: section === '' ? undefined : examplePolicy(section) }
  return datasetScope.check(event(fields), datasetScope.initial(), context)
}
const touch = (...dataset_scope: Dataset[]) => judge({ tool: { name: 'crm.api' }, dataset_scope })

/** What each of these events gives, in one session. */
function session(section: string, events: readonly Partial<Telemetry>[]) {
  const context = { policy: section === '' ? undefined : examplePolicy(section) }
  const state = datasetScope.initial()
  return events.map((fields) => {
    const drafts = datasetScope.check(event(fields), state, context)
    const changed = (drafts.length > 0 ? datasetScope.spoke : datasetScope.learn)?.(event(fields), state, context)
    return { drafts, changed }
  })
}
const of = (tenant: string): Partial<Telemetry> => ({
  tool: { name: 'crm.read' },
  dataset_scope: [{ id: 'postgresql/crm/leads', tenant }],
})

describe('dataset-scope', () => {
  it('is silent about what is allowed, however it is named', () => {
    expect(touch({ id: 'postgresql/crm/leads' }, { id: 'leads' }, { id: 'crm/leads', operation: 'delete' })).toEqual([])
    expect(judge({ tool: { name: 's3.get_object' }, dataset_scope: [{ id: 's3://reports' }] })).toEqual([])
    expect(judge({ dataset_scope: [{ id: 'x' }] }, 'tools: { deny: [x] }')).toEqual([])
  })

  it('explains a dataset that is not listed', () => {
    const fields = { tool: { name: 'sql.query' }, content: { arguments: '{"sql":"..."}' } }
    expect(judge({ ...fields, dataset_scope: [{ id: 'postgresql/hr/people', operation: 'read' }] })).toMatchObject([
      {
        severity: 'medium',
        confidence: 0.97,
        title: "Agent touched a dataset outside its scope: 'postgresql/hr/people'",
        reason: "'support-assistant' read 'postgresql/hr/people', which its policy does not list.",
        expected: 'postgresql/crm/*, s3://reports; never salaries',
        silence: "policies/example.yml:5: add 'postgresql/hr/people' to datasets.allow",
        evidence: { untrusted_dataset: 'postgresql/hr/people', rule: 'not-listed', operation: 'read' },
        techniques: ['AML.T0085', 'AML.T0085.001'],
        policy: { file: 'policies/example.yml', line: 5 },
      },
    ])
  })

  it('takes what is denied seriously, and doubts what is only the end of it', () => {
    expect(touch({ id: 'postgresql/crm/salaries' })).toMatchObject([{ severity: 'high', confidence: 0.97 }])
    const deny = 'datasets: { deny: [postgresql/hr/salaries] }'
    expect(judge({ dataset_scope: [{ id: 'salaries' }] }, deny)).toMatchObject([
      { severity: 'medium', confidence: 0.6, evidence: { only_end_known: true } },
    ])
  })

  it('says once what the arguments name by its end and the query below them in full', () => {
    expect(touch({ id: 'people' }, { id: 'hr/people' }, { id: 'postgresql/hr/people' })).toHaveLength(1)
  })

  it('judges operations, and believes a statement more than the name of a tool', () => {
    const reports = { id: 's3://reports' }
    expect(touch({ ...reports, operation: 'delete' })).toMatchObject([
      {
        severity: 'medium',
        confidence: 0.97,
        reason: expect.stringContaining('which its policy does not allow on it'),
      },
    ])
    expect(judge({ tool: { name: 's3.delete_object' }, dataset_scope: [reports] })).toMatchObject([
      {
        severity: 'low',
        confidence: 0.6,
        evidence: { rule: 'operation' },
        techniques: expect.arrayContaining(['AML.T0053']),
      },
    ])
    expect(judge({ tool: { name: 's3.delete_object' }, dataset_scope: [{ ...reports, operation: 'read' }] })).toEqual(
      [],
    )
  })

  it('judges classifications, tenants and rows', () => {
    const id = 'postgresql/crm/leads'
    expect(touch({ id, classification: 'restricted' })).toMatchObject([
      { severity: 'high', expected: 'data that is at most confidential', evidence: { rule: 'clearance' } },
    ])
    expect(touch({ id, tenant: 'globex' })).toMatchObject([{ severity: 'high', evidence: { rule: 'tenant' } }])
    expect(judge({ operation: 'egress', dataset_scope: [{ id }], volume: { rows: 101 } })).toMatchObject([
      { title: 'Agent got more rows than it may', expected: 'at most 100 rows a call', evidence: { rows: 101 } },
    ])
    expect(judge({ operation: 'egress', dataset_scope: [{ id }], volume: { rows: 100 } })).toEqual([])
  })

  it('weighs a call that was stopped less', () => {
    const dataset_scope = [{ id: 'postgresql/crm/salaries' }]
    expect(judge({ dataset_scope, outcome: 'denied' })).toMatchObject([
      { severity: 'medium', reason: expect.stringContaining('the call was stopped') },
    ])
  })

  it('gives the first findings of many, and says how many there are', () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ id: `mysql/other/t${index}` }))
    expect(touch(...many)).toHaveLength(8)
    expect(touch(...many)[7]?.evidence).toMatchObject({ more_datasets: 12 })
  })
})

describe('a pivot', () => {
  it('is the step from one tenant to the next within a session, told once', () => {
    const told = session(example.policy ?? '', [of('acme'), of('acme'), of('beta'), of('beta'), of('acme')])
    expect(told.map(({ drafts }) => drafts.length)).toEqual([0, 0, 1, 0, 0])
    expect(told.map(({ changed }) => changed)).toEqual([true, false, true, false, false])
    expect(told[2]?.drafts).toMatchObject([
      {
        cause: 'tenant-pivot',
        severity: 'high',
        reason: "'support-assistant' touched data of 'beta' in a session that had been about 'acme'.",
        expected: 'data of one tenant in a session',
        silence: 'policies/example.yml:5: set datasets.tenants_per_session above 1',
        evidence: { untrusted_new_tenant: 'beta', untrusted_tenant_before: 'acme', tenants: 2 },
        techniques: ['AML.T0085', 'AML.T0085.001', 'AML.T0053'],
      },
    ])
  })

  it('is allowed as often as the policy says', () => {
    const told = session('datasets: { tenants_per_session: 2 }', [of('a'), of('b'), of('c')])
    expect(told.map(({ drafts }) => drafts.length)).toEqual([0, 0, 1])
  })

  it('is context where no policy governs, and judged by one that says nothing about data', () => {
    expect(session('', [of('a'), of('b')])[1]?.drafts).toMatchObject([{ severity: 'informational' }])
    expect(session('tools: { deny: [x] }', [of('a'), of('b')])[1]?.drafts).toMatchObject([
      { severity: 'high', silence: 'policies/example.yml: set datasets.tenants_per_session above 1' },
    ])
    expect(session('mode: off', [of('a'), of('b')])[1]?.drafts).toEqual([])
  })

  it('is not told again of a tenant that the policy refuses by itself', () => {
    const [, second] = session(example.policy ?? '', [of('acme'), of('globex')])
    expect(second?.drafts.map(({ evidence }) => evidence.rule)).toEqual(['tenant'])
  })

  it('is seen in one call that touches two tenants, and in ids that hold the tenant', () => {
    const joined = { dataset_scope: [{ id: 'lake/tenant=a/x' }, { id: 'lake/tenant=b/x' }] }
    expect(session('tools: { deny: [x] }', [joined])[0]?.drafts).toHaveLength(1)
  })
})

it('leaves its state alone where no tenant is named', () => {
  const state = datasetScope.initial()
  expect(datasetScope.learn(event({ dataset_scope: [{ id: 'x' }] }), state, { policy })).toBe(false)
})
