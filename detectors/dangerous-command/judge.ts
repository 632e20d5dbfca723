/** Judges a text that is to be run: every sign in it, and what they come to together. */
import { SEVERITIES, type Severity, severityRank } from '../../schema/finding.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import type { Runnable } from './arguments.ts'
import { codeSigns, scriptsIn, sqlSigns } from './code-signs.ts'
import type { Command } from './command.ts'
import { controlSigns } from './control-signs.ts'
import { exploring, factOf } from './explore-signs.ts'
import { fileSigns, readsPackageSettings } from './file-signs.ts'
import { fetchedFile, networkSigns } from './network-signs.ts'
import { powershellSigns } from './powershell-signs.ts'
import { isShell, programName, readScript } from './read-script.ts'
import { type Deed, FLAGGED, type Sign } from './sign.ts'
import { takingSigns } from './taking-signs.ts'

/** What a text does that is dangerous. */
export interface Danger {
  /** The strongest sign first; one for each `what`. */
  readonly signs: readonly Sign[]
  readonly deeds: readonly Deed[]
  readonly severity: Severity
  /** The weights together, as if they were independent; below 1. */
  readonly score: number
}

const CODE = /\b(?:import|require|from|def|function|const|let|var|print|use|exec|eval|puts|socket)\b/
const RUNS_CODE = new Set(['python', 'python2', 'python3', 'perl', 'ruby', 'node', 'php', 'lua', 'nodejs'])
const POWERSHELL_TEXT =
  /\b(?:iex|invoke-|get-|set-|new-|remove-|add-|stop-|clear-|register-|powershell|pwsh|certutil|bitsadmin|mshta|regsvr32|rundll32|wmic|vssadmin|mimikatz|del |format |cipher|lsass|vaultcmd|cmdkey|ntdsutil|net\s+localgroup)/i
const SQL_TEXT = /^\s*(?:select|insert|update|delete|drop|truncate|alter|create|grant|copy|exec|with|declare|begin)\b/i
/** Weak signs of several kinds that come to so much are more than a hint. */
const TOGETHER = 0.65
/** Findings tell at most so many signs. */
const SIGN_LIMIT = 8

/** UTF-16 units of the texts whose judgement is remembered, for each language. */
const REMEMBERED = 1024 * 1024
const scripts = new TextMemory(judgeScript, REMEMBERED, 'first')
const programs = new TextMemory(judgeCode, REMEMBERED, 'first')
const statements = new TextMemory(judgeSql, REMEMBERED, 'first')

/** Judges what a call would run, in its language. `undefined` when nothing much is in it. */
export function judgeRunnable({ language, text }: Runnable): Danger | undefined {
  return language === 'code' ? programs.of(text) : language === 'sql' ? statements.of(text) : scripts.of(text)
}

const HELD: Danger = {
  signs: [{ deed: 'takes credentials', what: 'reads settings that hold a token', weight: FLAGGED, severity: 'medium' }],
  deeds: ['takes credentials'],
  severity: 'medium',
  score: FLAGGED,
}

/** Judges what a call has shown of secrets by reading what may hold some, and may not: settings of package managers. */
export function judgeShown({ language, text }: Runnable): Danger | undefined {
  return language === 'shell' && readScript(text).some(readsPackageSettings) ? HELD : undefined
}

/** Judges a shell script, and whatever other language it turns out to be. `undefined` when nothing much is in it. */
function judgeScript(text: string): Danger | undefined {
  const signs: Sign[] = []
  const commands = readScript(text)
  shellSigns(commands, signs)
  if (POWERSHELL_TEXT.test(text)) {
    signs.push(...powershellSigns(text))
  }
  if (SQL_TEXT.test(text)) {
    signs.push(...sqlSigns(text))
  }
  return sum(signs)
}

/** Judges program text of a language other than shell. */
function judgeCode(text: string): Danger | undefined {
  const signs: Sign[] = [...codeSigns(text)]
  for (const script of scriptsIn(text)) {
    shellSigns(readScript(script), signs)
  }
  if (SQL_TEXT.test(text)) {
    signs.push(...sqlSigns(text))
  }
  if (POWERSHELL_TEXT.test(text)) {
    signs.push(...powershellSigns(text))
  }
  for (const line of text.split('\n')) {
    if (/^\s*[!%]/.test(line)) {
      // A shell line of a notebook.
      shellSigns(readScript(line.replace(/^\s*[!%]+(?:sh|bash)?/, '')), signs)
    }
  }
  return sum(signs)
}

/** Judges SQL statements. */
function judgeSql(text: string): Danger | undefined {
  return sum(sqlSigns(text))
}

function shellSigns(commands: readonly Command[], signs: Sign[]): void {
  const facts = new Set<string>()
  const fetched = new Set<string>()
  const programs = new Set<string>()
  let kept = false
  for (const command of commands) {
    signs.push(
      ...fileSigns(command),
      ...controlSigns(command),
      ...networkSigns(command),
      ...takingSigns(command),
      ...interpreted(command),
    )
    const fact = factOf(command)
    if (fact !== undefined) {
      facts.add(fact)
      programs.add(command.name)
      kept ||= command.redirects.some(({ kind, target }) => kind !== 'read' && target.startsWith('/tmp'))
    }
    ranFetched(command, fetched, signs)
  }
  const weight = exploring(facts, programs.size, kept)
  if (weight > 0.1) {
    signs.push({ deed: 'explores', what: 'asks many things about the machine', weight, severity: 'low' })
  }
}

/** A file that the script fetched and then runs. */
function ranFetched(command: Command, fetched: Set<string>, signs: Sign[]): void {
  const file = fetchedFile(command)
  if (file !== undefined) {
    fetched.add(file.toLowerCase())
    return
  }
  if (fetched.size === 0) {
    return
  }
  const runs =
    isShell(command.name) || RUNS_CODE.has(command.name) || command.name === 'source' || command.name === '.'
      ? programName(command.args.find((arg) => !arg.startsWith('-')) ?? '')
      : command.name
  if (fetched.has(runs)) {
    signs.push({ deed: 'runs remote code', what: 'runs a file that it just fetched', weight: 0.55, severity: 'medium' })
  }
}

/** `python3 -c '...'`, `perl -e`, and the like: the text is code. */
function interpreted(command: Command): readonly Sign[] {
  const { name, args, input } = command
  const known = RUNS_CODE.has(name)
  const at = args.findIndex((arg) => /^-[a-zA-Z]*[ceEr]$/.test(arg))
  const text = at >= 0 ? args[at + 1] : undefined
  const signs: Sign[] = []
  for (const code of [text, input]) {
    if (code !== undefined && (known || (name.startsWith('$') && CODE.test(code)))) {
      signs.push(...codeSigns(code))
      for (const script of scriptsIn(code)) {
        shellSigns(readScript(script), signs)
      }
    }
  }
  if (['psql', 'mysql', 'sqlite3', 'sqlcmd', 'mariadb', 'clickhouse-client'].includes(name)) {
    const statement = [...args.filter((arg) => SQL_TEXT.test(arg)), input ?? ''].join('\n')
    signs.push(...sqlSigns(statement))
  }
  return signs
}

/** What signs come to. Signs of the same `what` count once. */
function sum(signs: readonly Sign[]): Danger | undefined {
  const strongest = new Map<string, Sign>()
  for (const sign of signs) {
    if ((strongest.get(sign.what)?.weight ?? 0) < sign.weight) {
      strongest.set(sign.what, sign)
    }
  }
  const kept = [...strongest.values()].sort((one, other) => other.weight - one.weight)
  const score = 1 - kept.slice(0, SIGN_LIMIT).reduce((rest, { weight }) => rest * (1 - weight), 1)
  if (score < FLAGGED) {
    return undefined
  }
  const strong = kept.filter(({ weight }) => weight >= FLAGGED)
  const telling = strong.length === 0 ? kept : strong
  const acting = kept.filter(({ deed }) => deed !== 'explores')
  const least: Severity = score >= TOGETHER && acting.length > 1 ? 'medium' : 'low'
  const severity = SEVERITIES[Math.max(...[least, ...strong.map((each) => each.severity)].map(severityRank))]
  return {
    signs: kept.slice(0, SIGN_LIMIT),
    deeds: [...new Set(telling.map(({ deed }) => deed))],
    severity: severity ?? 'low',
    score,
  }
}
