/** Texts read with the words of prompt extraction. */
import { type Reading, readSentences } from '../text/sentences.ts'
import { lexicon } from './lexicon.ts'
import { MEANINGS } from './meanings.ts'

/** The sentences of a folded text, and what in them may ask for a prompt. */
export function readText(text: string): Reading {
  return readSentences(text, lexicon(), MEANINGS.enciphered)
}
