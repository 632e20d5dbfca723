/**
 * Hashed shingles of a text: enough to recognise the text when it turns up elsewhere, without keeping it.
 *
 * They are no encryption. There is neither key nor salt, so that one pass over an output compares it with every prompt
 * there is; whoever has the hashes can therefore try words, three at a time, and learns which stood together. What must
 * not be found out so (secrets, personal data) is masked before.
 *
 * A shingle is three neighbouring content words (or six characters of a script without spaces), folded and hashed to
 * 32 bits. Function words, punctuation, list numbers and word endings do not count, so that a text that was put into
 * bullets, moved from `you must` to `I must`, or cut into parts keeps most of its shingles.
 * Method: w-shingling and containment, Broder, "On the resemblance and containment of documents" (1997).
 */

/** FNV-1a, 32 bits. */
const OFFSET = 0x811c9dc5
const PRIME = 0x01000193

/** Content words in one shingle. */
const WORDS = 3
/** Characters in one shingle of Chinese, Japanese, Thai and the like. */
const CHARACTERS = 6
/** The most of a text that is read, in UTF-16 units; prompts beyond are recognised by their beginning. */
export const SHINGLE_TEXT_LIMIT = 65_536
/** A text of fewer shingles says too little to be recognised: `You are a helpful assistant` is everybody's prompt. */
export const FEWEST_SHINGLES = 6
/** The largest shingle. */
export const SHINGLE_MAXIMUM = 0xffff_ffff

const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu
const MARKS = /[\u0300-\u036f\u064b-\u0655\u0670\u0640]/g
const NOT_ASCII = /[^\p{ASCII}]/u
const FUNCTION_WORDS: ReadonlySet<number> = new Set(
  `a an and are as at be been but by can could did do does for from had has have he her him his how i if in into is it
  its let may me mine my no nor not of on or our ours out she should so some such than that the their them then there
  these they this those to up us very was we were what when where which who why will with would you your yours yourself
  myself am any all also only just must shall about over under please each i'm i'll don t s re ll ve d m
  de la el los las un una y o en que es por con para se su al del le les des et ou du une dans est sur pour par ne pas
  der die das und oder ein eine ist sind zu im den dem mit von auf für nicht`
    .split(/\s+/)
    .map((word) => hash(word, 0, word.length)),
)

/** The shingles of a text. Empty for texts of fewer than three content words. */
export function shingles(text: string): Set<number> {
  const found = new Set<number>()
  eachShingle(text, (shingle) => found.add(shingle))
  return found
}

/** Share of `part` that occurs in `whole`, 0 when `part` is empty. */
export function containment(part: ReadonlySet<number>, whole: ReadonlySet<number>): number {
  if (part.size === 0) {
    return 0
  }
  let shared = 0
  for (const shingle of part) {
    shared += whole.has(shingle) ? 1 : 0
  }
  return shared / part.size
}

/** Visits every shingle in the order of the text, repeats included; for callers that need no set. */
export function eachShingle(text: string, visit: (shingle: number) => void): void {
  const folded = fold(text.length > SHINGLE_TEXT_LIMIT ? text.slice(0, SHINGLE_TEXT_LIMIT) : text)
  let first = 0
  let second = 0
  let words = 0
  let index = 0
  let run = 0
  while (index < folded.length) {
    const unit = folded.charCodeAt(index)
    if (isUnspaced(unit)) {
      run += 1
      index += 1
      if (run >= CHARACTERS) {
        visit(hash(folded, index - CHARACTERS, index))
      }
      continue
    }
    run = isLetter(unit) || unit > 0x20 ? 0 : run
    if (!isLetter(unit)) {
      index += 1
      continue
    }
    const start = index
    let whole = OFFSET
    for (
      let next = unit;
      index < folded.length && isLetter(next) && !isUnspaced(next);
      next = folded.charCodeAt(index)
    ) {
      whole = Math.imul(whole ^ next, PRIME)
      index += 1
    }
    if (isListNumber(folded, start, index) || FUNCTION_WORDS.has(whole >>> 0)) {
      continue
    }
    const end = stemEnd(folded, start, index)
    const word = end === index ? whole >>> 0 : hash(folded, start, end)
    words += 1
    if (words >= WORDS) {
      visit(combine(first, second, word))
    }
    first = second
    second = word
  }
}

function fold(text: string): string {
  if (!NOT_ASCII.test(text)) {
    return text.toLowerCase()
  }
  return text.replace(INVISIBLE, '').normalize('NFKD').replace(MARKS, '').normalize('NFC').toLowerCase()
}

/** Drops the commonest endings of European plurals and verb forms; crude, and the same on both sides. */
function stemEnd(text: string, start: number, end: number): number {
  if (end - start > 5 && text.startsWith('ing', end - 3)) {
    return end - 3
  }
  if (end - start > 4 && (text.startsWith('ed', end - 2) || text.startsWith('es', end - 2))) {
    return end - 2
  }
  return end - start > 3 && (text[end - 1] === 's' || text[end - 1] === 'e') ? end - 1 : end
}

function isListNumber(text: string, start: number, end: number): boolean {
  return end - start <= 2 && text.charCodeAt(start) <= 57
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, start: number, end: number): number {
  let value = OFFSET
  for (let index = start; index < end; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), PRIME)
  }
  return value >>> 0
}

function combine(first: number, second: number, third: number): number {
  let value = Math.imul(first ^ 0x9e3779b9, 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 15) ^ second, 0xc2b2ae35)
  value = Math.imul(value ^ (value >>> 13) ^ third, 0x27d4eb2f)
  return (value ^ (value >>> 16)) >>> 0
}

const LETTER = 1
const UNSPACED = 2
/** What every UTF-16 unit is, as bits: one read instead of a dozen comparisons. */
const KINDS = Uint8Array.from(
  { length: 0x1_0000 },
  (_, unit) => (isLetterUnit(unit) ? LETTER : 0) | (isUnspacedUnit(unit) ? UNSPACED : 0),
)
const isLetter = (unit: number) => ((KINDS[unit] as number) & LETTER) !== 0
const isUnspaced = (unit: number) => ((KINDS[unit] as number) & UNSPACED) !== 0

/** Part of a word in folded text: shingles are made of these, so what counts must never change. */
export function isLetterUnit(unit: number): boolean {
  if (unit < 0x80) {
    return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
  }
  return (
    unit >= 0xc0 &&
    !(unit >= 0x2000 && unit <= 0x2bff) &&
    !(unit >= 0x3000 && unit <= 0x303f) &&
    !(unit >= 0xd800 && unit <= 0xf8ff) &&
    unit < 0xff00
  )
}

/** Of a script that writes words without spaces; as unchanging. */
export function isUnspacedUnit(unit: number): boolean {
  return (
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x3400 && unit <= 0x9fff) ||
    (unit >= 0xe00 && unit <= 0xeff) ||
    (unit >= 0x1780 && unit <= 0x17ff)
  )
}
