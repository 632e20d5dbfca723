/** Who is told to do what: the verbs of a sentence that are orders. */
import type { Sentence } from '../text/sentences.ts'
import { MEANINGS as M } from './meanings.ts'

/** The kinds of orders, and the meanings of their verbs. */
export const KINDS = ['outward', 'destroy', 'change', 'fetch', 'say', 'compose', 'override'] as const
export const KIND_BITS: readonly number[] = KINDS.map((kind) => M[kind])
export const ANY_VERB = KIND_BITS.reduce((all, bits) => all | bits, 0)

/** What may stand before the verb of an order: please, now, first, you must, assistant. */
const BEFORE = M.please | M.sequence | M.urgent | M.must | M.you | M.agent | M.todo | M.authority | M.renew | M.user
const ASKS = M.must | M.please | M.sequence | M.agent
/** Fewer words are a label. */
const SHORTEST_ORDER = 3
/** How many words may stand between what asks and the verb it asks for. */
const REACH = 2

/** Verbs of a sentence by the part they play, as meanings. */
export interface Orders {
  /** The sentence begins with it. */
  readonly opening: number
  /** You must, please, then it; or a form of the verb that is only used so, wherever a language puts it. */
  readonly asked: number
  /** It follows another order. */
  readonly also: number
  /** Where the first verb that is an order ends in the text; -1 without one. */
  readonly end: number
  /** Asked by `please`, `you must` and the like rather than bare. */
  readonly polite: boolean
}

/** Before a comma: in your answer, say; instead of that, send; when you are done, delete. */
const CLAUSE = M.sequence | M.reply | M.agent | M.you | M.renew | M.todo

/**
 * The orders in a sentence, or `undefined` when it tells nobody to do something.
 *
 * @param text the folded text that it is in
 */
export function ordersOf(sentence: Sentence, text: string): Orders | undefined {
  if ((sentence.meanings & ANY_VERB) === 0 || sentence.length < SHORTEST_ORDER) {
    return undefined
  }
  let opening = 0
  let asked = 0
  let also = 0
  let end = -1
  let polite = false
  let seen = 0
  const mayAsk = (sentence.meanings & (ASKS | CLAUSE)) !== 0
  let isOpening = true
  let strangers = 0
  let next = sentence.at
  let asks = Number.NEGATIVE_INFINITY
  for (const word of sentence.words) {
    const { meanings, at } = word
    strangers += at - next
    if (isOpening && strangers > 1) {
      isOpening = false
    }
    const isAsked =
      at - asks <= REACH + 1 || (meanings & M.must) !== 0 || ((seen & CLAUSE) !== 0 && followsComma(text, word.start))
    // Whether it is a noun is asked last: that takes longest.
    const mayOrder = (meanings & ANY_VERB) !== 0 && (isOpening || isAsked || (opening | asked) !== 0)
    if (mayOrder && !isNoun(text, word.start, word.end)) {
      const verb = meanings & ANY_VERB
      if (isOpening) {
        opening |= verb
        isOpening = false
        end = end < 0 ? word.end : end
      } else if (isAsked) {
        asked |= verb
        end = end < 0 ? word.end : end
      } else {
        also |= verb
      }
    }
    if (isOpening && (meanings & BEFORE) === 0) {
      isOpening = false
    }
    if ((meanings & ASKS) !== 0 && !isOfOthers(meanings, seen, at === sentence.at)) {
      asks = at
      polite ||= (meanings & (M.must | M.please)) !== 0
    }
    seen |= meanings
    next = at + 1
    if (!isOpening && !mayAsk && opening === 0) {
      return undefined
    }
  }
  return (opening | asked) === 0 ? undefined : { opening, asked, also, end, polite }
}

/** Words before a noun, and after one: `the email has been sent`. */
const BEFORE_NOUN =
  /(?:^|[^a-z])(?:the|an?|this|that|your|my|our|his|her|its|their|no|of|in|for|by|from|with|on|at|each|every|new|last|next|per) $/
const AFTER_NOUN =
  /^(?: (?:has|have|is|was|are|were|will|of|had|received|sent|address|number|by|id)\b|[_:)\]]|\.[a-z]|-[a-z])/
const LONGEST_BEFORE = 7
const LONGEST_AFTER = 10

/** Whether a word that may be a verb is none here: a noun among its words, or a part of the name of a file or a field. */
function isNoun(text: string, start: number, end: number): boolean {
  const before = text.charCodeAt(start - 1)
  return (
    before === 95 ||
    before === 46 ||
    AFTER_NOUN.test(text.slice(end, end + LONGEST_AFTER)) ||
    (before === 32 && BEFORE_NOUN.test(text.slice(Math.max(0, start - LONGEST_BEFORE), start)))
  )
}

/** Employees must, applicants should: said of people who are not the reader. */
const isOfOthers = (meanings: number, seen: number, isFirst: boolean) =>
  (meanings & ASKS) === M.must && (meanings & M.you) === 0 && (seen & (M.you | M.agent)) === 0 && !isFirst

const followsComma = (text: string, start: number) =>
  text.charCodeAt(start - 1) === 44 || (text.charCodeAt(start - 1) === 32 && text.charCodeAt(start - 2) === 44)
