/**
 * What a text that an agent gave out says beside what it shows: a prompt told in base64, in look-alike letters, with its
 * letters apart, in leetspeak, in rot13 or backwards is a leak all the same.
 *
 * The words of a prompt may be any, so nothing here knows a lexicon, unlike the mending of requests in `text/respell.ts`.
 */
import { type Decoded, decodedParts, reversed, rot13 } from '../text/decode.ts'
import { foldText } from '../text/normalize.ts'

/** Letters that pass for Latin ones, between Latin ones where they have words of their own; and what cannot be seen. */
const LOOKALIKE =
  /[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]|[\u0250-\u02af\u061c\u115f\u1160\u180e\u1d00-\u1d7f\u3164\ua730\ua731\uffa0]|\u034f|\ud83c[\udd50-\udd89\udde6-\uddff]/i
const IN_WORD = 'a-z0-9\u00df-\u024f\u0370-\u052f'
/** One separator between every two letters, the same throughout: `s.e.c.r.e.t`. Words are parted by more or another. */
const APART = new RegExp(`(?<![${IN_WORD}])[${IN_WORD}]([ ._*|-])[${IN_WORD}](?:\\1[${IN_WORD}])*(?![${IN_WORD}])`, 'g')
/** A sign for a letter inside a word: `s3cret`. */
const LEET = /[a-z][013457@$]+[a-z]/g
/** Fewer words than this, broken or turned, are no leak: it takes a few shingles, each of three words. */
const SEVERAL = 4
const LEET_WORD = /[a-z0-9@$]+/g
const LEET_SIGN = /[013457@$]/g
const LETTER = /[a-z]/
const LETTER_OF = new Map(Object.entries({ 0: 'o', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' }))
/** The commonest English words in rot13 and backwards. */
const ROT13_WORD = / (?:gur|lbh|naq|abg|sbe|jvgu|vf|ner)(?= )/g
const BACKWARD_WORD = / (?:eht|uoy|dna|ton|rof|htiw|era|reven)(?= )/g
/** A line of base64 that goes on in the next. */
const WRAPPED = /\r?\n(?<=[a-z0-9+/]{40}\r?\n)(?=[a-z0-9+/])/gi

/** The other readings of a text. Ordinary text has none, and is spared more than a look. Pure, linear in the text. */
export function disguises(text: string): readonly Decoded[] {
  const found: Decoded[] = [...decodedParts(text.includes('\n') ? text.replace(WRAPPED, '') : text)]
  const lookalike = LOOKALIKE.test(text)
  const folded = lookalike ? foldText(text) : text.toLowerCase()
  if (lookalike) {
    found.push({ how: 'look-alike letters', text: folded })
  }
  if (isSeveral(folded, APART)) {
    found.push({ how: 'letters apart', text: folded.replace(APART, (run) => run.replace(/[ ._*|-]/g, '')) })
  }
  if (isSeveral(folded, LEET)) {
    // A one may be an i or an l.
    found.push(...['i', 'l'].map((one) => ({ how: 'leetspeak', text: withoutLeet(folded, one) })))
  }
  if (isSeveral(folded, ROT13_WORD)) {
    found.push({ how: 'rot13', text: rot13(folded) })
  }
  if (isSeveral(folded, BACKWARD_WORD)) {
    found.push({ how: 'writing backwards', text: reversed(folded) })
  }
  return found
}

function isSeveral(text: string, pattern: RegExp): boolean {
  let count = 0
  for (const _ of text.matchAll(pattern)) {
    count += 1
    if (count === SEVERAL) {
      return true
    }
  }
  return false
}

function withoutLeet(text: string, one: string): string {
  return text.replace(LEET_WORD, (word) =>
    LETTER.test(word) ? word.replace(LEET_SIGN, (sign) => LETTER_OF.get(sign) ?? one) : word,
  )
}
