/** What a tool's name says it does. Names are all that telemetry surely has; words in them are a hint, no more. */
import type { GatedAction } from '../../rules/approvals.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { wordsOf } from '../text/name-words.ts'

/** The powers that make a forbidden call urgent. */
export type ToolPower = 'runs-commands' | 'reads-secrets'

const COMMAND_WORDS = new Set([
  'shell',
  'bash',
  'sh',
  'zsh',
  'powershell',
  'pwsh',
  'cmd',
  'terminal',
  'console',
  'exec',
  'eval',
  'subprocess',
  'ssh',
  'sudo',
  'repl',
])
/** Words that mean running something only together: `run_command`, `executeCode`, `PythonCodeExecution`. */
const RUN_WORDS = new Set(['run', 'execute', 'execution', 'invoke', 'interpret', 'interpreter'])
const RUNNABLE_WORDS = new Set(['command', 'commands', 'code', 'script', 'python', 'javascript', 'process', 'program'])
const SECRET_WORDS = new Set([
  'secret',
  'secrets',
  'credential',
  'credentials',
  'password',
  'passwords',
  'vault',
  'keychain',
  'keyring',
  'token',
  'tokens',
  'apikey',
  'apikeys',
])

/** Characters of tool names that are remembered with what they say. */
const REMEMBERED = 128 * 1024
const powers = new TextMemory(powersOf, REMEMBERED, 'first')

/** The powers that words of the name suggest. */
export function toolPowers(name: string): ReadonlySet<ToolPower> {
  return powers.of(name)
}

function powersOf(name: string): ReadonlySet<ToolPower> {
  const words = wordsOf(name)
  const found = new Set<ToolPower>()
  const has = (known: ReadonlySet<string>) => words.some((word) => known.has(word))
  if (runsByWord(words) || (has(RUN_WORDS) && has(RUNNABLE_WORDS))) {
    found.add('runs-commands')
  }
  if (has(SECRET_WORDS)) {
    found.add('reads-secrets')
  }
  return found
}

/** Places where commands are typed, and read back: `browser_console_messages`, `get_terminal_output`. */
const CONSOLES: ReadonlySet<string> = new Set(['console', 'terminal'])
const READ_BACK: ReadonlySet<string> = new Set(['messages', 'output', 'log', 'logs', 'history', 'get', 'list', 'read'])

function runsByWord(words: readonly string[]): boolean {
  const isReadBack = words.some((word) => READ_BACK.has(word))
  return words.some((word) => COMMAND_WORDS.has(word) && !(isReadBack && CONSOLES.has(word)))
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

/** Words of tools that only look. What is a verb or a noun, as `post` and `charge` are, is a noun beside one of them. */
const READ_WORDS =
  words(`get list read search find fetch lookup describe show view query count check status inspect preview
  validate verify summarize monitor retrieve browse load recall`)
/** Verbs whatever stands beside them. */
const DELETE_WORDS = words(`delete remove erase drop purge destroy wipe truncate unlink rm terminate uninstall revoke
  deprovision decommission`)
const SEND_WORDS = words('send reply forward publish tweet notify broadcast invite submit upload')
const WRITE_WORDS =
  words(`write create update edit insert upsert append modify patch replace rename move put save add set
  overwrite import restore deploy install merge commit push rotate reset assign enable disable`)
const PAY_WORDS = words('pay refund payout remit disburse')
const GRANT_WORDS = words('grant elevate escalate impersonate authorize')
/** Verbs only where nothing is read. */
const DELETE_OR_NOUN = words('clear cancel kill')
const SEND_OR_NOUN = words('post share email mail message sms webhook')
const WRITE_OR_NOUN = words('change record schedule book reserve close')
const PAY_OR_NOUN = words('charge purchase buy checkout withdraw')
/** Money, when something is done with it. */
const MONEY_WORDS = words('payment payments transaction transactions money funds payout refund invoice wire iban')
const MONEY_MOVES = words('transfer make execute issue initiate process approve confirm schedule place')
/** Of code and databases: there, a checkout and a transaction are no purchase. */
const VERSION_WORDS = words('git branch commit repo repository rollback begin savepoint database db sql')
const RIGHT_WORDS = words('role roles permission permissions privilege privileges acl iam entitlement entitlements')

const actions = new TextMemory(actionsOf, REMEMBERED, 'first')

/** What words of the name say a call does to the world; empty for tools that only look. */
export function toolActions(name: string): ReadonlySet<GatedAction> {
  return actions.of(name)
}

/** Whether words of the name say that a call looks, and nothing in it says that it does more. */
export function onlyLooks(name: string): boolean {
  return toolActions(name).size === 0 && wordsOf(name).some((word) => READ_WORDS.has(word))
}

function actionsOf(name: string): ReadonlySet<GatedAction> {
  const found = wordsOf(name)
  const has = (known: ReadonlySet<string>) => found.some((word) => known.has(word))
  const looks = has(READ_WORDS)
  const does = (verbs: ReadonlySet<string>, nouns: ReadonlySet<string>) => has(verbs) || (!looks && has(nouns))
  // A message that is deleted is not sent.
  const sends = has(SEND_WORDS) || (!looks && !has(DELETE_WORDS) && has(SEND_OR_NOUN))
  const ofVersions = has(VERSION_WORDS)
  const writes = does(WRITE_WORDS, WRITE_OR_NOUN)
  const moves = has(MONEY_MOVES)
  const kinds: readonly (readonly [GatedAction, boolean])[] = [
    ['deletes', does(DELETE_WORDS, DELETE_OR_NOUN)],
    [
      'pays',
      has(PAY_WORDS) ||
        (!ofVersions && ((!looks && has(PAY_OR_NOUN)) || (has(MONEY_WORDS) && (sends || writes || (moves && !looks))))),
    ],
    ['grants', has(GRANT_WORDS) || (has(RIGHT_WORDS) && (writes || sends))],
    ['runs-commands', toolPowers(name).has('runs-commands')],
    ['sends', sends],
    ['writes', writes],
  ]
  return new Set(kinds.filter(([, holds]) => holds).map(([kind]) => kind))
}
