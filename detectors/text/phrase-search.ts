/**
 * Tells whether one of some phrases stands in a text, by looking at three letters here and there: a phrase that is long
 * enough has some of its first letters there (after the algorithm of Wu and Manber). A third of the time of a pattern.
 */
import { unitsOf } from './text-units.ts'

/** How far apart letters are looked at, at most. Phrases are longer by the two letters behind the last one. */
const LARGEST_STEP = 4
const BEHIND = 2
/** How many first letters of a phrase are looked at before the whole. */
const FIRST = 4
/** Bits by which a letter is told from others, whatever its case. */
const BITS = 5
const MASK = (1 << BITS) - 1
const ASCII = 127
const ASCII_LETTERS = /^[a-z' ]{4,}/
const OTHER_PHRASE = /^[^\p{ASCII}]{2}/u

export class PhraseSearch {
  readonly #pattern: RegExp
  readonly #here: RegExp
  /** 1 for three letters that one of the phrases has near its beginning, and for four that one begins with. */
  readonly #triples = new Uint8Array(1 << (3 * BITS))
  readonly #beginnings = new Uint8Array(1 << (FIRST * BITS))
  /** The shorter the shortest phrase, the closer. */
  readonly #step: number

  /**
   * @param phrases in lower case; those that begin with four letters of ASCII at least are found fast, the faster the
   *   more they are in the shortest, up to six. Others may be of two letters at least, none of ASCII: texts that hold such letters are
   *   searched as ever
   * @throws RangeError when a phrase is neither
   */
  constructor(phrases: readonly string[]) {
    const refused = phrases.find((phrase) => !ASCII_LETTERS.test(phrase) && !OTHER_PHRASE.test(phrase))
    if (refused !== undefined) {
      throw new RangeError(`the phrase ${refused} has fewer than ${FIRST} letters`)
    }
    this.#pattern = new RegExp(phrases.join('|'), 'i')
    this.#here = new RegExp(phrases.join('|'), 'iy')
    const fast = phrases.flatMap((phrase) => ASCII_LETTERS.exec(phrase)?.[0] ?? [])
    this.#step = Math.min(LARGEST_STEP, ...fast.map(({ length }) => length - BEHIND))
    for (const phrase of fast) {
      const letters = Array.from(phrase, (letter) => letter.charCodeAt(0))
      this.#beginnings[keyOf(letters, 0, FIRST)] = 1
      for (let at = 0; at < this.#step; at += 1) {
        this.#triples[keyOf(letters, at, FIRST - 1)] = 1
      }
    }
  }

  /** Whether one of the phrases is in the text, in letters of either case. */
  isIn(text: string): boolean {
    const units = unitsOf(text)
    const end = text.length - BEHIND
    const step = this.#step
    for (let at = 0; at < end; at += step) {
      const one = units[at] as number
      const two = units[at + 1] as number
      const three = units[at + 2] as number
      if ((one | two | three) > ASCII) {
        return this.#pattern.test(text)
      }
      const key = ((one & MASK) << (2 * BITS)) | ((two & MASK) << BITS) | (three & MASK)
      if (this.#triples[key] === 1 && this.#beginsNear(text, units, at)) {
        return true
      }
    }
    // The last letters may be of another script.
    return this.#pattern.test(text.slice(-LARGEST_STEP - BEHIND))
  }

  /** Whether a phrase begins at a place or less than a step before. */
  #beginsNear(text: string, units: Uint16Array, at: number): boolean {
    for (let start = Math.max(0, at - this.#step + 1); start <= at; start += 1) {
      if (this.#beginnings[keyOf(units, start, FIRST)] === 1) {
        this.#here.lastIndex = start
        if (this.#here.test(text)) {
          return true
        }
      }
    }
    return false
  }
}

/** A number for so many letters from a place on. */
function keyOf(units: Uint16Array | readonly number[], from: number, count: number): number {
  let key = 0
  for (let at = from; at < from + count; at += 1) {
    key = (key << BITS) | ((units[at] as number) & MASK)
  }
  return key
}
