import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { BadStatement, bindable, readHead, readInsert } from './statement.ts'

const request = (url: string, headers: IncomingMessage['headers'] = {}) => ({ url, headers }) as IncomingMessage

describe('the head of a request', () => {
  it('has parameters, format and id from the address', () => {
    const head = readHead(request('/?query=SELECT+1&param_a=x%5Cty&default_format=JSON&query_id=q-1'))
    expect(head).toMatchObject({ query: 'SELECT 1', format: 'JSON', queryId: 'q-1' })
    expect([...head.params]).toEqual([['a', 'x\\ty']])
  })

  it.each([
    [{ authorization: `Basic ${Buffer.from('reader:a:b').toString('base64')}` }, { user: 'reader', password: 'a:b' }],
    [
      { 'x-clickhouse-user': 'grafana', 'x-clickhouse-key': 'k' },
      { user: 'grafana', password: 'k' },
    ],
    [{}, { user: 'default', password: '' }],
  ])('has credentials from its headers', (headers, credentials) => {
    expect(readHead(request('/', headers)).credentials).toEqual(credentials)
  })

  it('refuses settings that would not take effect', () => {
    expect(() => readHead(request('/?query=SELECT+1&max_threads=64'))).toThrow(/Code: 115.*max_threads/)
  })

  it('refuses another database and compressed bodies', () => {
    expect(() => readHead(request('/?database=system'))).toThrow(BadStatement)
    expect(() => readHead(request('/', { 'content-encoding': 'gzip' }))).toThrow(BadStatement)
  })
})

describe('an insert', () => {
  it('names table, columns and format', () => {
    expect(readInsert('INSERT INTO events_in FORMAT RowBinary')).toEqual({
      table: 'events_in',
      columns: [],
      format: 'RowBinary',
    })
    expect(readInsert('insert into table a.b ( x, y )\nformat JSONEachRow')).toEqual({
      table: 'a.b',
      columns: ['x', 'y'],
      format: 'JSONEachRow',
    })
  })

  it.each([
    "INSERT INTO FUNCTION file('/tmp/x') FORMAT CSV",
    "INSERT INTO t SELECT * FROM file('/x') FORMAT CSV",
    'INSERT INTO t VALUES (1)',
    "INSERT INTO t (a) SETTINGS x='FORMAT CSV",
    'SELECT 1',
  ])('is nothing else: %s', (query) => {
    expect(readInsert(query)).toBeUndefined()
  })
})

describe('parameters', () => {
  it('are what they were before the client escaped them', () => {
    const params = new Map([
      ['a', "it\\'s \\t \\n \\\\ \\\\t"],
      ['none', '\\N'],
    ])
    expect({ ...bindable('SELECT {a:String}', params) }).toEqual({ a: "it's \t \n \\ \\t", none: null })
  })

  it('of composite types are refused', () => {
    expect(() => bindable('SELECT {a:Array(String)}', new Map([['a', "['x']"]]))).toThrow(/Array/)
  })

  it('cannot be named like a property of objects', () => {
    expect(Object.getPrototypeOf(bindable('SELECT 1', new Map([['__proto__', 'x']])))).toBeNull()
  })
})
