import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tablesOf } from './sql-tables.ts'

const namesOf = (query: string) => tablesOf(query).map(({ name }) => name)

describe('tables of a query', () => {
  it.each<[string, string[]]>([
    ['SELECT name FROM customers WHERE id = $1', ['customers']],
    ['select * from public."Orders" o join crm.customers c on c.id = o.id', ['public.Orders', 'crm.customers']],
    ['SELECT * FROM a, b x, LATERAL c JOIN d USING (id), e', ['a', 'b', 'c', 'd', 'e']],
    ['SELECT * FROM (SELECT * FROM inner_table) x, second', ['inner_table', 'second']],
    ['SELECT * FROM (a JOIN b ON a.id = b.id) LEFT JOIN c ON true', ['a', 'b', 'c']],
    ['SELECT * FROM a UNION SELECT * FROM b; SELECT * FROM c', ['a', 'b', 'c']],
    ['SELECT x INTO copy_of FROM original', ['copy_of', 'original']],
    ['INSERT INTO audit_log (who, what) SELECT id, note FROM src', ['audit_log', 'src']],
    ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1', ['t']],
    ['INSERT OVERWRITE TABLE t SELECT * FROM s', ['t', 's']],
    ['UPDATE ONLY customers c SET name = o.name FROM old_customers o', ['customers', 'old_customers']],
    ['DELETE FROM t USING u WHERE t.id = u.id', ['t', 'u']],
    ['MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = 1', ['t', 's']],
    ['COPY sales.orders (a, b) FROM STDIN', ['sales.orders']],
    ['COPY (SELECT * FROM t) TO STDOUT', ['t']],
    ['TRUNCATE a, b; TRUNCATE TABLE ONLY c', ['a', 'b', 'c']],
    ['DROP TABLE IF EXISTS audit, archive CASCADE', ['audit', 'archive']],
    ['CREATE TABLE IF NOT EXISTS t (a timestamp with time zone, b int)', ['t']],
    ['CREATE TABLE t AS WITH q AS (SELECT 1 FROM z) SELECT * FROM q', ['t', 'z']],
    ['EXPLAIN ANALYZE UPDATE t SET a = 1', ['t']],
    ['select * from`proj-1.ds.tbl`, [dbo].[Users], my-proj.ds.t', ['proj-1.ds.tbl', 'dbo.Users', 'my-proj.ds.t']],
    ['SELECT * FROM/* here */secrets -- not from elsewhere', ['secrets']],
    ['SELECT * FROM Orders JOIN orders o2 ON true', ['Orders']],
  ])('%s', (query, tables) => {
    expect(namesOf(query)).toEqual(tables)
  })

  it.each<[string, string, string[]]>([
    [
      'names made by WITH',
      'WITH x AS (SELECT 1 FROM a), y (k) AS MATERIALIZED (SELECT 1) SELECT * FROM x JOIN Y',
      ['a'],
    ],
    ['strings', "SELECT 'from x', 'it''s from y', 'it\\'s from z', $$ from v $$, $q$ from w $q$ FROM t", ['t']],
    ['quoted columns', 'SELECT "from x", `from y` FROM t', ['t']],
    ['comments', 'SELECT 1 -- from x\n/* from y */ FROM t # ', ['t']],
    ['functions', 'SELECT * FROM generate_series(1, 2) g, unnest(a), t', ['t']],
    [
      'arguments of functions',
      "SELECT extract(year from d), trim(both ' ' from n), a IS DISTINCT FROM b FROM t",
      ['t'],
    ],
    ['locks and hints', 'SELECT * FROM t WITH (NOLOCK) WHERE a IN (1, 2) ORDER BY b, c FOR UPDATE', ['t']],
    ['variables and what is put in later', 'SELECT * FROM @v, #tmp, $1, {name}, :p, ?', []],
    ['a query of nothing', 'SELECT 1', []],
    ['a beginning without an end', "SELECT * FROM t WHERE a = 'from x", ['t']],
  ])('are not %s', (_what, query, tables) => {
    expect(namesOf(query)).toEqual(tables)
  })

  it('are found again whatever the parts of the statement look like', () => {
    const bare = fc.stringMatching(/^t_[a-z0-9]{1,8}$/)
    const part = fc.tuple(bare, fc.constantFrom('', '"', '`', '[')).map(([name, quote]) => ({
      name,
      written: `${quote}${name}${quote === '[' ? ']' : quote}`,
    }))
    const table = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => ({
      name: parts.map(({ name }) => name).join('.'),
      written: parts.map(({ written }) => written).join('.'),
    }))
    const gap = fc.constantFrom(' ', '\n', '\t ', ' /* from x */ ', ' -- from x\n')
    const noise = fc.constantFrom('1', "'from x'", 'count(*)', 'extract(day from d)', '"from x"', '(select 1)')
    fc.assert(
      fc.property(table, table, gap, noise, ({ name, written }, other, space, column) => {
        const query = `SELECT ${column}${space}FROM${space}${written} AS x JOIN${space}${other.written} y ON x.a = ${column}`
        expect(namesOf(query)).toEqual([...new Set([name, other.name])])
      }),
    )
  })

  it('are bounded, and found in linear time', () => {
    expect(tablesOf(`SELECT * FROM ${Array.from({ length: 100 }, (_, n) => `t${n}`).join(',')}`)).toHaveLength(16)
    const units = [
      'from ',
      'select * from if not ',
      '(',
      'with a as (',
      '/*',
      "'\\",
      '$$',
      '$a$',
      '"',
      'from [',
      ' ',
      '--',
      'from a.',
      'join a-',
    ]
    for (const unit of units) {
      expect(tablesOf(`select ${unit.repeat(Math.ceil(262_144 / unit.length))}`).length).toBeLessThanOrEqual(16)
    }
  })
})

describe('what a query does with its tables', () => {
  it.each<[string, Record<string, string | undefined>]>([
    ['SELECT * FROM a JOIN b ON true, c', { a: 'read', b: 'read', c: 'read' }],
    ['SELECT x INTO copy_of FROM original', { copy_of: 'write', original: 'read' }],
    ['INSERT INTO a SELECT * FROM b', { a: 'write', b: 'read' }],
    ['UPDATE a SET x = 1 WHERE id IN (SELECT id FROM b)', { a: 'write', b: 'read' }],
    ['MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE', { a: 'write', b: 'read' }],
    ['DELETE FROM a USING b WHERE a.id = b.id', { a: 'delete', b: 'read' }],
    ['TRUNCATE a, b', { a: 'delete', b: 'delete' }],
    ['DROP TABLE IF EXISTS a, b', { a: 'delete', b: 'delete' }],
    ['CREATE TABLE a AS SELECT * FROM b', { a: 'write', b: 'read' }],
    ['ALTER TABLE a ADD x int', { a: 'write' }],
    ['SELECT * FROM a; DELETE FROM A', { a: 'delete' }],
    ['WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone JOIN b ON true', { a: 'delete', b: 'read' }],
  ])('%s', (query, operations) => {
    expect(Object.fromEntries(tablesOf(query).map(({ name, operation }) => [name, operation]))).toEqual(operations)
  })

  it.each([
    ['what may be changed together with another', 'UPDATE a, b SET a.x = b.x', [undefined]],
    ['what is deleted by its alias', 'DELETE x FROM a x JOIN b', [undefined, undefined]],
    ['a copy, until its direction is read', 'COPY a TO STDOUT', [undefined]],
  ])('says nothing of %s', (_, query, operations) => {
    expect(
      tablesOf(query)
        .map(({ operation }) => operation)
        .slice(-operations.length),
    ).toEqual(operations)
  })
})
