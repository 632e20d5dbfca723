import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LIST_LIMIT, NAME_LIMIT } from '../../schema/telemetry.ts'
import { readArguments } from './arguments.ts'

const read = (value: unknown) => readArguments(typeof value === 'string' ? value : JSON.stringify(value)).datasets
const found = (value: unknown) => read(value).map(({ id }) => id)

describe('datasets found in arguments:', () => {
  test.each<[string, unknown, string[]]>([
    ['a table', { table: 'Audit' }, ['audit']],
    ['a table by other names', { table_name: 'a_b', targetTable: 'Crm."Leads"' }, ['a_b', 'crm.leads']],
    ['several tables', { table_names: 'customers, orders', tables: ['carts'] }, ['customers', 'orders', 'carts']],
    ['a table with what stands before it', { database: 'CRM', schema: 'public', table: 'leads' }, ['crm/public.leads']],
    ['a table that has it already', { schema: 'public', table: 'sales.leads' }, ['sales.leads']],
    ['a table of a dataset of a project', { projectId: 'p-1', datasetId: 'ds', tableId: 't' }, ['p-1.ds.t']],
    ['a database', { db_name: 'crm' }, ['crm']],
    ['a dataset', { dataset: 'imagenet-1k' }, ['imagenet-1k']],
    ['a collection', { database: 'crm', collection: 'leads', filter: {} }, ['crm/leads']],
    ['an index with its namespace', { index_name: 'docs', namespace: 'team-a', top_k: 3 }, ['team-a/docs']],
    ['an index pattern', { index: 'logs-2026.*' }, ['logs-2026.*']],
    ['a bucket by its name', { Bucket: 'acme-reports', Key: 'q1.csv' }, ['acme-reports']],
    ['an opaque id, kept as it is', { knowledgeBaseId: 'KB1A2B', vector_store_ids: ['vs_Ab'] }, ['KB1A2B', 'vs_Ab']],
    ['a resource of an MCP server', { server: 'kb', uri: 'file:///kb/Refunds.md?x' }, ['file:///kb/Refunds.md']],
    ['a resource that is called one', { resource_uri: 'notion://Page/1' }, ['notion://Page/1']],
    ['what lies deeper', { request: { source: [{ table: 'leads' }] } }, ['leads']],
    ['arguments in a string', JSON.stringify('{"table":"leads"}'), ['leads']],
    ['arguments in one member', { input: '{"table":"leads"}' }, ['leads']],
    ['arguments that were cut', '{"database":"crm","table": "leads","rows":[{"na', ['crm/leads']],
    ['arguments in another notation', "table='leads', limit=5", ['leads']],

    ['SQL by its name', { sql: 'select a from Leads l, s."Orders"' }, ['leads', 's.orders']],
    ['SQL by its shape', { query: 'SELECT name FROM leads WHERE id = 1' }, ['leads']],
    ['SQL in small letters', { query: 'select * from leads' }, ['leads']],
    ['SQL with its database', { database: 'crm', statement: 'DELETE FROM leads;' }, ['crm/leads']],
    ['SQL that changes', { query: "update leads set name = 'x from y'" }, ['leads']],
    ['several statements', { statements: ['DROP TABLE a_1', 'insert into b_1 values (1)'] }, ['a_1', 'b_1']],
    ['SQL alone', 'WITH x AS (SELECT * FROM leads) SELECT * FROM x', ['leads']],
    ['SQL in a command line', { command: `psql crm -c "select * from leads where a = 'x'"` }, ['leads']],
    ['SQL in code', { code: 'db.execute("""\n  SELECT * FROM leads\n""")' }, ['leads']],

    ['a bucket', { path: 's3://Acme-Reports/q1.csv, S3A://other' }, ['s3://acme-reports', 's3://other']],
    ['a bucket in a command line', { command: 'gsutil cp gs://kb/*.md . && ls' }, ['gs://kb']],
    ['a container', { url: 'abfss://raw@acme.dfs.core.windows.net/x' }, ['azure://acme/raw']],
    ['a container by its URL', { url: 'https://acme.blob.core.windows.net/raw/x?sig=1' }, ['azure://acme/raw']],
    ['a bucket by its host', { url: 'https://kb.prod.s3.eu-west-1.amazonaws.com/x' }, ['s3://kb.prod']],
    ['a bucket by its path', { url: 'https://s3.amazonaws.com/kb/x' }, ['s3://kb']],
    ['a bucket of Google', { url: 'https://storage.googleapis.com/storage/v1/b/kb-1/o/x' }, ['gs://kb-1']],
    ['a bucket of R2', { url: `https://${'0a'.repeat(16)}.r2.cloudflarestorage.com/kb/x` }, ['r2://kb']],
    ['a bucket in SQL', { sql: "SELECT * FROM read_parquet('s3://lake/x.parquet')" }, ['s3://lake']],
    ['a database', { dsn: 'postgres://app:p/w@db.internal:5432/CRM?ssl=1' }, ['postgresql/crm']],
    ['a database whose URI has an @ in its query', { dsn: 'postgres://db/crm?note=@/decoy' }, ['postgresql/crm']],
    ['a database by its port, likewise', { dsn: 'postgres://db:5432/crm?note=@x/decoy' }, ['postgresql/crm']],
    ['a database whose URI has an @ in its path', { dsn: 'mysql://db/crm/@x/decoy' }, ['mysql/crm']],
    ['several databases', { dsn: 'mysql://a:b@db/x,mysql://a:b@db/y' }, ['mysql/x', 'mysql/y']],
    ['a database of a replica set', { uri: 'mongodb+srv://a:1,b:2/crm.' }, ['mongodb/crm']],
    ['a database in JSON that was cut', '{"dsn":"mysql:\\/\\/db\\/crm","q":"', ['mysql/crm']],
    ['one dataset once', { a: 's3://kb/1', b: 's3://KB/2' }, ['s3://kb']],
  ])('%s', (_what, value, expected) => {
    expect(found(value)).toEqual(expected)
  })
})

describe('no datasets are found in', () => {
  test.each<[string, unknown]>([
    ['files', { path: 'src/tables/index.ts', file: 'crm.db', uri: 'file:///src/main.ts' }],
    ['web pages', { url: 'https://example.com/s3/bucket', link: 'http://windows.net/raw' }],
    ['numbers and flags', { table: 4, index: '0', bucket: 'true', collection: null, database: {} }],
    ['sentences', { table: 'a table by the window', collection: 'summer, and winter of this year' }],
    [
      'other tables and indexes',
      { color_table: 'red', start_index: 'a1', time_bucket: 'hour', table_of_contents: 'x' },
    ],
    ['what only stands before a name', { schema: 'public', project: 'apollo', namespace: 'prod' }],
    ['sources that are told about', { data_source: 'Bloomberg', knowledge_base: 'handbook' }],
    ['a server and no resource', { server: 'github', uri: 'x' }],
    ['names to come', { table: '{{table}}', bucket: '$BUCKET', path: 's3://kb-$ENV/x gs://kb{x} mysql://db/$DB' }],
    ['a request for a page or a person', { query: 'select the best offer from our list; update me = ok' }],
    ['a search', { query: 'Select a flight from New York to London where price < 100' }],
    ['a search in small letters', { query: 'select flights from new york to london where price < 100' }],
    ['headlines', { text: 'Delete from cart', title: 'Create table of contents', note: 'Drop table for two' }],
    ['quoted sentences', { command: 'git commit -m "select items from the list; drop it"' }],
    ['the text of a file', { path: 'x.json', content: '{"database":"crm","table":"leads"}' }],
    ['a server of databases', { dsn: 'postgres://db.internal:5432', url: 'redis://cache' }],
    ['a password', { dsn: 'postgres://app:a/b@db', bucket: 's3://KEY:SECRET@' }],
    ['a password with all that could end it', { dsn: 'postgres://app:p@x/y?z@db/crm' }],
    ['what may be a password as well', { dsn: 'postgres://app:pw@db/crm?note=@x/decoy', a: 'mysql://a:1/pw/@db/crm' }],
    ['a password without its end', { dsn: 'postgres://app:p/w word@db/crm' }],
  ])('%s', (_what, value) => {
    expect(found(value)).toEqual([])
  })
})

describe('a secret where a dataset belongs', () => {
  const KEY = 'AKIAIOSFODNN7EXAMPLE'

  test.each([
    ['a table', { table: KEY }],
    ['a qualified table', { sql: `SELECT * FROM crm.${KEY}` }],
    ['a bucket', { path: `s3://${KEY}/x` }],
    ['an id', { knowledge_base_id: KEY }],
    ['a resource', { resource_uri: `kb://pages/${KEY}` }],
  ])('is masked, also in small letters: %s', (_what, value) => {
    const [id, ...others] = found(value)
    expect(id).toContain('[masked:aws-access-key]')
    expect(id?.toLowerCase()).not.toContain(KEY.toLowerCase())
    expect(others).toEqual([])
  })

  test('and who signs in to a database is never part of one', () => {
    expect(found({ a: 'postgres://app:hunter2@db/crm', resource_uri: 'kb://app:hunter2@host/x' })).toEqual([
      'postgresql/crm',
      'kb://host/x',
    ])
  })
})

describe('on arbitrary arguments', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'SELECT ',
      '* ',
      'from ',
      'INTO ',
      'leads',
      'Crm.',
      '"',
      "'",
      '`',
      '[',
      ']',
      '(',
      ')',
      ',',
      ';',
      '--',
      '/*',
    ),
    fc.constantFrom(
      's3://',
      'postgres://',
      'https://',
      'kb',
      '@',
      '/',
      's3.amazonaws.com',
      'é',
      '\ud800',
      '\\',
      '$',
      '{',
    ),
    fc.constantFrom('AKIAIOSFODNN7EXAMPLE', '\u200b', '\n', ' '),
    fc.string({ maxLength: 5 }),
  )
  const hostile = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''))
  const value = fc.oneof(
    hostile,
    fc.constantFrom('leads', 'Crm.Orders', 'SELECT * FROM leads', 's3://kb/x', 'mysql://db/crm'),
  )
  const name = fc.constantFrom(
    'table',
    'database',
    'schema',
    'dataset',
    'index',
    'bucket',
    'sql',
    'query',
    'command',
    'uri',
    'server',
    'x',
  )

  test('what is found is bounded, one line, masked and the same when found again', () => {
    let some = 0
    let several = 0
    let joined = 0
    fc.assert(
      fc.property(
        fc.oneof(
          value,
          fc.dictionary(name, fc.oneof(value, fc.array(value))).map((object) => JSON.stringify(object)),
        ),
        (text) => {
          const datasets = found(text)
          some += datasets.length > 0 ? 1 : 0
          several += datasets.length > 1 ? 1 : 0
          joined += datasets.some((id) => /^[^:]*\//.test(id)) ? 1 : 0
          expect(datasets.length).toBeLessThanOrEqual(LIST_LIMIT)
          expect(new Set(datasets).size).toBe(datasets.length)
          expect(found(text)).toEqual(datasets)
          for (const id of datasets) {
            expect(id.length).toBeGreaterThan(0)
            expect(id.length).toBeLessThanOrEqual(NAME_LIMIT)
            expect(id).not.toMatch(/\p{Cc}|\u200b/u)
            // Within a longer word it is no key, here as everywhere.
            expect(/\wAKIA|EXAMPLE\w/.test(text) ? '' : id).not.toMatch(/akiaiosfodnn7example/i)
          }
        },
      ),
      { numRuns: 2000 },
    )
    // The generator reaches what it is for.
    expect(some).toBeGreaterThan(600)
    expect(several).toBeGreaterThan(150)
    expect(joined).toBeGreaterThan(150)
  })

  test('their number is bounded', () => {
    const many = Array.from({ length: 500 }, (_, n) => n)
    expect(found(many.map((n) => ({ table: `t_${n}` })))).toHaveLength(LIST_LIMIT)
    expect(found(many.map((n) => `s3://bucket-${n}/`).join(' '))).toHaveLength(LIST_LIMIT)
    expect(found({ table: 'x'.repeat(5000), bucket: `${'y,'.repeat(5000)}` })).toEqual([])
  })

  test.each([
    's3://',
    's3://a',
    'https://s3.',
    'https://a.s3.amazonaws.com/',
    'postgres://a@',
    '://',
    'a://',
    'table=',
    'table="a",',
    'table: ["a"',
    '"select ',
    '"select a from b" ',
    'select * from ',
    'with a as (',
    'insert into a',
    'drop table a,',
    '(',
    '/*',
    '-- \n',
    '{"sql":',
  ])('256 KiB of %j end', (unit) => {
    const text = unit.repeat(Math.ceil(262_144 / unit.length))
    for (const given of [
      text,
      `SELECT ${text}`,
      JSON.stringify({ command: text, sql: text, table: text, query: text }),
    ]) {
      expect(found(given).length).toBeLessThanOrEqual(LIST_LIMIT)
    }
  })
})

test('what a statement does with a dataset is kept, the gravest of it; names alone say nothing of it', () => {
  expect(read({ statements: ['select * from leads where a = 1', 'delete from Leads where a = 1'] })).toEqual([
    { id: 'leads', operation: 'delete' },
  ])
  expect(read({ table: 'leads' })).toEqual([{ id: 'leads' }])
  expect(read({ command: `psql -c "insert into leads values (1)"` })).toEqual([{ id: 'leads', operation: 'write' }])
})
