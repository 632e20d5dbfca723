/** Kinds of actions that matter, as tools are named for them, as people ask for them, and as texts demand them. */
import { TextMemory } from '../../schema/text-memory.ts'
import { wordsOf } from '../text/name-words.ts'

/** What a call does that cannot simply be taken back. */
export const ACTIONS = ['send', 'pay', 'delete', 'create', 'book', 'change', 'share', 'run'] as const
export type Action = (typeof ACTIONS)[number]

/** Words of a tool's name, and of what people ask for. */
const WORDS: Readonly<Record<Action, string>> = {
  send: 'send sends forward reply dm notify contact respond tell write',
  pay: 'pay pays payment payments transfer wire refund buy purchase order checkout donate charge deposit withdraw subscribe',
  delete: 'delete deletes remove cancel erase drop destroy unsubscribe purge clear clean archive trash revoke',
  create:
    'create creates add adds schedule event appointment reminder calendar meeting register open insert plan make set put invite',
  book: 'book books booking reserve reservation reservations rent hire rebook stay trip travel',
  change:
    'change changes modify update updates edit reset set rename reschedule move replace correct adjust alter fix extend increase raise',
  share: 'share shares grant give permission permissions access invite upload publish post tweet comment review add',
  run: 'run execute install download launch start deploy exec eval shell bash command script',
}
/** Words of a tool's name that say it does something; all others only look. `get_email` sends nothing. */
const TOOL_WORDS: Readonly<Record<Action, string>> = {
  send: 'send forward reply dm notify message',
  pay: 'pay payment transfer wire refund buy purchase checkout donate withdraw deposit order money transaction',
  delete: 'delete remove cancel erase drop destroy purge clear trash revoke unsubscribe',
  create: 'create add schedule register insert',
  book: 'book reserve rent hire',
  change: 'change modify update edit reset set rename reschedule move replace',
  share: 'share grant give invite upload publish post tweet permission submit fill',
  run: 'run execute install exec eval shell bash deploy',
}
const LOOKING =
  /^(?:get|list|read|search|find|fetch|show|view|check|lookup|query|describe|count|is|has|download|browse|calculate|verify)$/
/** `Mail` is mostly something to read, unless somebody is to be mailed. */
const ASKS_TO_MAIL = /(?:^|[.!?,;:\n]\s{0,8}|\b(?:please|and|to|then|also|you)\s{1,8})(?:e-?mail|mail|message|text)\s/i
/** Somebody who leaves it to a document what is to be done. */
const DEFERS =
  /\b(?:do|follow|perform|complete|carry out|execute|handle|take care of|act on|process|work through|finish|implement|apply|according|accordingly)\b.{0,40}\b(?:actions?|instructions?|tasks?|to-?dos?|steps?|list|items?|requests?|it says|accordingly|specified|described|mentioned)\b|\baccordingly\b|\bwhat(?:ever)? (?:it|they|he|she|the \w{1,20}) (?:says?|asks?|wants?)\b/i

const byWord = (table: Readonly<Record<Action, string>>): ReadonlyMap<string, readonly Action[]> => {
  const found = new Map<string, Action[]>()
  for (const action of ACTIONS) {
    for (const word of table[action].split(' ')) {
      found.set(word, [...(found.get(word) ?? []), action])
    }
  }
  return found
}
const ASKED = byWord(WORDS)
const NAMED = byWord(TOOL_WORDS)

const tools = new TextMemory(readTool, 64 * 1024, 'first')

/** What a tool of this name does; empty for one that only looks. */
export function actionsOfTool(name: string): readonly Action[] {
  return tools.of(name)
}

function readTool(name: string): readonly Action[] {
  const words = wordsOf(name)
  const verb = words.find((word) => NAMED.has(word) || LOOKING.test(word))
  return verb === undefined || LOOKING.test(verb) ? [] : [...new Set(words.flatMap((word) => NAMED.get(word) ?? []))]
}

/** What somebody asks for in these words, and whether it is left to a document what that is. */
export function asked(text: string): { readonly actions: readonly Action[]; readonly defers: boolean } {
  const actions = new Set<Action>()
  for (const word of text.toLowerCase().split(/[^a-z0-9_]+/)) {
    for (const action of ASKED.get(word) ?? []) {
      actions.add(action)
    }
  }
  if (ASKS_TO_MAIL.test(text)) {
    actions.add('send')
  }
  return { actions: [...actions], defers: DEFERS.test(text) }
}

/** The verbs with which a text demands an action, by its kind. */
export const VERBS: ReadonlyMap<string, Action> = byVerb({
  send: 'send email mail forward message notify text reply write',
  pay: 'pay transfer wire refund buy purchase order donate withdraw deposit',
  delete: 'delete remove cancel erase drop purge revoke unsubscribe clear',
  create: 'create add schedule register insert make set',
  book: 'book reserve rent hire',
  change: 'change modify update edit reset replace rename reschedule move',
  share: 'share grant invite upload publish post tweet give',
  run: 'run execute install download launch visit open call use',
})

/** What agents may do to obey a demand of a kind. */
export const OBEYING: Readonly<Record<Action, readonly Action[]>> = {
  send: ['send', 'pay', 'share'],
  pay: ['pay', 'send'],
  delete: ['delete', 'change'],
  create: ['create', 'book', 'pay', 'change', 'share'],
  book: ['book', 'create'],
  change: ['change'],
  share: ['share', 'send', 'create', 'change'],
  run: ACTIONS,
}

function byVerb(verbs: Readonly<Record<Action, string>>): ReadonlyMap<string, Action> {
  return new Map(ACTIONS.flatMap((action) => verbs[action].split(' ').map((verb) => [verb, action] as const)))
}
