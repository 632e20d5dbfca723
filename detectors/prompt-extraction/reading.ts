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
  /** How much was read, in words of interest and steps over words: what tests bound. */
  readonly steps: number
}

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
    steps: reader.steps,
  }
}

class Reader {
  readonly sentences: Sentence[] = []
  length = 0
  enciphered = false
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
    if (this.#at > this.#firstWord || this.#words.length > 0) {
      this.sentences.push({
        start: this.#start,
        end,
        at: this.#firstWord,
        length: this.#at - this.#firstWord,
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
    while (index < text.length && isWordUnit(text.charCodeAt(index)) && !isUnspaced(text.charCodeAt(index))) {
      hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
      index += 1
    }
    this.#at += 1
    if (index - start > 1 && hash !== this.#previous) {
      this.length += 1
    }
    this.#previous = hash
    return index
  }
}

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
