/** Demands in a text that was read: an action with what is said about it, and with how much force. */
import { TextMemory } from '../../schema/text-memory.ts'
import { foldText } from '../text/normalize.ts'
import { type Action, VERBS } from './actions.ts'
import { placedTokens } from './tokens.ts'

/** A stretch of a text behind verbs that demand one kind of act with the same force. Plain data: it becomes state. */
export interface Demand {
  readonly kind: Action
  readonly force: Force
  /** Of the words of the reading, the end left out. */
  readonly from: number
  readonly to: number
}

/** Everything that a text demands, however much that is: none of it makes room for other parts of the text. */
export interface Reading {
  /** The words behind the verbs; other words are left out. */
  readonly words: readonly number[]
  readonly demands: readonly Demand[]
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
/** How far from a demand words that override count. */
const NEAR = 700

const VERB = new RegExp(`\\b(?:${[...VERBS.keys()].join('|')})\\b`, 'g')
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

/** The demands of a text; `undefined` for most. */
export function demandsOf(text: string): Reading | undefined {
  return texts.of(text)
}

function read(text: string): Reading | undefined {
  const lower = foldText(text).replaceAll('\\n', ' \n')
  const verbs: { readonly at: number; readonly kind: Action }[] = []
  VERB.lastIndex = 0
  for (let match = VERB.exec(lower); match !== null; match = VERB.exec(lower)) {
    const kind = VERBS.get(match[0])
    if (kind !== undefined && BEFORE.test(lower.slice(Math.max(0, match.index - 16), match.index))) {
      verbs.push({ at: match.index, kind })
    }
  }
  if (verbs.length === 0) {
    return undefined
  }
  const { tokens, starts } = placedTokens(lower)
  const [overriding, pressing] = [placesOf(OVERRIDING, lower), placesOf(PRESSING, lower)]
  const stretches = verbs.map(({ at, kind }): Demand => {
    const from = firstFrom(starts, at)
    return {
      kind,
      force: isNear(overriding, at) ? 'overriding' : isNear(pressing, at) ? 'pressing' : 'plain',
      from,
      to: Math.min(from + WORDS, firstFrom(starts, at + REACH)),
    }
  })
  return compacted(tokens, joined(stretches))
}

/** Stretches of one kind and force that touch are one. */
function joined(stretches: readonly Demand[]): readonly Demand[] {
  const open = new Map<string, Demand>()
  const closed: Demand[] = []
  for (const stretch of stretches) {
    const key = `${stretch.kind} ${stretch.force}`
    const last = open.get(key)
    if (last !== undefined && stretch.from <= last.to) {
      open.set(key, { ...last, to: stretch.to })
    } else {
      closed.push(...(last === undefined ? [] : [last]))
      open.set(key, stretch)
    }
  }
  return [...closed, ...open.values()].sort((one, other) => one.from - other.from)
}

/** Without the words that no stretch holds. */
function compacted(tokens: readonly number[], stretches: readonly Demand[]): Reading {
  const words: number[] = []
  const demands: Demand[] = []
  let end = 0
  let left = 0
  for (const { from, to, ...rest } of stretches) {
    left += Math.max(0, from - end)
    words.push(...tokens.slice(Math.max(from, end), to))
    end = Math.max(end, to)
    demands.push({ ...rest, from: from - left, to: to - left })
  }
  return { words, demands }
}

/** How far from each word on the demands around it reach, those that count. `undefined` when none does. */
export function reachOf({ words, demands }: Reading, counts: (demand: Demand) => boolean): Reach | undefined {
  const counting = demands.filter(counts)
  if (counting.length === 0) {
    return undefined
  }
  const reach = new Uint16Array(words.length)
  for (const { from, to } of counting) {
    reach[from] = Math.max(reach[from] as number, to)
  }
  for (let at = 1; at < reach.length; at += 1) {
    reach[at] = Math.max(reach[at] as number, reach[at - 1] as number)
  }
  return reach
}

export type Reach = Uint16Array

/** Whether a value stands word by word within the reach of demands. */
export function holds({ words }: Reading, reach: Reach, value: readonly number[]): boolean {
  const [first = -1] = value
  for (let at = words.indexOf(first); at >= 0; at = words.indexOf(first, at + 1)) {
    if ((reach[at] as number) >= at + value.length && value.every((token, index) => words[at + index] === token)) {
      return true
    }
  }
  return false
}

/** Where the patterns match, in order. */
function placesOf(patterns: readonly RegExp[], text: string): readonly number[] {
  return patterns
    .flatMap((pattern) => [...text.matchAll(pattern)].map(({ index }) => index))
    .sort((one, other) => one - other)
}

function isNear(places: readonly number[], at: number): boolean {
  const next = firstFrom(places, at - NEAR + 1)
  return next < places.length && (places[next] as number) < at + NEAR
}

/** The index of the first number that is no smaller, of numbers in order. */
function firstFrom(numbers: readonly number[], least: number): number {
  let [from, to] = [0, numbers.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((numbers[middle] as number) < least) {
      from = middle + 1
    } else {
      to = middle
    }
  }
  return from
}
