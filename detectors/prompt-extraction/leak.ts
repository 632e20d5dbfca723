/**
 * Judges a text that an agent gave out: does it carry the agent's prompt?
 *
 * Two ways. By overlap, when the prompt is known: hashed shingles of it, remembered from telemetry or registered in the
 * policy, never its text. By announcement, when it is not: the text says that these are its instructions, and then
 * instructs. The second is weaker and says so in its confidence.
 */
import { eachShingle, FEWEST_SHINGLES, shingles } from '../../rules/shingles.ts'
import { foldText } from '../text/normalize.ts'
import type { Reading, Sentence } from '../text/sentences.ts'
import { disguises } from './disguises.ts'
import { MEANINGS as M } from './meanings.ts'
import { readText } from './reading.ts'

/** How many shingles stand for one prompt: its smallest hashes, which sample it evenly. */
const SAMPLE = 192

/** What is remembered of one prompt. Plain data. */
export interface KnownPrompt {
  /** Identifies the prompt: its hash from telemetry, else a hash of its shingles. */
  readonly id: string
  /** The sampled shingles, ascending. */
  readonly shingles: readonly number[]
  /** Whether the prompt holds a password, key or other secret. */
  readonly secrets: boolean
  /** Decoy credentials planted in it, as the policy names them. */
  readonly decoys?: readonly string[]
}

export interface Overlap {
  /** Share of the prompt that occurs in the text, 0 to 1, estimated from the sample. */
  readonly share: number
  readonly shared: number
  readonly secrets: boolean
  /** How it was hidden: `base64`, `leetspeak`, ...; `undefined` when it stands in plain sight. */
  readonly hidden: string | undefined
}

/** A leak shares at least so many shingles, and so large a part of the prompt (a larger one when it is short). */
const SHARED = 8
const SHARE = 0.12
const SHORT_PROMPT = 24
const SHARE_OF_SHORT = 0.4

/** What to remember of a prompt. `id` is its hash from telemetry, when there is one. */
export function knownPrompt(text: string, id: string | undefined): KnownPrompt {
  const all = [...shingles(text)].sort((a, b) => a - b)
  const folded = foldText(text)
  return {
    id: id ?? identity(text),
    shingles: all.slice(0, SAMPLE),
    secrets:
      readText(folded).sentences.some((sentence) => (sentence.meanings & M.secret) !== 0) || folded.includes('[masked'),
  }
}

/** Identifies a prompt by its text when telemetry gives no hash. FNV-1a, and the length. */
export function identity(text: string): string {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return `${(value >>> 0).toString(16)}-${text.length}`
}

/**
 * The largest overlap of a text with one of the prompts that amounts to a leak, be it in plain sight or in disguise.
 *
 * @param prompts what is known from telemetry
 * @param registered the shingles of each prompt that the policy names
 * @param given the user's own message: what it holds as well does not count, for an agent that repeats the user leaks
 *   nothing
 */
export function judgeOverlap(
  text: string,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  given: string,
): Overlap | undefined {
  if (
    prompts.every((prompt) => prompt.shingles.length < FEWEST_SHINGLES) &&
    registered.every((prompt) => prompt.size < FEWEST_SHINGLES)
  ) {
    return undefined
  }
  const found = new Set<number>()
  const judge = (said: string, hidden: string | undefined) => {
    collect(said, prompts, registered, found)
    if (found.size > 0 && given !== '') {
      eachShingle(given, (shingle) => found.delete(shingle))
    }
    return largestLeak(found, prompts, registered, hidden)
  }
  const plain = judge(text, undefined)
  if (plain !== undefined) {
    return plain
  }
  // Parts may be hidden in several ways or pieces, so what was found adds up.
  for (const { how, text: said } of disguises(text)) {
    const leak = judge(said, how)
    if (leak !== undefined) {
      return leak
    }
  }
  return undefined
}

/** Adds the shingles of a text that some prompt has. */
function collect(
  text: string,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  found: Set<number>,
): void {
  const sieves = prompts.map(sieveOf)
  eachShingle(text, (shingle) => {
    if (
      (sieves.some((sieve) => sieve[shingle >>> SIEVE_SHIFT] === 1) && isKnown(shingle, prompts)) ||
      registered.some((prompt) => prompt.has(shingle))
    ) {
      found.add(shingle)
    }
  })
}

function largestLeak(
  found: ReadonlySet<number>,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  hidden: string | undefined,
): Overlap | undefined {
  let best: Overlap | undefined
  const consider = (size: number, shared: number, secrets: boolean) => {
    const overlap = { share: size === 0 ? 0 : shared / size, shared, secrets, hidden }
    if (isLeak(size, overlap) && overlap.share > (best?.share ?? 0)) {
      best = overlap
    }
  }
  if (found.size > 0) {
    for (const prompt of prompts) {
      consider(prompt.shingles.length, prompt.shingles.filter((shingle) => found.has(shingle)).length, prompt.secrets)
    }
    for (const prompt of registered) {
      consider(prompt.size, [...found].filter((shingle) => prompt.has(shingle)).length, false)
    }
  }
  return best
}

function isLeak(size: number, { share, shared }: Overlap): boolean {
  if (size < FEWEST_SHINGLES) {
    return false
  }
  return size < SHORT_PROMPT
    ? share >= SHARE_OF_SHORT && shared >= FEWEST_SHINGLES - 1
    : shared >= SHARED && share >= SHARE
}

/** Bits of a shingle that a sieve tells apart. */
const SIEVE_BITS = 12
const SIEVE_SHIFT = 32 - SIEVE_BITS
const knownSieves = new WeakMap<KnownPrompt, Uint8Array>()

/** Which shingles a prompt may hold, by their first bits: nearly all of any other text fall through. */
function sieveOf(prompt: KnownPrompt): Uint8Array {
  const known = knownSieves.get(prompt)
  if (known !== undefined) {
    return known
  }
  const sieve = new Uint8Array(1 << SIEVE_BITS)
  for (const shingle of prompt.shingles) {
    sieve[shingle >>> SIEVE_SHIFT] = 1
  }
  knownSieves.set(prompt, sieve)
  return sieve
}

function isKnown(shingle: number, prompts: readonly KnownPrompt[]): boolean {
  return prompts.some((prompt) => includes(prompt.shingles, shingle))
}

function includes(sorted: readonly number[], value: number): boolean {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const candidate = sorted[middle] ?? 0
    if (candidate === value) {
      return true
    }
    if (candidate < value) {
      low = middle + 1
    } else {
      high = middle - 1
    }
  }
  return false
}

export interface Announcement {
  /** How many sentences instruct. */
  readonly directives: number
  /** The text says that these are its instructions; otherwise it only reads like instructions to an agent. */
  readonly announced: boolean
  /** The announcing sentence, as it was read. Untrusted. */
  readonly sentence: string
  readonly secrets: boolean
}

/** What only instructions to an agent say. */
const TO_AN_AGENT =
  /\b(?:if|when|whenever|unless|once|only if) (?:the|a|any) (?:user|customer|input|message|person)\b|\buser (?:says|asks|enters|sets|types|provides|tries)\b|\b(?:do not|don't|never) (?:trust|believe|reveal|disclose|respond|repeat|share|mention|grant|accept|divulge)\b|\b(?:respond|reply|answer|output|say)(?:ing)? (?:only |exactly |just )?(?:with|exactly|only)\b|\b(?:only|always|must) (?:respond|reply|output|answer|say)\b|\bfor any(?:thing)? (?:other|else)\b/
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

/** The announcement of instructions in a text, with what it goes on to disclose; `undefined` when there is none. */
export function judgeAnnouncement(text: string): Announcement | undefined {
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
