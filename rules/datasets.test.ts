import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { examplePolicy } from '../detectors/arbitrary.ts'
import type { Dataset, DatasetOperation } from '../schema/telemetry.ts'

const rules = (section: string) => {
  const { datasets } = examplePolicy(`datasets: ${section}`)
  if (datasets === undefined) {
    throw new Error('no datasets')
  }
  return datasets
}
const judge = (section: string, dataset: string | Dataset, operation?: DatasetOperation) =>
  rules(section).judge(typeof dataset === 'string' ? { id: dataset } : dataset, operation)
const allows = (section: string, id: string) => judge(section, id).allowed

describe('allowed datasets', () => {
  it('are a closed world', () => {
    const section = '{ allow: [postgresql/crm/*, s3://reports] }'
    expect(allows(section, 'postgresql/crm/leads')).toBe(true)
    expect(allows(section, 's3://reports')).toBe(true)
    expect(allows(section, 'postgresql/hr/salaries')).toBe(false)
    expect(allows(section, 's3://backups')).toBe(false)
    expect(allows('{ allow: [] }', 'postgresql/crm/leads')).toBe(false)
    expect(allows('{ deny: [postgresql/hr/*] }', 'postgresql/crm/leads')).toBe(true)
  })

  it('are compared without regard to case, and a bucket with what lies in it', () => {
    expect(allows('{ allow: [PostgreSQL/CRM/Leads, KB1A2B] }', 'postgresql/crm/leads')).toBe(true)
    expect(allows('{ allow: [kb1a2b] }', 'KB1A2B')).toBe(true)
    expect(allows("{ allow: ['s3://reports/*'] }", 's3://reports')).toBe(true)
    expect(allows("{ allow: ['s3://reports/*'] }", 's3://reports-secret')).toBe(false)
  })

  it('may be written by their ends, at whole names', () => {
    expect(allows('{ allow: [leads] }', 'postgresql/crm/leads')).toBe(true)
    expect(allows('{ allow: [leads] }', 'crm/public.leads')).toBe(true)
    expect(allows('{ allow: [reports] }', 's3://reports')).toBe(true)
    expect(allows("{ allow: ['crm/*'] }", 'postgresql/crm/leads')).toBe(true)
    expect(allows('{ allow: [leads] }', 'postgresql/crm/misleads')).toBe(false)
  })

  it('say what would allow another', () => {
    expect(judge('{ allow: [postgresql/crm/*], deny: [postgresql/crm/cards] }', 'postgresql/hr/pay')).toEqual({
      allowed: false,
      because: 'not-listed',
      doubt: false,
      expected: 'postgresql/crm/*; never postgresql/crm/cards',
      policy: { file: 'policies/example.yml', line: 5, allow_with: "add 'postgresql/hr/pay' to datasets.allow" },
    })
  })
})

describe('an id of which only the end is known', () => {
  it.each([
    ['postgresql/crm/leads', 'leads'],
    ['postgresql/crm/leads', 'crm/leads'],
    ['postgresql/crm/*', 'leads'],
    ['postgresql/crm/*', 'crm/leads'],
    ['postgresql/*', 'hr/salaries'],
    ['postgresql/crm/*', 'public.leads'],
    ['*/crm/*', 'crm/leads'],
    ['s3://reports', 'reports'],
    ['postgresql/crm/lead*', 'leads'],
    ['postgresql/crm*', 'leads'],
    ['azure://account/*', 'container'],
  ])('is allowed by %s, which may mean %s', (entry, id) => {
    expect(allows(`{ allow: ['${entry}'] }`, id)).toBe(true)
  })

  it.each([
    ['postgresql/crm/leads', 'salaries'],
    ['postgresql/crm/*', 'hr/salaries'],
    ['postgresql/crm/lead*', 'salaries'],
    ['s3://reports', 'backups'],
    ['postgresql/crm/leads', 'eads'],
  ])('is not allowed by %s, which cannot mean %s', (entry, id) => {
    expect(allows(`{ allow: ['${entry}'] }`, id)).toBe(false)
  })

  it('is no end where it has a system, a scheme, or the capitals of an opaque id', () => {
    for (const id of ['mysql/crm', 'mysql/crm/leads', 's3://leads', 'KB1A2B']) {
      expect(allows("{ allow: ['postgresql/crm/*'] }", id)).toBe(false)
    }
  })

  it('is denied by its own name always, and by the end of an entry where nothing may allow it', () => {
    expect(judge("{ allow: ['*'], deny: [salaries] }", 'hr/salaries')).toMatchObject({
      because: 'denied',
      doubt: false,
    })
    expect(judge('{ deny: [postgresql/hr/salaries] }', 'salaries')).toMatchObject({ because: 'denied', doubt: true })
    expect(judge('{ deny: [postgresql/hr/salaries] }', 'hr/salaries')).toMatchObject({ because: 'denied', doubt: true })
    expect(allows('{ deny: [postgresql/hr/salaries] }', 'postgresql/archive/salaries')).toBe(true)
    expect(allows("{ deny: ['postgresql/hr/*'] }", 'salaries')).toBe(true)
    expect(allows("{ allow: ['postgresql/crm/*'], deny: [postgresql/hr/users] }", 'users')).toBe(true)
  })
})

describe('what the policy says beside lists', () => {
  const section = `{ allow: ['postgresql/crm/*', { id: 's3://reports', operations: [read], max_rows: 1000 }],
    deny: [postgresql/crm/cards], clearance: internal, tenants: [acme, 'beta-*'], tenant_in: ['postgresql/{tenant}_crm/*'],
    max_rows: 50 }`

  it('judges operations where they are known, the gravest first', () => {
    expect(judge(section, 's3://reports', 'read').allowed).toBe(true)
    expect(judge(section, 's3://reports').allowed).toBe(true)
    expect(judge(section, 's3://reports', 'delete')).toMatchObject({
      because: 'operation',
      expected: "read of 's3://reports'",
      policy: { line: 5, allow_with: "add delete to the operations of 's3://reports' in datasets.allow" },
    })
    expect(judge(section, 'postgresql/crm/leads', 'delete').allowed).toBe(true)
  })

  it('judges classifications and tenants', () => {
    const dataset = { id: 'postgresql/crm/leads' }
    expect(judge(section, { ...dataset, classification: 'internal' }).allowed).toBe(true)
    expect(judge(section, { ...dataset, classification: 'restricted' })).toMatchObject({ because: 'clearance' })
    expect(judge(section, { ...dataset, tenant: 'Beta-2' }).allowed).toBe(true)
    expect(judge(section, { ...dataset, tenant: 'globex' })).toMatchObject({
      because: 'tenant',
      policy: { allow_with: "add 'globex' to datasets.tenants" },
    })
    expect(judge(section, 'postgresql/globex_crm/leads')).toMatchObject({ because: 'tenant' })
    expect(judge(section, 'postgresql/acme_crm/leads')).toMatchObject({ because: 'not-listed' })
  })

  it('limits rows by what was touched, and by the section where nothing was named', () => {
    const rows = (ids: string[], count: number) =>
      rules(section).judgeRows(
        ids.map((id) => ({ id })),
        count,
      )
    expect(rows(['postgresql/crm/leads'], 50).allowed).toBe(true)
    expect(rows(['postgresql/crm/leads'], 51)).toMatchObject({ because: 'rows', expected: 'at most 50 rows a call' })
    expect(rows(['postgresql/crm/leads', 's3://reports'], 1000).allowed).toBe(true)
    expect(rows(['s3://reports'], 1001)).toMatchObject({ policy: { line: 5, allow_with: 'raise max_rows to 1001' } })
    expect(rows([], 51).allowed).toBe(false)
    expect(rules('{ deny: [x] }').judgeRows([{ id: 'y' }], 1e9).allowed).toBe(true)
  })
})

describe('the tenant of a dataset', () => {
  it.each([
    ["{ tenant_in: ['postgresql/{tenant}/*'] }", 'postgresql/acme/leads', 'acme'],
    ["{ tenant_in: ['s3://{tenant}-exports'] }", 's3://acme-exports', 'acme'],
    ["{ tenant_in: ['s3://{tenant}-exports'] }", 's3://acme-exports-2', undefined],
    ["{ tenant_in: ['postgresql/t_{tenant}/leads'] }", 'postgresql/t_acme/leads', 'acme'],
    ["{ tenant_in: ['postgresql/{tenant}/leads'] }", 'postgresql/a/b/leads', undefined],
    ['{ max_rows: 1 }', 'lake/tenant=Acme/2026', 'acme'],
    ['{ max_rows: 1 }', 'file:///data/tenants/acme/a.csv', 'acme'],
    ['{ max_rows: 1 }', 'postgresql/tenants/settings', undefined],
    ['{ max_rows: 1 }', 'postgresql/app/tenant_settings', undefined],
  ])('under %s, of %s is %s', (section, id, tenant) => {
    expect(rules(section).tenantOf({ id })).toBe(tenant)
  })
})

it('never refuses a full id that it allows written out, nor allows one that it denies', () => {
  const part = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
  const id = fc.tuple(part, part).map(([database, table]) => `postgresql/${database}/${table}`)
  fc.assert(
    fc.property(id, id, (one, other) => {
      expect(allows(`{ allow: ['${one}'] }`, one)).toBe(true)
      expect(allows(`{ allow: ['${one}'] }`, one.slice(one.lastIndexOf('/') + 1))).toBe(true)
      expect(allows(`{ allow: ['*'], deny: ['${one}'] }`, one)).toBe(false)
      expect(allows(`{ allow: ['${one}'] }`, other)).toBe(one === other)
    }),
  )
})
