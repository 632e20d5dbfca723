/** One pass over folded text: its sentences, and in them the words that mean something to us. */
import { isUnspaced, isWordUnit } from '../text/word-matcher.ts'
import { LEXICON } from './lexicon.ts'
import { MEANINGS } from './meanings.ts'

/** The most sentences and words of interest taken from one text; what is longer is read to here. */
export const SENTENCE_LIMIT = 4096
export const WORD_LIMIT = 4096
/** A sentence without an end is cut here, in words. */
const SENTENCE_WORDS = 100

export interface Word {
  /** Position in the text, counted in words. */
  readonly at: number
  readonly meanings: number
  readonly start: number
  readonly end: number
}

export interface Sentence {
  readonly start: number
  readonly end: number
  /** Position of its first word, counted in words. */
  readonly at: number
  /** How many words it has; about two characters count as one where words are not spaced. */
  readonly length: number
  readonly words: readonly Word[]
  /** Union of what its words mean. */
  readonly meanings: number
  /** How many characters are brackets, braces and the like. */
  readonly symbols: number
}

export interface Reading {
  readonly text: string
  readonly sentences: readonly Sentence[]
  /** Words that are not repetitions of the word before or single letters: padding does not count. */
  readonly length: number
  /** Holds words written backwards or rotated by 13. */
  readonly enciphered: boolean
  /** Holds something that may be text in an encoding: long words, many digits. */
  readonly encoded: boolean
  /** Holds something that may be a broken word: digits or signs inside, letters apart or drawn out, no spaces. */
  readonly broken: boolean
  /** How much was read, in words of interest and steps over words: what tests bound. */
  readonly steps: number
}

/** From so many digits on a text may hold character codes; words of such lengths may be base64. */
const MANY_DIGITS = 16
const LONG_WORD = 16
const CODED_WORD = 8
/** So many signs inside words, or single letters in a row, are no accident; so long a word may be several. */
/** `@$!|+.*_~^-`: signs that stand for letters or split words. */
const JOINTS = Array.from('@$!|+.*_~^-', (sign) => sign.charCodeAt(0))
const MANY_JOINTS = 3
const SINGLES = 4
const RUN_TOGETHER = 16

const SENTENCE_END = 1
const SYMBOL = 2
const OTHER = 3

/** Reads folded text (`foldText`). */
export function readText(text: string): Reading {
  const reader = new Reader(text)
  reader.read()
  return {
    text,
    sentences: reader.sentences,
    length: reader.length,
    enciphered: reader.enciphered,
    encoded: reader.digits >= MANY_DIGITS || reader.coded,
    broken: reader.oddWords > 0 || reader.apart,
    steps: reader.steps,
  }
}

class Reader {
  readonly sentences: Sentence[] = []
  length = 0
  enciphered = false
  digits = 0
  coded = false
  oddWords = 0
  apart = false
  steps = 0
  readonly #text: string
  #words: Word[] = []
  #meanings = 0
  #symbols = 0
  #start = 0
  #firstWord = 0
  #at = 0
  #total = 0
  #halves = 0
  #previous = -1
  #singles = 0
  #joints = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): void {
    const text = this.#text
    let index = 0
    while (index < text.length && this.sentences.length < SENTENCE_LIMIT && this.#total < WORD_LIMIT) {
      this.steps += 1
      if (this.#at - this.#firstWord >= SENTENCE_WORDS) {
        this.#close(index)
      }
      const unit = text.charCodeAt(index)
      if (!isWordUnit(unit)) {
        index = this.#punctuation(unit, index)
        continue
      }
      const end = LEXICON.match(text, index)
      if (end > index) {
        this.#word(index, end, LEXICON.meanings)
        index = end
      } else {
        index = isUnspaced(unit) ? this.#unspaced(index) : this.#otherWord(index)
      }
    }
    this.#close(text.length)
  }

  #close(end: number): void {
    const length = this.#at - this.#firstWord
    this.apart ||= this.#joints >= MANY_JOINTS && this.#joints * 3 >= length
    this.#joints = 0
    if (this.#at > this.#firstWord || this.#words.length > 0) {
      this.sentences.push({
        start: this.#start,
        end,
        at: this.#firstWord,
        length,
        words: this.#words,
        meanings: this.#meanings,
        symbols: this.#symbols,
      })
    }
    this.#words = []
    this.#meanings = 0
    this.#symbols = 0
    this.#start = end
    this.#firstWord = this.#at
  }

  #punctuation(unit: number, index: number): number {
    const kind = kindOf(unit, this.#text, index)
    if (kind === SENTENCE_END) {
      this.#close(index + 1)
    } else if (kind === SYMBOL) {
      this.#symbols += 1
    }
    if (JOINTS.includes(unit) && isLetter(this.#text.charCodeAt(index + 1))) {
      // `pro.mpt`, but `e-mail` too; `$ecret` and `p@ssword` are odd in any case.
      this.#joints += isLetter(this.#text.charCodeAt(index - 1)) ? 1 : 0
      this.oddWords += unit === 36 || unit === 64 ? 1 : 0
    }
    return index + 1
  }

  #word(start: number, end: number, meanings: number): void {
    if (meanings !== 0) {
      this.enciphered ||= (meanings & MEANINGS.enciphered) !== 0
      this.#words.push({ at: this.#at, meanings, start, end })
      this.#meanings |= meanings
      this.#total += 1
    }
    this.#at += 1
    this.length += 1
    this.#previous = -1
  }

  /** A character of a script without spaces: two of them count as a word. */
  #unspaced(index: number): number {
    this.#halves += 1
    if (this.#halves % 2 === 0) {
      this.#at += 1
      this.length += 1
    }
    return index + 1
  }

  #otherWord(start: number): number {
    const text = this.#text
    let index = start
    let hash = 0
    let digits = 0
    let inner = 0
    let same = 0
    let last = 0
    for (; index < text.length; index += 1) {
      const unit = text.charCodeAt(index)
      if (!isWordUnit(unit) || isUnspaced(unit)) {
        break
      }
      hash = (Math.imul(hash, 31) + unit) | 0
      if (unit < 58) {
        digits += 1
      } else if (last !== 0 && last < 58 && digits < index - start) {
        inner = 1
      }
      same = unit === last ? same + 1 : same > 1 ? 9 : 0
      last = unit
    }
    this.#at += 1
    this.#noteOddities(index - start, digits, inner > 0 || same > 1)
    if (index - start > 1 && hash !== this.#previous) {
      this.length += 1
    }
    this.#previous = hash
    return index
  }

  #noteOddities(length: number, digits: number, odd: boolean): void {
    this.digits += digits
    this.coded ||= length >= LONG_WORD || (length >= CODED_WORD && digits > 0)
    this.oddWords += odd || length >= RUN_TOGETHER ? 1 : 0
    this.#singles = length === 1 ? this.#singles + 1 : 0
    this.apart ||= this.#singles >= SINGLES
  }
}

const isLetter = (unit: number) => unit >= 97 && unit <= 122

function kindOf(unit: number, text: string, index: number): number {
  // Full stops end a sentence only before a space, so that names like `console.log` stay whole.
  if (unit === 46 || unit === 58) {
    const next = text.charCodeAt(index + 1)
    return unit === 46 && (next <= 32 || Number.isNaN(next) || next === 34) ? SENTENCE_END : OTHER
  }
  if (unit === 10 || unit === 33 || unit === 63 || unit === 59 || unit === 0x3002 || unit === 0x964 || unit === 0x61f) {
    return SENTENCE_END
  }
  const symbol =
    unit === 40 ||
    unit === 123 ||
    unit === 125 ||
    unit === 91 ||
    unit === 93 ||
    unit === 61 ||
    unit === 60 ||
    unit === 62
  return symbol ? SYMBOL : OTHER
}
