import { describe, expect, it } from 'vitest'
import { refusal } from './gate.ts'

describe('the gate of readers', () => {
  it.each([
    'SELECT 1',
    "  select body from events where tool_name = 'read_file' and agent_id = {a:String}",
    "WITH 1 AS x SELECT x, 'a' AS y",
    '(SELECT 1) UNION ALL (SELECT 2);',
    'SHOW TABLES',
    'DESCRIBE TABLE events',
    'EXPLAIN SELECT 1',
    'SELECT profile, filename, files FROM t',
  ])('lets a question pass: %s', (statement) => {
    expect(refusal(statement)).toBeUndefined()
  })

  it.each([
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    'SELECT "file" (\'/etc/passwd\')',
    "SELECT file/* here */('/etc/passwd')",
    "SELECT file -- here\n('/etc/passwd')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS a)",
    "SELECT COLUMNS('a') APPLY file FROM (SELECT '/etc/passwd' AS a)",
    "SELECT `fil\\x65`('/etc/passwd')",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT catboostEvaluate('/tmp/model', 1)",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    'SELECT 1; SELECT 2',
    'KILL QUERY WHERE 1',
    'USE system',
    'SET max_execution_time = 1000',
    'INSERT INTO events SELECT 1',
    'DROP TABLE events',
    'SYSTEM SHUTDOWN',
    '',
  ])('refuses what readonly=1 does not, or what is no question: %s', (statement) => {
    expect(refusal(statement)).toBeDefined()
  })

  it('refuses a statement longer than it looks at', () => {
    expect(refusal(`SELECT ${'1,'.repeat(200_000)}1`)).toBeDefined()
  })

  it('looks at literals too, which belong in parameters', () => {
    expect(refusal("SELECT 'a; b'")).toBeDefined()
  })

  it('takes time linear in the statement', () => {
    // Would not end in a lifetime if a pattern went back and forth.
    expect(refusal(`SELECT ${'apply '.repeat(40_000)}`)).toBeUndefined()
    expect(refusal(`SELECT ${'file, '.repeat(40_000)}`)).toBeUndefined()
  })
})
