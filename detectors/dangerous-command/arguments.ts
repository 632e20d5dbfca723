/** What of the arguments of a call is to be run: commands, program text, SQL. */
import { toolPowers } from '../draft/tool-powers.ts'
import { jsonOf } from '../text/json.ts'

/** `shell` also when nothing says what it is. */
export type Language = 'shell' | 'code' | 'sql'
export interface Runnable {
  readonly language: Language
  readonly text: string
}

const SHELL_KEYS = new Set([
  'command',
  'cmd',
  'commands',
  'shell',
  'shell_command',
  'bash',
  'sh',
  'cmdline',
  'command_line',
  'commandline',
  'powershell',
  'argv',
  'exec',
])
const CODE_KEYS = new Set([
  'code',
  'script',
  'python',
  'python_code',
  'javascript',
  'js',
  'source',
  'source_code',
  'program',
  'snippet',
  'expression',
  'code_snippet',
])
const SQL_KEYS = new Set(['sql', 'query', 'statement', 'sql_query'])
/** One of the keys above, or part of one, is in the text: everything else is left at once. */
const ANY_KEY =
  /"(?:\w{0,12}_)?(?:commands?|cmd(?:line)?|shell|bash|sh|powershell|argv|exec|code|script|python|javascript|js|source|program|snippet|expression|sql|query|statement|command_?line)(?:_\w{0,12})?"\s{0,3}:/i
/** What a tool that runs things is told beside what it runs. */
const ASIDE =
  /^(?:description|thought|reason|explanation|title|name|id|cwd|workdir|working_dir(?:ectory)?|timeout|is_input|language|path|session_?id|task)$/i
const SQL_START =
  /^\s*(?:--[^\n]{0,200}\n\s*)?(?:select|insert|update|delete|drop|truncate|alter|create|grant|revoke|copy|exec|with|load|merge|call|do)\b/i
const CODE_LOOKS =
  /^[ \t]*(?:import[ \t]+[\w{*"']|from\s+[\w.]+\s+import\b|def\s+\w+\s?\(|class\s+\w+\s?[:({]|const\s+[\w{[]|let\s+[\w{[]|var\s+\w+\s?=|function[ \t]+\w{0,60}\s?\(|(?:async[ \t])?\(?\w{0,60}\)?\s?=>|print\s?\(|console\.\w+\(|require\s?\(|<\?php|#!.{0,40}(?:python|node|perl|ruby)|use\s+(?:strict|warnings|\w+::)|goto\(|click\(|fill\(|exec\(|eval\(|\w{1,60}\s?=\s?(?:open|require|await|new|\w+\.\w+)\s?\(?)/m
const LITERAL_LIMIT = 32
const DEPTH = 4

/** Reads what a call would run. Cheap and empty for calls that run nothing. */
export function runnablesOf(tool: string, args: string): readonly Runnable[] {
  const runs = toolPowers(tool).has('runs-commands')
  if (!runs && !ANY_KEY.test(args)) {
    return []
  }
  const found: Runnable[] = []
  const value = jsonOf(args)
  if (value === undefined) {
    const rest = torn(args)
    if (rest !== undefined) {
      add(found, rest.key, rest.text, runs)
    } else if (runs) {
      add(found, 'command', args, true)
    }
    return found
  }
  collect(value, 'command', runs, found, 0)
  return found
}

const TORN = /"((?:\w{0,12}_)?(?:commands?|cmd|script|code|sql))"\s{0,3}:\s{0,3}"/
const STRING = /(?:[^"\\]|\\.)*/sy

/** JSON that was cut: the text of the first key that says what is run. */
function torn(text: string): { readonly key: string; readonly text: string } | undefined {
  const match = TORN.exec(text)
  if (match === null) {
    return undefined
  }
  STRING.lastIndex = match.index + match[0].length
  const raw = STRING.exec(text)?.[0] ?? ''
  return { key: match[1] as string, text: unescaped(raw) }
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return raw.replaceAll('\\n', '\n').replaceAll('\\"', '"')
  }
}

function collect(value: unknown, key: string, runs: boolean, found: Runnable[], depth: number): void {
  if (found.length >= LITERAL_LIMIT || depth > DEPTH) {
    return
  }
  if (typeof value === 'string') {
    add(found, key, value, runs)
  } else if (Array.isArray(value)) {
    if (depth > 0 && value.every((each) => typeof each === 'string') && isRun(key, runs)) {
      // `["bash", "-c", "rm -rf /"]` is one command; `["ls", "rm -rf /"]` under `commands` are several.
      add(found, key, key.toLowerCase() === 'commands' ? value.join('\n') : value.map(word).join(' '), runs)
    } else {
      for (const each of value) {
        collect(each, key, runs, found, depth + 1)
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      collect(each, name, runs, found, depth + 1)
    }
  }
}

const word = (text: string) => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
const isRun = (key: string, runs: boolean) =>
  runs || SHELL_KEYS.has(key.toLowerCase()) || CODE_KEYS.has(key.toLowerCase())

function add(found: Runnable[], name: string, text: string, runs: boolean): void {
  const key = name.toLowerCase()
  if (text.length < 2 || (ASIDE.test(key) && key !== 'command')) {
    return
  }
  if (SQL_KEYS.has(key)) {
    if (SQL_START.test(text)) {
      found.push({ language: 'sql', text })
    }
  } else if (
    SHELL_KEYS.has(key) ||
    CODE_KEYS.has(key) ||
    runs ||
    /(?:^|_)(?:command|cmd|script|code)(?:_|$)/.test(key)
  ) {
    found.push({
      language: CODE_LOOKS.test(text)
        ? 'code'
        : SQL_START.test(text) && /\b(?:from|into|table|database|set|to)\b/i.test(text)
          ? 'sql'
          : 'shell',
      text,
    })
  }
}
