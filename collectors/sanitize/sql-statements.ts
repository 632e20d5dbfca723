/**
 * SQL in texts that nobody said are SQL: a value of any name, a quoted word of a command line or of code. People write
 * `select`, `update` and `from` too, so such a text counts when it has a statement's shape and a sign that no sentence has.
 */
import { type SqlTable, tablesOf } from '../sql-tables.ts'
import { words } from './words.ts'

const VERB = 'select|with|insert|update|delete|merge|replace|copy|truncate|create|drop|alter'
const START = new RegExp(
  `[\\s(]{0,64}(?:(?:--[^\\n]{0,200}\\n|/\\*[^*]{0,200}\\*/)\\s{0,64}){0,4}(?:explain\\s{1,8}(?:analyze\\s{1,8})?)?(?=(?:${VERB})\\s)`,
  'iy',
)
/** What may follow a table and its alias. */
const CLAUSE =
  `where|join|left|right|inner|full|cross|natural|group|order|limit|having|union|intersect|except|using|for|
  offset|fetch|with|tablesample|set`.replaceAll(/\s/g, '')
/**
 * The shapes of statements: a space is any space, `~` may be one, `NAME` is a name with its qualifiers, `ANY` anything. A name
 * ends where its characters do: could it end earlier, every part of it would be tried with all that may follow.
 */
const SHAPES = [
  `select\\sANY{1,4000}?\\sfrom (?:\\(|(?:only )?NAME~(?:(?:as )?[\\w"]{1,64}(?![\\w"])~)?(?:$|[;,()]|(?:${CLAUSE})\\b))`,
  'with (?:recursive )?NAME~(?:\\([^()]{0,1000}\\)~)?as~(?:(?:not )?materialized~)?\\(',
  'insert (?:overwrite )?(?:into|table) (?:table )?NAME~(?:\\(|values\\b|select\\s|with\\s)',
  'replace into NAME~(?:\\(|values\\b|select\\s)',
  'update (?:only )?NAME (?:(?:as )?NAME )?set NAME~=',
  'delete from (?:only )?NAME~(?:;|$|(?:ANY{1,200}?\\s)?(?:where|using|returning)\\s)',
  'merge (?:into )?NAME\\sANY{0,200}?using\\s',
  "copy (?:NAME~(?:\\([^()]{0,1000}\\)~)?(?:from|to) (?:['@]|stdin\\b|stdout\\b|program\\b)|into NAME\\sANY{0,200}?from\\s|\\()",
  '(?:truncate (?:table )?|drop table )(?:if exists )?(?:only )?NAME(?:~,~NAME){0,16}~(?:cascade|restrict|restart identity)?~(?:;|$)',
  'create (?:or replace )?(?:(?:temp|temporary|external|unlogged|transient) )?table (?:if not exists )?NAME~(?:\\(|as\\s)',
  'alter table (?:if exists )?(?:only )?NAME (?:add|drop|alter|rename|modify|change|set|owner|enable|disable)\\s',
]
const SHAPE = new RegExp(
  `(?:${SHAPES.join('|')})`
    .replaceAll(' ', '\\s{1,8}')
    .replaceAll('~', '\\s{0,8}')
    .replaceAll('NAME', '["`\\[]?[\\p{L}_][^\\s(),;=]{0,200}(?![^\\s(),;=])')
    .replaceAll('ANY', '[\\s\\S]'),
  'iuy',
)
/** Written by a program, or by somebody who writes SQL: two keywords in capitals. */
const CAPITALS =
  /^(?:SELECT\s[\s\S]{1,4000}?\sFROM\s|WITH\s[\s\S]{1,300}?\sAS\s{0,8}\(|INSERT\s{1,8}INTO\s|REPLACE\s{1,8}INTO\s|UPDATE\s[\s\S]{1,300}?\sSET\s|DELETE\s{1,8}FROM\s|MERGE\s[\s\S]{1,300}?USING\s|COPY\s|TRUNCATE\s|(?:CREATE|DROP|ALTER)\s[\s\S]{0,60}?TABLE\s)/
/** What stands in statements and not in sentences. */
const SIGN =
  /^select\s{1,8}(?:distinct\s{1,8})?\*|[=<>]|;\s{0,64}$|\b(?:count|sum|avg|min|max|coalesce|lower|upper)\(|\b(?:order|group)\s{1,8}by\s|\blimit\s{1,8}\d|\bjoin\s|\bvalues\s{0,8}\(|^(?:(?:drop|truncate|create)\s[\s\S]{0,60}?table|with|copy|replace)\s|^alter\s[\s\S]{1,300}?\s(?:column|constraint|to)\s/i
/** Words that stand behind `from` in sentences. One of them, and the text is a sentence. */
const PROSE =
  words(`the a an my our your his her their its this that these those which what all each every some any one it
  them me us of for with in to by on at and or`)
/** Where a quoted word of a command line, or a string in code, begins like a statement. */
const QUOTED = new RegExp(`("""|'''|["'\`])\\s{0,64}(?=(?:explain|${VERB})\\s)`, 'gi')
const QUOTED_LIMIT = 16
const SHORTEST = 12
/** What a statement may begin with: a letter of a verb, a parenthesis, a comment, space. Nearly all texts end here. */
const BEGINNINGS = new Uint8Array(128)
for (const character of 'swiudmrctaeSWIUDMRCTAE(-/ \t\n\r') {
  BEGINNINGS[character.charCodeAt(0)] = 1
}
const READ_LIMIT = 16_384

/** Whether a text is an SQL statement from its beginning that names tables, and no sentence. Quick for what is not. */
export function isStatement(text: string): boolean {
  return tablesOfStatement(text).length > 0
}

/** The tables of a text that is an SQL statement, as above; none of another. */
export function tablesOfStatement(text: string): readonly SqlTable[] {
  const first = text.charCodeAt(0)
  if (text.length < SHORTEST || (first < 128 && BEGINNINGS[first] !== 1)) {
    return []
  }
  START.lastIndex = 0
  if (!START.test(text)) {
    return []
  }
  SHAPE.lastIndex = START.lastIndex
  if (!SHAPE.test(text)) {
    return []
  }
  const statement = text.slice(START.lastIndex, START.lastIndex + READ_LIMIT)
  if (!CAPITALS.test(statement) && !SIGN.test(statement)) {
    return []
  }
  const tables = tablesOf(text)
  return tables.some(({ name }) => PROSE.has(name.toLowerCase())) ? [] : tables
}

/** The tables of the statements that stand in quotes in a command line or in code. */
export function tablesOfQuoted(command: string): readonly SqlTable[] {
  const found: SqlTable[] = []
  QUOTED.lastIndex = 0
  for (let looked = 0; looked < QUOTED_LIMIT; looked += 1) {
    const match = QUOTED.exec(command)
    if (match === null) {
      break
    }
    const start = QUOTED.lastIndex
    const end = command.indexOf(match[1] as string, start)
    const quoted = command.slice(start, end === -1 ? undefined : end)
    found.push(...tablesOfStatement(quoted))
    QUOTED.lastIndex = end === -1 ? command.length : end + 1
  }
  return found
}
