/** All words of all languages, compiled into one matcher when the first text is read. */
import type { Meaning as OtherMeaning } from '../prompt-extraction/meanings.ts'
import * as european from '../prompt-extraction/words-european.ts'
import * as other from '../prompt-extraction/words-other.ts'
import { foldText } from '../text/normalize.ts'
import { WordMatcher } from '../text/word-matcher.ts'
import { bitsOf, MEANINGS, type Meaning, type Words } from './meanings.ts'
import { ENGLISH, ENGLISH_NEUTRAL } from './words-english.ts'
import * as ownEuropean from './words-european.ts'
import * as ownOther from './words-other.ts'

/** What the words of prompt extraction in other languages than English mean here. */
const BORROWED: Readonly<Partial<Record<OtherMeaning, Meaning>>> = {
  override: 'override',
  instructions: 'instructions',
  prompt: 'instructions',
  prior: 'prior',
  initial: 'prior',
  your: 'your',
  you: 'you',
  authority: 'authority',
  secret: 'secret',
  reply: 'reply',
  reveal: 'say',
}
/** Misspellings are accepted of these only: long enough that no other word is near, and central to an instruction. */
const OFTEN_MISSPELT =
  'ignore, ignoring, disregard, previous, instruction, instructions, retrieve, immediately, assistant, important, password'
const TURNED =
  'ignore, previous, instructions, instruction, disregard, password, assistant, delete, transfer, important'

const words = (list: string) => list.split(',').map((word) => foldText(word.replace(/\s+/g, ' ').trim()))

let compiled: WordMatcher | undefined

/**
 * Finds every word of interest in folded text, with its meanings (`MEANINGS`); neutral phrases have none. The first call
 * takes a tenth of a second, which whoever judges no text need not wait for.
 */
export function lexicon(): WordMatcher {
  compiled ??= compile()
  return compiled
}

function compile(): WordMatcher {
  const meanings = new Map<string, number>()
  const add = (list: string, bits: number) => {
    for (const word of words(list)) {
      meanings.set(word, (meanings.get(word) ?? 0) | bits)
    }
  }
  for (const language of [...Object.values(european), ...Object.values(other)]) {
    for (const [key, list] of Object.entries(language)) {
      add(list, borrowedBits(key))
    }
  }
  const own: Words[] = [ENGLISH, ...Object.values(ownEuropean), ...Object.values(ownOther)]
  for (const language of own) {
    for (const [key, list] of Object.entries(language)) {
      add(list, bitsOf(key))
    }
  }
  for (const word of words(OFTEN_MISSPELT)) {
    for (const form of misspellings(word)) {
      if (!meanings.has(form)) {
        meanings.set(form, meanings.get(word) ?? 0)
      }
    }
  }
  for (const word of words(TURNED)) {
    meanings.set(rotated(word), MEANINGS.enciphered)
    meanings.set(Array.from(word).reverse().join(''), MEANINGS.enciphered)
  }
  for (const phrase of words(ENGLISH_NEUTRAL)) {
    meanings.set(phrase, 0)
  }
  const matcher = new WordMatcher()
  for (const [word, bits] of meanings) {
    if (word !== '') {
      matcher.add(word, bits)
    }
  }
  matcher.seal()
  return matcher
}

function borrowedBits(key: string): number {
  return key.split('+').reduce((bits, meaning) => {
    const borrowed = BORROWED[meaning as OtherMeaning]
    return borrowed === undefined ? bits : bits | MEANINGS[borrowed]
  }, 0)
}

/** One letter dropped, doubled, put in, or swapped with its neighbour. */
function misspellings(word: string): string[] {
  const forms: string[] = []
  for (let at = 1; at < word.length; at += 1) {
    const before = word.slice(0, at)
    const letter = word[at] ?? ''
    forms.push(before + word.slice(at + 1))
    forms.push(before + letter + letter + word.slice(at + 1))
    forms.push(word.slice(0, at - 1) + letter + (word[at - 1] ?? '') + word.slice(at + 1))
    for (const slip of 'aeioun') {
      forms.push(before + slip + word.slice(at))
    }
  }
  return forms.filter((form) => form !== word)
}

function rotated(word: string): string {
  return word.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97))
}
