/** All words of all languages, compiled into one matcher when the first text is read. */
import type { Meaning as OtherMeaning } from '../prompt-extraction/meanings.ts'
import * as european from '../prompt-extraction/words-european.ts'
import * as other from '../prompt-extraction/words-other.ts'
import { compileLexicon, lexiconEntries, misspellings } from '../text/lexicon.ts'
import type { WordMatcher } from '../text/word-matcher.ts'
import { bitsOf, MEANINGS, type Meaning } from './meanings.ts'
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

function borrowedBits(key: string): number {
  return key.split('+').reduce((bits, meaning) => {
    const borrowed = BORROWED[meaning as OtherMeaning]
    return borrowed === undefined ? bits : bits | MEANINGS[borrowed]
  }, 0)
}

type Language = Readonly<Record<string, string>>

/** Before a comma or the end: fitted without asking for a space behind words. */
const SPACE_BEHIND = /\s+(?=,|$)/g

function entriesOf(languages: readonly Language[], meaningsOf: (key: string) => number) {
  return languages.flatMap((language) =>
    Object.entries(language).map(([key, list]) => [list.replace(SPACE_BEHIND, ''), meaningsOf(key)] as const),
  )
}

const SLIPS = { dropFrom: 1, putIn: 'aeioun' }

let compiled: WordMatcher | undefined

/** Finds every word of interest in folded text, with its meanings (`MEANINGS`); neutral phrases have none. */
export function lexicon(): WordMatcher {
  compiled ??= compileLexicon(
    lexiconEntries({
      entries: [
        ...entriesOf([...Object.values(european), ...Object.values(other)] as Language[], borrowedBits),
        ...entriesOf([ENGLISH, ...Object.values(ownEuropean), ...Object.values(ownOther)] as Language[], bitsOf),
      ],
      oftenMisspelt:
        'ignore, ignoring, disregard, previous, instruction, instructions, retrieve, immediately, assistant, important, password',
      misspellings: (word) => misspellings(word, SLIPS),
      turned:
        'ignore, previous, instructions, instruction, disregard, password, assistant, delete, transfer, important',
      enciphered: MEANINGS.enciphered,
      neutral: ENGLISH_NEUTRAL,
    }),
  )
  return compiled
}
