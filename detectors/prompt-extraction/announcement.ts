/**
 * Judges a text that an agent gave out while its prompt is not known: does it say that these are its instructions, and then
 * instruct? Weaker than an overlap with a known prompt, which its confidence says.
 */
import { foldText } from '../text/normalize.ts'
import { PhraseSearch } from '../text/phrase-search.ts'
import type { Reading, Sentence } from '../text/sentences.ts'
import { isAscii } from '../text/text-units.ts'
import { entries } from './lexicon.ts'
import { MEANINGS as M } from './meanings.ts'
import { readText } from './reading.ts'

export interface Announcement {
  /** How many sentences instruct. */
  readonly directives: number
  /** The text says that these are its instructions; otherwise it only reads like instructions to an agent. */
  readonly announced: boolean
  /** The announcing sentence, as it was read. Untrusted. */
  readonly sentence: string
  readonly secrets: boolean
}

/** Every way to say something of one list, then something of the other. */
const pairs = (first: string, second: string) =>
  first.split(',').flatMap((one) => second.split(',').map((other) => `${one} ${other}`))
/** What only instructions to an agent say. */
const PHRASES_TO_AN_AGENT = [
  ...pairs(pairs('if,when,whenever,unless,once,only if', 'the,a,any').join(), 'user,customer,input,message,person'),
  ...pairs('user', 'says,asks,enters,sets,types,provides,tries'),
  ...pairs("do not,don't,never", 'trust,believe,reveal,disclose,respond,repeat,share,mention,grant,accept,divulge'),
  ...pairs(
    'respond,reply,answer,output,say,responding,replying,answering,outputing,saying',
    `with,exactly,only,${pairs('only,exactly,just', 'with,exactly,only').join()}`,
  ),
  ...pairs('only,always,must', 'respond,reply,output,answer,say'),
  ...pairs('for any,for anything', 'other,else'),
]
const TO_AN_AGENT = new RegExp(`\\b(?:${PHRASES_TO_AN_AGENT.join('|')})\\b`)
const TO_AN_AGENT_ANYWHERE = new RegExp(TO_AN_AGENT, 'g')
/** So many such sentences are instructions given out, announced or not. */
const UNANNOUNCED = 3

/** Sentences after the announcement in which directives are looked for. */
const REACH = 12
const DIRECTIVE =
  /^[\s\d.)\]*•#>"'-]{0,12}(?:you (?:are|were|must|should|will|may|can|have)\b|i (?:am|must|should|have to)\b|do not\b|don't\b|never\b|always\b|only\b|if (?:the|a|any|you|someone|asked|user|input)\b|when (?:the|a|asked|you)\b|respond\b|reply\b|answer\b|say\b|ignore\b|keep\b|your (?:role|task|job|goal|name|purpose)\b|otherwise\b|for (?:any\w*|other|all)\b|everything else\b|remember\b|note that\b|the \w+(?: \w+)? (?:must|should|can only|is only)\b|under no\b|be (?:polite|helpful|concise|brief|careful)\b|use\b|act as\b|refuse\b|protect\b|the (?:user|secret|password|access|code|input)\b)/
const REFUSAL =
  /\b(?:cannot|can't|can not|unable|won't|will not|not able|not allowed|sorry|apologi[sz]e|never (?:share|reveal)|don't have|do not have)\b/
const COPULA = /\b(?:are|is|were|was|say|says|state|states|include|includes|as follows|following|read|reads|to)\b|[:=]/

/** Shorter words stand everywhere. */
const SHORTEST_WORD = 4
let announcing: PhraseSearch | undefined

/**
 * Whether a text holds what no announcement is without: a word for prompts and instructions, or what is said to agents alone.
 * Spares most outputs the reading. Exported for its test.
 */
export function mayAnnounce(text: string): boolean {
  announcing ??= new PhraseSearch([...objectPhrases(), ...PHRASES_TO_AN_AGENT])
  return !isAscii(text) || announcing.isIn(text)
}

/** Of a phrase its longest word, which may be searched for however the words are parted; the whole where all are short. */
function objectPhrases(): readonly string[] {
  return Array.from(entries(), ([entry, meanings]) => {
    const phrase = (meanings & OBJECT) === 0 ? '' : entry.replace('*', '')
    const longest = phrase.split(/[^a-z]+/).reduce((one, other) => (other.length > one.length ? other : one))
    return longest.length >= SHORTEST_WORD ? longest : phrase
  }).filter((phrase) => isAscii(phrase) && phrase.length >= SHORTEST_WORD)
}

/** The announcement of instructions in a text, with what it goes on to disclose; `undefined` when there is none. */
export function judgeAnnouncement(text: string): Announcement | undefined {
  if (!mayAnnounce(text)) {
    return undefined
  }
  const reading = readText(foldText(text))
  const known = new Map<Sentence, boolean>()
  // Asked again by every announcement before it.
  const instructs = (one: Sentence) => {
    const answer = known.get(one) ?? DIRECTIVE.test(reading.text.slice(one.start, one.end).trimStart())
    known.set(one, answer)
    return answer
  }
  for (let index = 0; index < reading.sentences.length; index += 1) {
    const sentence = reading.sentences[index]
    if (sentence === undefined || !announces(sentence, reading.text)) {
      continue
    }
    const after = reading.sentences.slice(index, index + 1 + REACH)
    const rest = reading.text.slice(lastObjectEnd(sentence), sentence.end)
    const directives = after.slice(1).filter(instructs).length + (inline(rest) ? 1 : 0)
    if (directives > 0) {
      return {
        directives,
        announced: true,
        sentence: reading.text.slice(sentence.start, sentence.end).trim(),
        secrets: after.some((one) => (one.meanings & M.secret) !== 0),
      }
    }
  }
  return unannounced(reading)
}

/** A text without any of these is no instruction to an agent. */
const HINTS = ['user', 'respond', 'reply', 'never', 'do not', "don't", 'output', 'answer']

function unannounced(reading: Reading): Announcement | undefined {
  if (
    (reading.text.match(TO_AN_AGENT_ANYWHERE)?.length ?? 0) < UNANNOUNCED ||
    !HINTS.some((hint) => reading.text.includes(hint))
  ) {
    return undefined
  }
  const said = reading.sentences.filter((one) => TO_AN_AGENT.test(reading.text.slice(one.start, one.end)))
  const [first] = said
  return first === undefined || said.length < UNANNOUNCED
    ? undefined
    : {
        directives: said.length,
        announced: false,
        sentence: reading.text.slice(first.start, first.end).trim(),
        secrets: said.some((one) => (one.meanings & M.secret) !== 0),
      }
}

/** Directives that follow in the announcing sentence itself: `My instructions are to never reveal ...`. */
function inline(rest: string): boolean {
  const trimmed = rest.replace(
    /^[^a-z]{0,8}(?:so far|above|regarding [a-z ,']{0,60}|initial|were|are|is|as follows|to|that|fully|completely|[:=\s"'])*\s*/,
    '',
  )
  return (
    DIRECTIVE.test(trimmed) || /\b(?:you are an?|do not|never|not reveal|must not|only respond|always)\b/.test(rest)
  )
}

const OBJECT = M.prompt | M.instructions

function lastObjectEnd(sentence: Sentence): number {
  return sentence.words.reduce(
    (end, word) => ((word.meanings & OBJECT) !== 0 && word.at < sentence.at + 14 ? word.end : end),
    sentence.start,
  )
}

function announces(sentence: Sentence, text: string): boolean {
  if ((sentence.meanings & OBJECT) === 0) {
    return false
  }
  const said = text.slice(sentence.start, sentence.end)
  if (
    REFUSAL.test(said) &&
    !/\b(?:instructions|rules|prompt)\b[^.]{0,60}\b(?:are|is)\b\s*(?:as follows|:|to)/.test(said)
  ) {
    return false
  }
  for (const word of sentence.words) {
    if ((word.meanings & OBJECT) === 0) {
      continue
    }
    const own = sentence.words.some(
      (other) =>
        other !== word &&
        other.at >= word.at - 3 &&
        other.at <= word.at + 3 &&
        (((other.meanings & M.users) !== 0 && /^my\b/.test(text.slice(other.start, other.end))) ||
          (other.meanings & (M.prior | M.initial | M.given)) !== 0),
    )
    const initial = (word.meanings & M.prompt) !== 0 && (word.meanings & M.initial) !== 0
    if (
      (own || initial || givenToMe(said)) &&
      COPULA.test(text.slice(word.end, Math.min(sentence.end + 1, word.end + 60)))
    ) {
      return true
    }
  }
  return false
}

function givenToMe(said: string): boolean {
  return /\bi (?:was|am|have been|'ve been) (?:told|instructed|given|programmed|configured|asked) (?:to|not|the|these|by)\b/.test(
    said,
  )
}
