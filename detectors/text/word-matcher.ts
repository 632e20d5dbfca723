/**
 * Finds the words and phrases of a lexicon in folded text: a trie walked once from the start of every word.
 *
 * The cost is one array read per letter, and most words leave the trie after three or four letters, so a text that
 * holds nothing of interest costs little more than reading it.
 */

/** Children of a node for `a` to `z`, and for the gap between the words of a phrase. */
const SLOTS = 27
const GAP = 26
/** The most separators that the gap inside a phrase may hold. */
const GAP_LENGTH = 3
/** Stands for no entry: neutral entries have no meanings either, yet are entries. */
const NONE = -0x1_0000_0000

export interface WordMatch {
  /** Where the match ends in the text, exclusive. */
  readonly end: number
  /** The meanings given to the word, as bits. */
  readonly meanings: number
}

/** Whether a UTF-16 unit is part of a word in folded text. Digits are; punctuation and symbols are not. */
export function isWordUnit(unit: number): boolean {
  if (unit < 0x80) {
    return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
  }
  return (
    unit >= 0xc0 &&
    !(unit >= 0x2000 && unit <= 0x2bff) &&
    !(unit >= 0x3000 && unit <= 0x303f) &&
    !(unit >= 0xd800 && unit <= 0xf8ff) &&
    !(unit >= 0xfe10 && unit <= 0xfe6f) &&
    unit < 0xff00 &&
    unit !== 0x964 &&
    unit !== 0x60c &&
    unit !== 0x61b &&
    unit !== 0x61f
  )
}

/** Whether a UTF-16 unit belongs to a script that writes words without spaces: a match may begin and end anywhere. */
export function isUnspaced(unit: number): boolean {
  return (
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x3400 && unit <= 0x9fff) ||
    (unit >= 0xe00 && unit <= 0xeff) ||
    (unit >= 0x1780 && unit <= 0x17ff) ||
    (unit >= 0xac00 && unit <= 0xd7a3)
  )
}

export class WordMatcher {
  #next = new Int32Array(SLOTS * 1024)
  #other = new Map<number, number>()
  #exact: number[] = [NONE]
  #stem: number[] = [0]

  /** Adds a folded word or phrase; `instruct*` matches every word that begins so. Meanings of one entry add up. */
  add(entry: string, meanings: number): void {
    const isStem = entry.endsWith('*')
    const phrase = isStem ? entry.slice(0, -1) : entry
    let node = 0
    for (let index = 0; index < phrase.length; index += 1) {
      node = this.#childOrNew(node, phrase.charCodeAt(index))
    }
    if (isStem) {
      this.#stem[node] = (this.#stem[node] ?? 0) | meanings
    } else {
      const before = this.#exact[node] ?? NONE
      this.#exact[node] = before === NONE ? meanings : before | meanings
    }
  }

  /**
   * The longest entry that begins at `at`, which must be the start of a word. `undefined` when there is none.
   * With `anywhere`, entries also begin and end inside words, for text that lost its spaces.
   */
  match(text: string, at: number, anywhere = false): WordMatch | undefined {
    let node = 0
    let end = -1
    let meanings = 0
    let stem = 0
    let index = at
    while (index < text.length) {
      const unit = text.charCodeAt(index)
      const isGap = isSeparator(unit) || (unit === 46 && isWordUnit(text.charCodeAt(index + 1)))
      if ((isGap || anywhere || isUnspaced(unit)) && index > at && this.#exact[node] !== NONE) {
        end = index
        meanings = this.#exact[node] ?? 0
        stem = 0
      }
      const child = this.#child(node, isGap ? -1 : unit)
      if (child === 0) {
        break
      }
      node = child
      index += 1
      if (isGap) {
        const limit = index + GAP_LENGTH - 1
        while (index < limit && isSeparator(text.charCodeAt(index))) {
          index += 1
        }
      } else if (this.#stem[node] !== 0) {
        stem = this.#stem[node] ?? 0
        end = index
        meanings = stem
      }
    }
    if (index > at && this.#exact[node] !== NONE && this.#endsWord(text, index, anywhere)) {
      end = index
      meanings = this.#exact[node] ?? 0
      stem = 0
    }
    if (end < 0) {
      return undefined
    }
    return { end: stem !== 0 && !anywhere ? endOfWord(text, end) : end, meanings }
  }

  #endsWord(text: string, index: number, anywhere: boolean): boolean {
    return (
      anywhere ||
      index >= text.length ||
      !isWordUnit(text.charCodeAt(index)) ||
      isUnspaced(text.charCodeAt(index)) ||
      isUnspaced(text.charCodeAt(index - 1))
    )
  }

  #child(node: number, unit: number): number {
    if (unit >= 97 && unit <= 122) {
      return this.#next[node * SLOTS + unit - 97] ?? 0
    }
    if (unit === -1) {
      return this.#next[node * SLOTS + GAP] ?? 0
    }
    return unit < 0x80 ? 0 : (this.#other.get(node * 0x10000 + unit) ?? 0)
  }

  #childOrNew(node: number, unit: number): number {
    const isGap = isSeparator(unit)
    const found = this.#child(node, isGap ? -1 : unit)
    if (found !== 0) {
      return found
    }
    const child = this.#exact.length
    this.#exact.push(NONE)
    this.#stem.push(0)
    if ((child + 1) * SLOTS > this.#next.length) {
      const grown = new Int32Array(this.#next.length * 2)
      grown.set(this.#next)
      this.#next = grown
    }
    if (isGap) {
      this.#next[node * SLOTS + GAP] = child
    } else if (unit >= 97 && unit <= 122) {
      this.#next[node * SLOTS + unit - 97] = child
    } else {
      this.#other.set(node * 0x10000 + unit, child)
    }
    return child
  }
}

/** Space, line break, hyphen, underscore, apostrophe: what may stand between the words of one phrase. */
function isSeparator(unit: number): boolean {
  return unit === 32 || unit === 45 || unit === 95 || unit === 10 || unit === 9 || unit === 39 || unit === 13
}

function endOfWord(text: string, from: number): number {
  let end = from
  while (end < text.length && isWordUnit(text.charCodeAt(end)) && !isUnspaced(text.charCodeAt(end))) {
    end += 1
  }
  return end
}
