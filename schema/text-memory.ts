/**
 * Remembers what was computed from texts that come again and again: a conversation is resent with every model call of
 * its session, and so are system prompts, tool definitions and the results of earlier calls. For collectors, which
 * mask them, and detectors, which judge them; it lies here because they share nothing else.
 *
 * Remembering is not state: the same text always gives the same result, with and without, in any order, and after a
 * restart. Bounded in texts and in characters: what comes newly takes the place of what came before.
 */

const SLOTS = 4096
/** About how many characters of a text choose its slot; that it is the same text is compared in full. */
const SAMPLES = 16

interface Kept<Result> {
  readonly text: string
  readonly result: Result
}

/**
 * When a text is kept. `second`: when it comes again, so that a stream of ever new texts fills nothing and costs each
 * some twenty characters looked at. `first`: at once, for texts that mostly come again, or where computing takes far
 * longer: a text of 2 kB costs some ten microseconds to keep, most of them when what made room for it is collected.
 */
export type KeptFrom = 'first' | 'second'

export class TextMemory<Result> {
  readonly #compute: (text: string) => Result
  readonly #limit: number
  readonly #kept: (Kept<Result> | undefined)[] = new Array(SLOTS).fill(undefined)
  /** What was seen last in each slot, by its fingerprint; absent where what comes first is kept. */
  readonly #seen: Int32Array | undefined
  #units = 0
  /** The slot to empty next when there is no room. */
  #hand = 0

  /**
   * @param compute pure, and gives what nobody changes
   * @param limit UTF-16 units of all texts kept; a text of more than a quarter of it is never kept
   */
  constructor(compute: (text: string) => Result, limit: number, from: KeptFrom = 'second') {
    this.#compute = compute
    this.#limit = limit
    this.#seen = from === 'second' ? new Int32Array(SLOTS) : undefined
  }

  /** The result for a text: remembered, or computed now. */
  of(text: string): Result {
    const print = fingerprint(text)
    const slot = (print ^ (print >>> 12)) & (SLOTS - 1)
    const kept = this.#kept[slot]
    if (kept !== undefined && kept.text === text) {
      return kept.result
    }
    const result = this.#compute(text)
    if (this.#seen !== undefined && this.#seen[slot] !== print) {
      this.#seen[slot] = print
    } else if (text.length <= this.#limit / 4) {
      this.#keep(slot, text, result)
    }
    return result
  }

  /** UTF-16 units of the texts kept. */
  get units(): number {
    return this.#units
  }

  #keep(slot: number, text: string, result: Result): void {
    this.#forget(slot)
    while (this.#units + text.length > this.#limit) {
      this.#forget(this.#hand)
      this.#hand = (this.#hand + 1) % SLOTS
    }
    this.#units += text.length
    // Copied by joining and cutting: a part of a text would keep the whole of it in memory.
    this.#kept[slot] = { text: ` ${text}`.slice(1), result }
  }

  #forget(slot: number): void {
    this.#units -= this.#kept[slot]?.text.length ?? 0
    this.#kept[slot] = undefined
  }
}

function fingerprint(text: string): number {
  const { length } = text
  let print = length
  const step = Math.max(1, Math.floor(length / SAMPLES))
  for (let at = 0; at < length; at += step) {
    print = (Math.imul(print, 31) + text.charCodeAt(at)) | 0
  }
  return (Math.imul(print, 31) + text.charCodeAt(length - 1)) | 0
}
