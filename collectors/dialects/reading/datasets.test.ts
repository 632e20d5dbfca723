import { describe, expect, it } from 'vitest'
import { databaseDatasets, documentDataset, tablesOf } from './datasets.ts'

const of = (attributes: Record<string, string>) =>
  databaseDatasets(new Map(Object.entries(attributes)))?.map(({ id }) => id)

describe('tables of a query', () => {
  it.each([
    ['SELECT name FROM customers WHERE id = $1', ['customers']],
    ['select * from public."Orders" o join crm.customers c on c.id = o.id', ['public.orders', 'crm.customers']],
    ['INSERT INTO audit_log VALUES (1)', ['audit_log']],
    ['UPDATE customers SET name = 1', ['customers']],
    ['DROP TABLE IF EXISTS audit', ['audit']],
    ['SELECT 1', []],
    ['SELECT * FROM (SELECT * FROM inner_table) x', ['inner_table']],
  ])('%s', (query, tables) => {
    expect(tablesOf(query)).toEqual(tables)
  })

  it('are bounded, and found in linear time', () => {
    expect(tablesOf(Array.from({ length: 100 }, (_, n) => `FROM t${n}`).join(' '))).toHaveLength(16)
    expect(tablesOf(`from ${' '.repeat(60_000)}`)).toEqual([])
    expect(tablesOf('from if not '.repeat(5000))).toEqual([])
  })
})

describe('datasets of a database span', () => {
  it('are named by system, namespace and collection', () => {
    expect(of({ 'db.system.name': 'mongodb', 'db.namespace': 'crm', 'db.collection.name': 'leads' })).toEqual([
      'mongodb/crm/leads',
    ])
    expect(of({ 'db.system': 'mysql', 'db.name': 'crm', 'db.statement': 'SELECT * FROM a, b JOIN c' })).toEqual([
      'mysql/crm/a',
      'mysql/crm/c',
    ])
    expect(of({ 'db.system': 'redis' })).toEqual(['redis'])
    expect(of({})).toBeUndefined()
  })
})

describe('the dataset of a document', () => {
  it('is what its metadata says, with its classification when it is one of ours', () => {
    expect(
      documentDataset({ id: 'd1', metadata: { source: 's3://kb/x.md', dataset: 'kb', classification: 'Restricted' } }),
    ).toEqual({
      id: 'kb',
      classification: 'restricted',
    })
    expect(documentDataset({ id: 'd1', metadata: '{"source":"s3://kb/x.md","classification":"secret"}' })).toEqual({
      id: 's3://kb/x.md',
    })
    expect(documentDataset({ id: 'd1' })).toEqual({ id: 'd1' })
    expect(documentDataset({ content: 'x' })).toBeUndefined()
  })
})
