/**
 * Words that were broken so that no filter finds them, put together again: digits for letters (`r3p34t`), punctuation
 * inside (`re.pe.at`), letters apart (`r e p e a t`), letters drawn out (`repeaaat`), words run together.
 *
 * Only what then is a word of the lexicon is changed, so ordinary text comes back as it is.
 */
import type { WordMatcher } from './word-matcher.ts'

/** The most chunks between spaces that are looked at. */
export const CHUNKS = 1500
/** Shorter words are found in too many places to be cut out of a run of letters. */
const SHORTEST = 4
const LONGEST_CHUNK = 200

const SUSPICIOUS =
  /[a-z][0-9@$!|+.*_~^-]+[a-z]|[0-9@$!|][a-z]|([a-z])\1\1|(?:^|[^a-z])[a-z][ .*_|-][a-z][ .*_|-][a-z](?:[^a-z]|$)|[a-z]{14}/
const APART = /(?:[a-z0-9@$][ ._*|-]){2,}[a-z0-9@$](?![a-z0-9@$])/g
const LETTERS = /^[a-z]+$/
const LEET = new Map(
  Object.entries({
    '0': 'o',
    '1': 'i',
    '3': 'e',
    '4': 'a',
    '5': 's',
    '7': 't',
    '8': 'b',
    '9': 'g',
    '@': 'a',
    $: 's',
    '!': 'i',
    '|': 'l',
    '+': 't',
  }),
)

/** The folded text with its broken words mended, or `undefined` when there is nothing to mend. */
export function respell(folded: string, lexicon: WordMatcher): string | undefined {
  if (!SUSPICIOUS.test(folded)) {
    return undefined
  }
  const closed = folded.replace(APART, (run, offset: number) => {
    const before = offset > 0 ? folded.charCodeAt(offset - 1) : 32
    return before >= 97 && before <= 122 ? run : ` ${segmented(run.replace(/[ ._*|-]/g, ''), lexicon, 0)} `
  })
  let changed = closed !== folded
  let left = CHUNKS
  const mended = closed.replace(/[^\s]+/g, (chunk) => {
    left -= 1
    if (left < 0 || chunk.length > LONGEST_CHUNK) {
      return chunk
    }
    const whole = mend(chunk, lexicon)
    changed ||= whole !== chunk
    return whole
  })
  return changed ? mended : undefined
}

function mend(chunk: string, lexicon: WordMatcher): string {
  if (LETTERS.test(chunk)) {
    if (chunk.length >= 14 && !isWord(chunk, lexicon)) {
      return segmented(chunk, lexicon, 0.6)
    }
    return chunk.length > 4 ? withoutDrawl(chunk, lexicon) : chunk
  }
  const core = chunk.replace(/^[^a-z0-9@$|]+|[^a-z0-9@$|]+$/g, '')
  if (core.length < SHORTEST || LETTERS.test(core) || !/[a-z]/.test(core)) {
    return chunk
  }
  for (const one of ['i', 'l']) {
    const letters = Array.from(core, (sign) => (sign === '1' ? one : (LEET.get(sign) ?? sign))).join('')
    for (const form of [letters, letters.replace(/[^a-z]/g, ''), core.replace(/[^a-z]/g, '')]) {
      if (form.length >= SHORTEST && isWord(form, lexicon)) {
        return chunk.replace(core, form)
      }
    }
  }
  return chunk
}

function withoutDrawl(chunk: string, lexicon: WordMatcher): string {
  const short = chunk.replace(/([a-z])\1{2,}/g, '$1')
  return short !== chunk && isWord(short, lexicon) ? short : chunk
}

function isWord(form: string, lexicon: WordMatcher): boolean {
  const match = lexicon.match(form, 0)
  return match !== undefined && match.end === form.length && match.meanings !== 0
}

/** Puts spaces around the words in a run of letters, when they make up at least `share` of it. */
function segmented(run: string, lexicon: WordMatcher, share: number): string {
  let text = ''
  let covered = 0
  let index = 0
  while (index < run.length) {
    const match = lexicon.match(run, index, true)
    if (match !== undefined && match.end - index >= SHORTEST) {
      text += ` ${run.slice(index, match.end)} `
      covered += match.end - index
      index = match.end
    } else {
      text += run[index] ?? ''
      index += 1
    }
  }
  return covered >= share * run.length && covered > 0 ? text.replace(/ {2,}/g, ' ').trim() : run
}
