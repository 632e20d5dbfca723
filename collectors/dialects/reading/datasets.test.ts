import { describe, expect, it } from 'vitest'
import { databaseDatasets, documentDataset, namedDatasets } from './datasets.ts'

const of = (attributes: Record<string, string>) =>
  databaseDatasets(new Map(Object.entries(attributes)))?.map(({ id }) => id)

describe('datasets of a database span', () => {
  it('are named by system, namespace and collection', () => {
    expect(of({ 'db.system.name': 'mongodb', 'db.namespace': 'crm', 'db.collection.name': 'Leads' })).toEqual([
      'mongodb/crm/leads',
    ])
    expect(of({ 'db.system': 'redis' })).toEqual(['redis'])
    expect(of({ 'db.system': 'mssql', 'db.name': 'CRM' })).toEqual(['microsoft.sql_server/crm'])
    expect(of({})).toBeUndefined()
  })

  it('are the tables of its query where it names no collection', () => {
    const crm = { 'db.system': 'mysql', 'db.name': 'crm' }
    expect(of({ ...crm, 'db.statement': 'SELECT * FROM a, B JOIN c' })).toEqual([
      'mysql/crm/a',
      'mysql/crm/b',
      'mysql/crm/c',
    ])
    expect(of({ ...crm, 'db.query.text': 'SELECT 1', 'db.query.summary': 'SELECT songs' })).toEqual(['mysql/crm'])
    expect(of({ ...crm, 'db.query.summary': 'INSERT orders SELECT carts' })).toEqual([
      'mysql/crm/orders',
      'mysql/crm/carts',
    ])
    expect(of({ ...crm, 'db.query.summary': 'reads some songs' })).toEqual(['mysql/crm'])
  })

  it('say what was done to each, as far as the span does', () => {
    const operations = (attributes: Record<string, string>) =>
      databaseDatasets(new Map(Object.entries({ 'db.system': 'mysql', ...attributes })))?.map((each) => each.operation)
    expect(operations({ 'db.collection.name': 'leads', 'db.operation.name': 'updateMany' })).toEqual(['write'])
    expect(operations({ 'db.collection.name': 'leads', 'db.operation.name': 'aggregate' })).toEqual([undefined])
    expect(operations({ 'db.query.text': 'INSERT INTO a SELECT * FROM b' })).toEqual(['write', 'read'])
    expect(operations({ 'db.query.summary': 'INSERT orders SELECT carts' })).toEqual(['write', 'read'])
  })

  it('have ids that fit, also of letters that are two in lower case', () => {
    const long = (letter: string) => letter.repeat(512)
    expect(of({ 'db.system': 'mysql', 'db.name': long('\u0130') })?.[0]).toHaveLength(512)
    expect(documentDataset({ collection: long('\u0130') })?.id).toHaveLength(512)
    expect(namedDatasets(new Map([['aws.s3.bucket', long('x')]]))[0]?.id).toHaveLength(512)
  })

  it('hold no secret, though they are lower case', () => {
    expect(of({ 'db.system': 'mysql', 'db.statement': 'SELECT * FROM AKIAIOSFODNN7EXAMPLE' })).toEqual([
      expect.stringMatching(/^mysql\/\[masked:aws-access-key\]#[0-9a-f]{16}$/),
    ])
  })
})

describe('datasets that attributes name outright', () => {
  it.each([
    ['gen_ai.data_source.id', 'KB-Prod', 'KB-Prod'],
    ['aws.s3.bucket', 'Reports', 's3://reports'],
    ['mcp.resource.uri', 'file:///kb/Refunds.md', 'file:///kb/Refunds.md'],
    ['mcp.resource.uri', 'https://u:p@Wiki.example/page?key=1#a', 'https://Wiki.example/page'],
    ['mcp.resource.uri', 'ftp://deploy:abc/S3cr3tPassw0rd@files.corp/x', 'ftp://files.corp/x'],
    ['mcp.resource.uri', 'smb://deploy:9fK/2mQx7Lw@nas/vol?a=1', 'smb://nas/vol'],
    ['mcp.resource.uri', 'nfs://backup:k9#Vt/77Qz@nas/vol', 'nfs://nas/vol'],
    ['mcp.resource.uri', 'kb://jane@corp.example:a?b@kb/page', 'kb://kb/page'],
    ['mcp.resource.uri', 'http://kb/page?to=a:b@c', 'http://kb/page'],
    ['mcp.resource.uri', 'notion://Wiki/@jane', 'notion://Wiki/@jane'],
    ['mcp.resource.uri', 'postgres://u:p@db:5432/CRM/leads/schema', 'postgresql/crm/leads'],
    ['mcp.resource.uri', 's3://kb/a/b.md', 's3://kb'],
  ])('%s: %s is %s', (key, value, id) => {
    expect(namedDatasets(new Map([[key, value]]))).toEqual([{ id }])
  })
})

it('a resource whose URI may hold half of a password is no dataset', () => {
  expect(namedDatasets(new Map([['mcp.resource.uri', 'ftp://deploy:123/S3cr3t@files.corp/x']]))).toEqual([])
})

describe('the dataset of a document', () => {
  it('is what its metadata says, with its classification when it is one of ours', () => {
    expect(
      documentDataset({ id: 'd1', metadata: { source: 's3://kb/x.md', dataset: 'KB', classification: 'Restricted' } }),
    ).toEqual({
      id: 'kb',
      classification: 'restricted',
    })
    expect(documentDataset({ id: 'd1', metadata: '{"source":"s3://kb/x.md","classification":"secret"}' })).toEqual({
      id: 's3://kb',
    })
    expect(documentDataset({ id: 'd1', metadata: { source: 'handbook/Leave.md' } })).toEqual({
      id: 'handbook/Leave.md',
    })
    expect(documentDataset({ id: 'd1' })).toEqual({ id: 'd1' })
    expect(documentDataset({ content: 'x' })).toBeUndefined()
  })
})
