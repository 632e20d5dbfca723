import { describe, expect, it } from 'vitest'
import { type FieldPath, fieldsOf, sectionsOf } from './field-path.ts'

describe('the fields of a record', () => {
  it('are those that say something, two steps deep, of lists what any entry says', () => {
    const fields: readonly FieldPath[] = [
      'tool',
      'tool.name',
      'dataset_scope',
      'dataset_scope.id',
      'dataset_scope.tenant',
    ]
    const record = {
      tool: { name: 'crm.read' },
      token: null,
      approval: {},
      destinations: [],
      error_type: '',
      dataset_scope: [{ id: 'a' }, { id: 'b', tenant: 't' }],
      attributes: { 'db.name': 'x' },
    }
    expect(fieldsOf(record)).toEqual([...fields, 'attributes', 'attributes.db.name'])
  })
})

describe('the sections of a policy', () => {
  it('are what it says of what an agent may do', () => {
    const policy = {
      version: 1 as const,
      id: 'a',
      owner: 'o',
      agent: { id: 'a' },
      mode: 'off' as const,
      tools: { allow: [] },
    }
    expect(sectionsOf(policy)).toEqual(['tools'])
    expect(sectionsOf({ ...policy, maturity: 'intern' })).toEqual(['tools', 'approvals'])
  })
})
