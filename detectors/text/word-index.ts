/**
 * Whole numbers for the beginnings of words, and a small table to look them up: the first letters of a word decide in
 * one step whether a lexicon has anything that begins so, and for two words in three it has not.
 */

/** How many letters a key holds, five bits each, after a leading one. */
export const KEY_LETTERS = 6
/** The key of no letters. */
export const EMPTY_KEY = 1
/** The smallest key of as many letters as a key can hold. */
export const FULL_KEY = 1 << (5 * KEY_LETTERS)
/** What `get` gives for a key that was not put in. */
export const NOTHING = -1

/** Bits of the number by which keys are spread (the golden ratio, as in Fibonacci hashing). */
const SPREAD = 0x9e3779b1

/** The key of a beginning, one letter longer: `letter` is a UTF-16 unit from `a` to `z`. */
export function longerKey(key: number, letter: number): number {
  return (key << 5) | (letter - 96)
}

/** Small numbers by key: an open hash table, at most half full, that does not grow. */
export class WordIndex {
  readonly #shift: number
  readonly #keys: Int32Array
  readonly #values: Int32Array

  constructor(entries: ReadonlyMap<number, number>) {
    const bits = Math.max(4, 33 - Math.clz32(entries.size))
    this.#shift = 32 - bits
    this.#keys = new Int32Array(1 << bits)
    this.#values = new Int32Array(1 << bits).fill(NOTHING)
    for (const [key, value] of entries) {
      const slot = this.#slotOf(key)
      this.#keys[slot] = key
      this.#values[slot] = value
    }
  }

  /** The value of a key, or `NOTHING`. */
  get(key: number): number {
    return this.#values[this.#slotOf(key)] as number
  }

  /** Where a key is, or would be. Zero is no key, so it marks what is empty. */
  #slotOf(key: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    let slot = Math.imul(key, SPREAD) >>> this.#shift
    while (keys[slot] !== key && keys[slot] !== 0) {
      slot = (slot + 1) & mask
    }
    return slot
  }
}
