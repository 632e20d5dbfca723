/** All words of all languages, compiled into one matcher when the first text is read. */
import { compileLexicon, lexiconEntries, misspellings } from '../text/lexicon.ts'
import type { WordMatcher } from '../text/word-matcher.ts'
import { bitsOf, MEANINGS, type Words } from './meanings.ts'
import { ENGLISH, ENGLISH_NEUTRAL } from './words-english.ts'
import * as european from './words-european.ts'
import * as other from './words-other.ts'

const LANGUAGES: readonly Words[] = [ENGLISH, ...Object.values(european), ...Object.values(other)]
const SLIPS = { dropFrom: 6, putIn: '' }

let known: ReadonlyMap<string, number> | undefined

/** What every word and phrase of interest means (`MEANINGS`); neutral ones mean nothing. */
export function entries(): ReadonlyMap<string, number> {
  known ??= lexiconEntries({
    entries: LANGUAGES.flatMap((language) =>
      Object.entries(language).map(([key, list]) => [list, bitsOf(key)] as const),
    ),
    oftenMisspelt: `repeat, reveal, print, output, instructions, instruction, prompt, system, previous, above, password, everything,
      verbatim, translate, summarize, format, bullet, pseudocode, initial, conversation, sentences, directives, words, ignore, display`,
    misspellings: (word) => misspellings(word, SLIPS),
    turned: 'prompt, instructions, instruction, repeat, reveal, previous, above, password, system',
    enciphered: MEANINGS.enciphered,
    neutral: ENGLISH_NEUTRAL,
  })
  return known
}

let compiled: WordMatcher | undefined

/** Finds every word of interest in folded text, with its meanings. */
export function lexicon(): WordMatcher {
  compiled ??= compileLexicon(entries())
  return compiled
}
