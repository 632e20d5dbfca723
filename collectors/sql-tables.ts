/**
 * The tables that an SQL text names, read as a tokenizer reads it: what stands in strings and comments, names made by
 * `WITH`, aliases, functions and variables are no tables. No grammar of one database: where they differ (a backslash in
 * a string escapes), the more common reading is taken, and what is not understood names nothing.
 *
 * One pass, bounded in what it reads and gives, whatever the text is.
 */
import type { DatasetOperation } from '../schema/telemetry.ts'
import { graver } from './dataset-operation.ts'
import { words } from './sanitize/words.ts'

/** The most tables read from one text. */
const TABLE_LIMIT = 16
const READ_LIMIT = 16_384

const IGNORED = /(?:\s|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))*/y
const TOKEN =
  /(?<word>[\p{L}_][\p{L}\p{N}_$]*)|'(?:[^'\\]|\\[\s\S]?|'')*(?:'|$)|\$(?<tag>[A-Za-z_]\w{0,31})?\$[\s\S]*?(?:\$\k<tag>\$|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|\d[\w.]*|[\s\S]/uy
/** A part of a table's name: quoted in one of three ways, or bare (BigQuery's projects have dashes). */
const PART =
  /"([^"]{1,128})"|`([^`]{1,256})`|\[([^[\]]{1,128})\]|([\p{L}_][\p{L}\p{N}_$]{0,127}(?:-[\p{L}\p{N}_$]{1,127}){0,8})/uy
const PARTS = 4

/** What may stand between the word that announces a table and its name. */
const MODIFIERS = words('only lateral table if not exists into low_priority delayed ignore temporary temp unlogged')
/** What stands where a table would and is none. */
const NO_TABLE = words(
  'select set values unnest where with as on using outfile dumpfile function statistics stdin stdout',
)
const LIST_ENDS = words(`where group order having limit union intersect except minus window returning set values qualify
  fetch offset for when`)
const VERBS = words(`select insert update delete merge replace copy truncate create drop alter lock optimize rename
  refresh analyze describe`)
const INTO_VERBS = words('insert merge replace select copy')
const TABLE_VERBS = words('create drop alter truncate lock insert optimize rename refresh analyze describe')
const STARTS: ReadonlySet<string> = new Set(['', ...words('explain analyze verbose begin as ; ( )')])

/** A table that a statement names. */
export interface SqlTable {
  /** As written, without quotes, with the qualifiers it has there (`crm.Customers`). */
  readonly name: string
  /** The gravest thing that the text does with it; absent where the verb alone does not say. */
  readonly operation: DatasetOperation | undefined
}

/** What the verbs do that stand before a table's own name: `UPDATE t`, `DROP TABLE t`. */
const VERB_OPERATIONS: ReadonlyMap<string, DatasetOperation> = new Map([
  ...['insert', 'update', 'replace', 'merge', 'create', 'alter', 'rename'].map((verb) => [verb, 'write'] as const),
  ...['truncate', 'drop'].map((verb) => [verb, 'delete'] as const),
  ...['describe', 'analyze'].map((verb) => [verb, 'read'] as const),
])

/** What is known of the text between two parentheses. */
interface Level {
  /** The next `FROM` begins a list of tables; that of `EXTRACT(YEAR FROM ...)` does not. */
  from: boolean
  /** Within a list of tables: after a comma comes another one. */
  list: boolean
  /** Within `WITH`: the name that is being made. */
  made: string | undefined
  within: boolean
}

interface Reading {
  readonly text: string
  at: number
  readonly levels: Level[]
  /** By their names in lower case. */
  readonly tables: Map<string, SqlTable>
  readonly made: Set<string>
  verb: string
  previous: string
}

/**
 * The tables an SQL text names, in the order they stand there, at most `TABLE_LIMIT`, each once. Never throws; for
 * datasets of database spans and of arguments.
 */
export function tablesOf(sql: string): readonly SqlTable[] {
  const text = sql.length > READ_LIMIT ? sql.slice(0, READ_LIMIT) : sql
  const reading: Reading = {
    text,
    at: 0,
    levels: [newLevel()],
    tables: new Map(),
    made: new Set(),
    verb: '',
    previous: '',
  }
  while (reading.tables.size < 2 * TABLE_LIMIT && ignore(reading)) {
    TOKEN.lastIndex = reading.at
    const match = TOKEN.exec(text) as RegExpExecArray
    reading.at = TOKEN.lastIndex
    const word = match.groups?.word?.toLowerCase()
    if (word === undefined) {
      readMark(match[0], reading)
      reading.previous = match[0]
    } else {
      readWord(word, reading)
      reading.previous = word
    }
  }
  for (const name of reading.made) {
    reading.tables.delete(name)
  }
  return [...reading.tables.values()].slice(0, TABLE_LIMIT)
}

function newLevel(): Level {
  return { from: false, list: false, made: undefined, within: false }
}

/** Past spaces and comments; false at the end. */
function ignore(reading: Reading): boolean {
  IGNORED.lastIndex = reading.at
  IGNORED.exec(reading.text)
  reading.at = IGNORED.lastIndex
  return reading.at < reading.text.length
}

function readMark(mark: string, reading: Reading): void {
  const { levels } = reading
  const level = levels.at(-1) as Level
  if (mark === '(') {
    if (level.made !== undefined && (reading.previous === 'as' || reading.previous === 'materialized')) {
      reading.made.add(level.made.toLowerCase())
      level.made = undefined
    }
    levels.push(newLevel())
  } else if (mark === ')') {
    if (levels.length > 1) {
      levels.pop()
    }
  } else if (mark === ';') {
    reading.levels.splice(0, levels.length, newLevel())
    reading.verb = ''
  } else if (mark === ',' && level.list) {
    expectTable(reading, false, listedOperation(reading.verb))
  } else if (mark === ',' && level.within) {
    level.made = readName(reading)
  }
}

function readWord(word: string, reading: Reading): void {
  const level = reading.levels.at(-1) as Level
  const starts = STARTS.has(reading.previous)
  if (LIST_ENDS.has(word)) {
    level.list = false
  }
  if (VERBS.has(word) && (starts || word === 'select')) {
    reading.verb = word
    level.within = false
    level.list = false
  }
  switch (word) {
    case 'with':
      if (!level.list) {
        readMaking(level, reading)
      }
      break
    case 'select':
    case 'delete':
      level.from = true
      break
    case 'from':
      if (level.from && reading.previous !== 'distinct') {
        const deleted = reading.verb === 'delete' && reading.previous === 'delete'
        level.from = false
        level.list = true
        expectTable(reading, false, deleted ? 'delete' : joinedOperation(reading.verb))
      }
      break
    case 'join':
    case 'straight_join':
      if (level.list && reading.previous !== 'array') {
        expectTable(reading, false, joinedOperation(reading.verb))
      }
      break
    case 'into':
      if (INTO_VERBS.has(reading.verb)) {
        expectTable(reading, true, 'write')
      }
      break
    case 'table':
      if (TABLE_VERBS.has(reading.verb)) {
        level.list = reading.verb === 'drop' || reading.verb === 'truncate' || reading.verb === 'lock'
        expectTable(reading, true, VERB_OPERATIONS.get(reading.verb))
      }
      break
    case 'using':
      if (reading.verb === 'merge' || reading.verb === 'delete') {
        level.list = reading.verb === 'delete'
        if (reading.text[reading.at] !== '(') {
          expectTable(reading, false, 'read')
        }
      }
      break
    case 'update':
    case 'truncate':
    case 'copy':
    case 'merge':
      if (starts) {
        level.from = word === 'update'
        level.list = word === 'update' || word === 'truncate'
        expectTable(reading, word !== 'truncate', VERB_OPERATIONS.get(word))
      }
      break
  }
}

/** `WITH [RECURSIVE] name`: the name is known to be one when `AS (` follows. */
function readMaking(level: Level, reading: Reading): void {
  const name = readName(reading)
  level.made = name?.toLowerCase() === 'recursive' ? readName(reading) : name
  level.within = level.made !== undefined
}

/** Behind a comma comes another table of the same kind, where the verb has one kind alone. */
function listedOperation(verb: string): DatasetOperation | undefined {
  return verb === 'truncate' || verb === 'drop' ? 'delete' : joinedOperation(verb)
}

/** Some databases update and delete what is joined, too: of those nothing is said. */
function joinedOperation(verb: string): DatasetOperation | undefined {
  return verb === 'update' || verb === 'delete' || verb === 'lock' ? undefined : 'read'
}

/** Keeps a table and the gravest thing that is done with it. */
function keepTable(name: string, operation: DatasetOperation | undefined, { tables }: Reading): void {
  const key = name.toLowerCase()
  const known = tables.get(key)
  tables.set(
    key,
    known === undefined ? { name, operation } : { name: known.name, operation: graver(known.operation, operation) },
  )
}

/** Reads the table that should come now. `listed`: a parenthesis behind its name begins columns, not what a function is given. */
function expectTable(reading: Reading, listed: boolean, operation: DatasetOperation | undefined): void {
  for (;;) {
    const before = reading.at
    const name = readName(reading)
    if (name === undefined) {
      if (ignore(reading) && reading.text[reading.at] === '(' && !listed) {
        // `FROM (a JOIN b)`; what is selected in parentheses reads itself.
        reading.at += 1
        reading.levels.push({ ...newLevel(), list: true })
        continue
      }
      return
    }
    const lower = name.toLowerCase()
    if (MODIFIERS.has(lower)) {
      continue
    }
    if (NO_TABLE.has(lower)) {
      reading.at = before
      return
    }
    const called = ignore(reading) && reading.text[reading.at] === '(' && !listed
    if (!called) {
      keepTable(name, operation, reading)
    }
    reading.previous = lower
    return
  }
}

/** The name that stands here, with its qualifiers; `undefined`, and nothing is read, when there is none. */
function readName(reading: Reading): string | undefined {
  const { text } = reading
  let name: string | undefined
  for (let parts = 0; parts < PARTS && ignore(reading); parts += 1) {
    PART.lastIndex = reading.at
    const match = PART.exec(text)
    if (match === null) {
      break
    }
    const part = match[1] ?? match[2] ?? match[3] ?? match[4] ?? ''
    name = name === undefined ? part : `${name}.${part}`
    reading.at = PART.lastIndex
    if (!ignore(reading) || text[reading.at] !== '.') {
      break
    }
    reading.at += 1
  }
  return name
}
