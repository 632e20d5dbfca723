/** One pass over folded text: its sentences, and in them the words that mean something to a detector. */
import { unitsOf } from './text-units.ts'
import { UNITS, UNSPACED_UNIT, WORD_UNIT } from './units.ts'
import type { WordMatcher } from './word-matcher.ts'

/** The most sentences and words of interest taken from one text; what is longer is read to here. */
const SENTENCE_LIMIT = 4096
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
  /** Which signs it has that say something, as bits of `SIGN`: what needs one need not be looked for without it. */
  readonly signs: number
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
  /** How many words look broken. */
  readonly odd: number
  /** How much was read, in words of interest and steps over words: what tests bound. */
  readonly steps: number
}

/** So many digits with at most short words between them may be codes of characters; words of such lengths may be base64. */
const MANY_DIGITS = 16
const SHORT_WORD = 3
const LONG_WORD = 16
const CODED_WORD = 8
/** So many signs inside words, or single letters in a row, are no accident; so long a word may be several. */
const MANY_JOINTS = 3
const SINGLES = 4
const RUN_TOGETHER = 16

/** What a sign may be, as bits. A full stop ends a sentence only before a space, so that `console.log` stays whole. */
const ENDS_SENTENCE = 1
const ENDS_BEFORE_SPACE = 2
const IS_SYMBOL = 4
/** Stands for letters or splits words. */
const IS_JOINT = 8
/** A number that names something has so many digits in a word, or is in pieces. */
const LONG_NUMBER = 5
/** Signs of a sentence. Long numbers are one, too; a full stop is none. */
export const SIGN = {
  /** What marks of boundaries are made of: `%`, `<`, `[`. */
  mark: 16,
  at: 32,
  dot: 64,
  colon: 128,
  quote: 256,
  bracket: 512,
  underscore: 1024,
  dollar: 2048,
  digits: 4096,
} as const
/** Nobody looks at what stands between the words of a phrase. */
const SIGNS_IN_PHRASES = SIGN.dot | SIGN.quote | SIGN.underscore | SIGN.digits
const ANY_SIGN = Object.values(SIGN).reduce((all, bit) => all | bit, 0)
const SPACE = 32
const SIGNS = new Uint16Array(0x1_0000)
for (const [signs, bit] of [
  ['\n!?;\u3002\u0964\u061f', ENDS_SENTENCE],
  ['.', ENDS_BEFORE_SPACE],
  ['({}[]=<>', IS_SYMBOL],
  ['@$!|+.*_~^-', IS_JOINT],
  ['%<[', SIGN.mark],
  ['@', SIGN.at],
  ['.', SIGN.dot],
  [':', SIGN.colon],
  ['"\'`', SIGN.quote],
  ['(', SIGN.bracket],
  ['_', SIGN.underscore],
  ['$', SIGN.dollar],
] as const) {
  for (const sign of signs) {
    SIGNS[sign.charCodeAt(0)] = (SIGNS[sign.charCodeAt(0)] ?? 0) | bit
  }
}

/**
 * Reads folded text (`foldText`).
 *
 * @param lexicon the words of interest; sealed
 * @param enciphered the meaning, one bit, of words that are written backwards or rotated by 13
 */
export function readSentences(text: string, lexicon: WordMatcher, enciphered: number): Reading {
  const reader = new Reader(text, lexicon, enciphered)
  reader.read()
  return {
    text,
    sentences: reader.sentences,
    length: reader.length,
    enciphered: reader.enciphered,
    encoded: reader.coded,
    broken: reader.oddWords > 0 || reader.apart,
    odd: reader.oddWords,
    steps: reader.steps,
  }
}

/** Of the many sentences that hold no word of interest. */
const NO_WORDS: Word[] = []

class Reader {
  readonly sentences: Sentence[] = []
  length = 0
  enciphered = false
  coded = false
  oddWords = 0
  apart = false
  steps = 0
  readonly #text: string
  readonly #lexicon: WordMatcher
  readonly #enciphered: number
  #words: Word[] = NO_WORDS
  #meanings = 0
  #symbols = 0
  #signs = 0
  /** Position of the word with digits that was read last in the sentence, in words. */
  #lastNumber = -2
  #codes = 0
  #start = 0
  #firstWord = 0
  #at = 0
  #total = 0
  #halves = 0
  #previous = -1
  #singles = 0
  #joints = 0

  constructor(text: string, lexicon: WordMatcher, enciphered: number) {
    this.#text = text
    this.#lexicon = lexicon
    this.#enciphered = enciphered
  }

  read(): void {
    const text = this.#text
    const lexicon = this.#lexicon
    const units = unitsOf(text)
    const size = text.length
    let index = 0
    while (index < size && this.sentences.length < SENTENCE_LIMIT && this.#total < WORD_LIMIT) {
      this.steps += 1
      if (this.#at - this.#firstWord >= SENTENCE_WORDS) {
        this.#close(index)
      }
      const unit = units[index] as number
      const kinds = UNITS[unit] as number
      if ((kinds & WORD_UNIT) === 0) {
        if (unit !== SPACE) {
          this.#sign(unit, index)
        }
        index += 1
        continue
      }
      const unspaced = (kinds & UNSPACED_UNIT) !== 0
      const end = unspaced ? lexicon.match(text, index) : lexicon.read(text, units, index)
      if (end > index) {
        this.#word(index, end, lexicon.meanings)
        index = end
      } else {
        index = unspaced ? this.#unspaced(index) : this.#otherWord(index)
      }
    }
    // What lies behind the limits was not read, and may hold anything.
    this.#signs |= index < size ? ANY_SIGN : 0
    this.#close(size)
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
        signs: this.#signs,
      })
    }
    this.#words = NO_WORDS
    this.#meanings = 0
    this.#symbols = 0
    this.#signs = 0
    this.#lastNumber = -2
    this.#start = end
    this.#firstWord = this.#at
  }

  #sign(unit: number, index: number): void {
    const bits = SIGNS[unit] as number
    if (bits === 0) {
      return
    }
    const next = index + 1 < this.#text.length ? this.#text.charCodeAt(index + 1) : 0
    if ((bits & ENDS_SENTENCE) !== 0 || ((bits & ENDS_BEFORE_SPACE) !== 0 && (next <= 32 || next === 34))) {
      this.#close(index + 1)
    } else {
      this.#signs |= bits & ANY_SIGN
      this.#symbols += (bits & IS_SYMBOL) !== 0 ? 1 : 0
    }
    if ((bits & IS_JOINT) !== 0 && isLetter(next)) {
      // `pro.mpt`, but `e-mail` too; `$ecret` and `p@ssword` are odd in any case.
      this.#joints += index > 0 && isLetter(this.#text.charCodeAt(index - 1)) ? 1 : 0
      this.oddWords += unit === 36 || unit === 64 ? 1 : 0
    }
  }

  #word(start: number, end: number, meanings: number): void {
    this.#codes = end - start > SHORT_WORD ? 0 : this.#codes
    const { wordEnd, wordDigits } = this.#lexicon
    if (end !== wordEnd) {
      this.#signs |= SIGNS_IN_PHRASES
    } else if (wordDigits > 0 || end - start >= LONG_WORD) {
      // A word past a stem may be code that begins like it by chance.
      this.#noteCode(end - start, wordDigits)
    }
    if (meanings !== 0) {
      this.enciphered ||= (meanings & this.#enciphered) !== 0
      if (this.#words === NO_WORDS) {
        this.#words = []
      }
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

  /** The word that was read last, and is none of ours. */
  #otherWord(start: number): number {
    const { wordEnd: end, wordHash: hash, wordDigits, isWordOdd } = this.#lexicon
    this.#noteOddities(end - start, wordDigits, isWordOdd)
    this.#at += 1
    if (end - start > 1 && hash !== this.#previous) {
      this.length += 1
    }
    this.#previous = hash
    return end
  }

  /** A long word, or one with digits. */
  #noteCode(length: number, digits: number): void {
    this.coded ||= length >= LONG_WORD || (length >= CODED_WORD && digits > 0) || this.#codes >= MANY_DIGITS
    if (digits > 0) {
      this.#signs |= digits >= LONG_NUMBER || this.#lastNumber >= this.#at - 1 ? SIGN.digits : 0
      this.#lastNumber = this.#at
    }
  }

  #noteOddities(length: number, digits: number, odd: boolean): void {
    this.#codes = digits > 0 ? this.#codes + digits : length > SHORT_WORD ? 0 : this.#codes
    if (digits > 0 || length >= LONG_WORD) {
      this.#noteCode(length, digits)
    }
    this.oddWords += odd || length >= RUN_TOGETHER ? 1 : 0
    this.#singles = length === 1 ? this.#singles + 1 : 0
    this.apart ||= this.#singles >= SINGLES
  }
}

const isLetter = (unit: number) => unit >= 97 && unit <= 122
