/**
 * Words that were broken so that no filter finds them, put together again: digits for letters (`r3p34t`), punctuation
 * inside (`re.pe.at`), letters apart (`r e p e a t`), letters drawn out (`repeaaat`), words run together.
 *
 * Only what then is a word of the lexicon is changed, so ordinary text comes back as it is.
 */
import { NOWHERE, ROOT, type WordMatcher } from './word-matcher.ts'

/** The most broken words that are mended in one text. */
export const MENDED = 400
/** Shorter words are found in too many places to be cut out of a run of letters. */
const SHORTEST = 4
const LONGEST_CHUNK = 200
/** From this length on letters without a space may be several words. */
const RUN_TOGETHER = 16
/** So many single letters in a row are a word with its letters apart. */
const LETTERS_APART = 4

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

/** The letter that an ASCII character is or stands for, and whether a broken word may begin or end with it. */
const LETTER_FOR = Uint8Array.from({ length: 128 }, (_, unit) => {
  const sign = String.fromCharCode(unit)
  const letter = LEET.get(sign) ?? sign
  return LETTERS.test(letter) ? letter.charCodeAt(0) : 0
})
const CORE = Uint8Array.from({ length: 128 }, (_, unit) => (/[a-z0-9@$|]/.test(String.fromCharCode(unit)) ? 1 : 0))

/** What a character is inside a word, by its code. */
const LETTER = 1
const SPACE = 2
const DIGIT = 3
const SIGN = 4
const CLASSES = new Uint8Array(128)
CLASSES.fill(LETTER, 97, 123)
CLASSES.fill(DIGIT, 48, 58)
for (const sign of '@$!|+.*_~^-') {
  CLASSES[sign.charCodeAt(0)] = SIGN
}
for (const sign of ' \n\t\r') {
  CLASSES[sign.charCodeAt(0)] = SPACE
}

/** The folded text with its broken words mended, or `undefined` when there is nothing to mend. */
export function respell(folded: string, lexicon: WordMatcher): string | undefined {
  const { chunks, apart } = suspects(folded)
  let text = ''
  let from = 0
  for (let index = 0; index < chunks.length; index += 2) {
    const start = chunks[index] ?? 0
    const end = chunks[index + 1] ?? 0
    if (mayBeMended(folded, start, end, lexicon)) {
      const chunk = folded.slice(start, end)
      const mended = mend(chunk, lexicon)
      if (mended !== chunk) {
        text += folded.slice(from, start) + mended
        from = end
      }
    }
  }
  const mended = from === 0 ? folded : text + folded.slice(from)
  const closed = apart ? closeUp(mended, lexicon) : mended
  return closed === folded ? undefined : closed
}

/**
 * Whether `mend` may change a chunk: a glance at its first letters, which spares the honest ones. There are three ways to
 * read them, as in `mend`: with signs for letters up to the first other sign, so without other signs, and letters alone.
 */
function mayBeMended(text: string, from: number, to: number, lexicon: WordMatcher): boolean {
  let start = from
  while (start < to && !isCore(text.charCodeAt(start))) {
    start += 1
  }
  let end = to
  while (end > start && !isCore(text.charCodeAt(end - 1))) {
    end -= 1
  }
  if (isLetters(text, start, end)) {
    return start === from && end === to
  }
  return (
    end - start >= SHORTEST &&
    (mayBegin(text, start, end, 'i', lexicon) ||
      (text.slice(start, end).includes('1') && mayBegin(text, start, end, 'l', lexicon)))
  )
}

/** So many letters are glanced at. */
const GLANCE = 6

function mayBegin(text: string, start: number, end: number, one: 'i' | 'l', lexicon: WordMatcher): boolean {
  let toSign = ROOT
  let withoutSigns = ROOT
  let lettersAlone = ROOT
  let before = 0
  let all = 0
  let letters = 0
  let signs = 0
  for (let index = start; index < end && letters < GLANCE; index += 1) {
    const unit = text.charCodeAt(index)
    const letter = unit === 49 ? one.charCodeAt(0) : unit < 128 ? (LETTER_FOR[unit] as number) : 0
    if (letter === 0) {
      signs += 1
      continue
    }
    if (all < GLANCE) {
      if (signs === 0) {
        before += 1
        toSign = lexicon.step(toSign, letter)
      }
      all += 1
      withoutSigns = lexicon.step(withoutSigns, letter)
    }
    if (letter === unit) {
      letters += 1
      lettersAlone = lexicon.step(lettersAlone, letter)
    }
  }
  const mayBe = (state: number, length: number) => (length < GLANCE ? lexicon.mayEnd(state) : state !== NOWHERE)
  return mayBe(toSign, before) || mayBe(withoutSigns, all) || mayBe(lettersAlone, letters)
}

const isCore = (unit: number) => unit < 128 && CORE[unit] === 1

function isLetters(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 97 || unit > 122) {
      return false
    }
  }
  return true
}

/** Where chunks stand that may be broken words, as pairs of start and end; and whether letters stand apart. */
function suspects(text: string): { chunks: number[]; apart: boolean } {
  const chunks: number[] = []
  let start = 0
  let letters = 0
  let digits = 0
  /** Signs between letters: those at the edges of a word are punctuation. */
  let inner = 0
  let pending = 0
  let drawl = 0
  let singles = 0
  let apart = false
  let previous = 0
  let repeats = 0
  for (let index = 0; index <= text.length; index += 1) {
    const unit = index < text.length ? text.charCodeAt(index) : 32
    const kind = unit < 128 ? (CLASSES[unit] as number) : 0
    if (kind === LETTER) {
      letters += 1
      inner += pending
      pending = 0
      repeats = unit === previous ? repeats + 1 : 0
      drawl = repeats >= 2 ? 1 : drawl
    } else if (kind === DIGIT) {
      digits += 1
    } else if (kind === SIGN) {
      // At the beginning of a word only signs that stand for a letter count: `$ecret`.
      pending = letters > 0 || unit === 36 || unit === 64 ? pending + 1 : pending
    } else if (kind === SPACE) {
      const length = index - start
      singles = length === 1 ? singles + 1 : length === 0 ? singles : 0
      apart ||= singles >= LETTERS_APART || (inner >= 2 && letters - inner <= 2)
      const broken =
        letters > 0 && (inner > 0 || digits > 0 || drawl > 0 || (length >= RUN_TOGETHER && letters >= RUN_TOGETHER))
      if (broken && length >= SHORTEST && length <= LONGEST_CHUNK && chunks.length < 2 * MENDED) {
        chunks.push(start, index)
      }
      start = index + 1
      letters = 0
      digits = 0
      inner = 0
      pending = 0
      drawl = 0
    }
    previous = unit
  }
  return { chunks, apart }
}

function closeUp(text: string, lexicon: WordMatcher): string {
  return text.replace(APART, (run, offset: number) => {
    const before = offset > 0 ? text.charCodeAt(offset - 1) : 32
    const letters = run.replace(/[ ._*|-]/g, '')
    const words = segmented(letters, lexicon, 0)
    return (before >= 97 && before <= 122) || words === undefined ? run : ` ${words} `
  })
}

function mend(chunk: string, lexicon: WordMatcher): string {
  if (LETTERS.test(chunk)) {
    if (chunk.length >= RUN_TOGETHER && !isWord(chunk, lexicon)) {
      return segmented(chunk, lexicon, 0.6) ?? chunk
    }
    return withoutDrawl(chunk, lexicon)
  }
  const core = chunk.replace(/^[^a-z0-9@$|]+/, '').replace(/[^a-z0-9@$|]+$/, '')
  if (core.length < SHORTEST || LETTERS.test(core)) {
    return chunk
  }
  for (const one of core.includes('1') ? ['i', 'l'] : ['']) {
    let letters = ''
    for (const sign of core) {
      letters += sign === '1' ? one : (LEET.get(sign) ?? sign)
    }
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
  return lexicon.match(form, 0) === form.length && lexicon.meanings !== 0
}

/** Puts spaces around the words in a run of letters, when they make up at least `share` of it. */
function segmented(run: string, lexicon: WordMatcher, share: number): string | undefined {
  const words: number[] = []
  let covered = 0
  let index = 0
  while (index < run.length) {
    const end = lexicon.match(run, index, true)
    if (end - index >= SHORTEST) {
      words.push(index, end)
      covered += end - index
      index = end
    } else {
      index += 1
    }
  }
  if (covered < share * run.length || covered === 0) {
    return undefined
  }
  let text = ''
  let from = 0
  for (let word = 0; word < words.length; word += 2) {
    const [start = 0, end = 0] = words.slice(word, word + 2)
    text += `${run.slice(from, start)} ${run.slice(start, end)} `
    from = end
  }
  return (text + run.slice(from)).replace(/ {2,}/g, ' ').trim()
}
