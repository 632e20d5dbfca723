/** All words of all languages, compiled into one matcher when the first text is read. */
import { foldText } from '../text/normalize.ts'
import { WordMatcher } from '../text/word-matcher.ts'
import { bitsOf, MEANINGS, type Words } from './meanings.ts'
import { ENGLISH, ENGLISH_NEUTRAL } from './words-english.ts'
import * as european from './words-european.ts'
import * as other from './words-other.ts'

/** Misspellings are accepted of these only: long enough that no other word is near, and central to a request. */
const OFTEN_MISSPELT = `repeat, reveal, print, output, instructions, instruction, prompt, system, previous, above, password, everything,
  verbatim, translate, summarize, format, bullet, pseudocode, initial, conversation, sentences, directives, words, ignore, display`

const words = (list: string) => list.split(',').map((word) => foldText(word.replace(/\s+/g, ' ').trimStart()))

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
  const languages: Words[] = [ENGLISH, ...Object.values(european), ...Object.values(other)]
  for (const language of languages) {
    for (const [key, list] of Object.entries(language)) {
      for (const word of words(list)) {
        meanings.set(word, (meanings.get(word) ?? 0) | bitsOf(key))
      }
    }
  }
  for (const word of words(OFTEN_MISSPELT)) {
    for (const form of misspellings(word)) {
      if (!meanings.has(form)) {
        meanings.set(form, meanings.get(word) ?? 0)
      }
    }
  }
  for (const word of words('prompt, instructions, instruction, repeat, reveal, previous, above, password, system')) {
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

/** One letter dropped, doubled, or swapped with its neighbour. */
function misspellings(word: string): string[] {
  const forms: string[] = []
  for (let at = 1; at < word.length; at += 1) {
    const before = word.slice(0, at)
    const letter = word[at] ?? ''
    if (word.length > 5) {
      forms.push(before + word.slice(at + 1))
    }
    forms.push(before + letter + letter + word.slice(at + 1))
    forms.push(word.slice(0, at - 1) + letter + (word[at - 1] ?? '') + word.slice(at + 1))
  }
  return forms.filter((form) => form !== word)
}

function rotated(word: string): string {
  return word.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97))
}
