/** Demands in a text that was read: an action with what is said about it, and with how much force. */
import { TextMemory } from '../../schema/text-memory.ts'
import { type Action, DEMANDS } from './actions.ts'
import { tokensOf } from './tokens.ts'

/** One demand. Plain data: it becomes state. */
export interface Demand {
  readonly actions: readonly Action[]
  /** The words behind the verb. */
  readonly tokens: readonly number[]
  readonly force: Force
}

/**
 * What the text around a demand makes of it. `pressing`: it wants to be obeyed now, by whoever reads, as guides do, too.
 * `overriding`: it speaks to the agent, over the head of whom the agent works for, as no guide does.
 */
export type Force = 'plain' | 'pressing' | 'overriding'
export const FORCES: readonly Force[] = ['plain', 'pressing', 'overriding']

/** How far behind its verb a demand reaches, in UTF-16 units and words. */
const REACH = 360
const WORDS = 48
/** The most demands of one text. */
const LIMIT = 12
/** How far from a demand words that override count. */
const NEAR = 700

const VERB = new RegExp(`\\b(?:${[...DEMANDS.keys()].join('|')})\\b`, 'g')
/** What stands before the verb of a demand: the beginning of a sentence, or somebody told to. */
const BEFORE =
  /(?:^|[.!?:;"'>\])}*\n-]\s{0,8}|\b(?:please|must|should|need to|have to|to|do|also|then|now|first|and|you|immediately|urgently|kindly|todo|can|could|will|just|simply|instead)\s{1,8})$/
const PRESSING: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override|skip)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|all|your|other|these|any)\b/g,
  /\bbefore you\b[^.\n]{0,40}\b(?:solve|complete|do|finish|answer|continue|proceed|can|start|respond)/g,
  /\b(?:important|urgent|system|admin(?:istrator)?|developer) (?:message|instructions?|notice|note|update|alert)\b/g,
  /\b(?:to|dear|hey|hi|hello|attention|note (?:to|for)|for)[, ]{1,3}(?:you, )?(?:the )?(?:ai|llm|gpt|claude|gemini|chatgpt|assistant|agent|language model|model|copilot|bot)\b/g,
  /\bto you, [a-z0-9]/g,
  /\b(?:the|my|your) (?:original )?task (?:that )?(?:i|you)\b/g,
  /\bnew (?:task|instructions?|objective|goal)\b/g,
  /\b(?:do not|don't|never|without) (?:tell|mention|inform|ask|notify|reveal|alert)(?:ing)?\b/g,
  /<\/?(?:information|system|instructions?|important|admin|user|im_start)>|\[\/?(?:inst|system)\]|<\|im_/g,
  /\b(?:first|only) then\b|\bdo the following first\b/g,
]
const OVERRIDING: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|all|your|other|these|any)\b[^.\n]{0,30}\b(?:instructions?|prompts?|tasks?|orders?|rules|guidelines|directions|messages?)\b/g,
  /\bto you, (?:the )?(?:ai|llm|gpt|claude|gemini|chatgpt|assistant|agent|language model|model|copilot|bot)\b/g,
  /\b(?:do not|don't|never|without) (?:tell|mention|inform|ask|notify|reveal|alert)(?:ing)?\b[^.\n]{0,20}\b(?:users?|me|anyone|anybody|them|him|her|owner|human|humans)\b/g,
  /<\/?(?:information|system|im_start)>|\[\/?(?:inst|system)\]|<\|im_/g,
]

/** UTF-16 units of the texts whose demands are remembered. */
const texts = new TextMemory(read, 1024 * 1024)

/** The demands of a text, the most forceful first. Usually none. */
export function demandsOf(text: string): readonly Demand[] {
  return texts.of(text)
}

function read(text: string): readonly Demand[] {
  const lower = text.toLowerCase().replaceAll('\\n', ' \n')
  const found: { readonly at: number; readonly verb: string }[] = []
  VERB.lastIndex = 0
  for (let match = VERB.exec(lower); match !== null && found.length < 4 * LIMIT; match = VERB.exec(lower)) {
    if (BEFORE.test(lower.slice(Math.max(0, match.index - 16), match.index))) {
      found.push({ at: match.index, verb: match[0] })
    }
  }
  if (found.length === 0) {
    return NONE
  }
  const [pressing, overriding] = [marks(PRESSING, lower), marks(OVERRIDING, lower)]
  const isNear = (places: readonly number[], at: number) => places.some((place) => Math.abs(place - at) < NEAR)
  return found
    .map(({ at, verb }) => ({ at, verb, force: isNear(overriding, at) ? 2 : isNear(pressing, at) ? 1 : 0 }))
    .sort((one, other) => other.force - one.force)
    .slice(0, LIMIT)
    .map(({ at, verb, force }) => ({
      actions: DEMANDS.get(verb) ?? [],
      tokens: tokensOf(lower.slice(at, at + REACH), WORDS),
      force: FORCES[force] ?? 'plain',
    }))
}

function marks(patterns: readonly RegExp[], text: string): readonly number[] {
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].slice(0, 20).map(({ index }) => index))
}

const NONE: readonly Demand[] = []
