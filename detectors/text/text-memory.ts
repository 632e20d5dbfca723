/**
 * Remembers what was judged of texts that come again: every model call of a conversation repeats what the user asked
 * and what the system prompt says, and agents that poll repeat their arguments.
 *
 * Remembering is not state: judging is a pure function of the text, so the answer is the same with and without, in any
 * order, and after a restart. Bounded in texts and in characters: what comes newly takes the place of what came before.
 */

const SLOTS = 4096
/** About how many characters of a text choose its slot; that it is the same text is compared in full. */
const SAMPLES = 16

interface Kept<Result> {
  readonly text: string
  readonly result: Result
}

export class TextMemory<Result> {
  readonly #judge: (text: string) => Result
  readonly #limit: number
  readonly #kept: (Kept<Result> | undefined)[] = new Array(SLOTS).fill(undefined)
  #units = 0
  /** The slot to empty next when there is no room. */
  #hand = 0

  /**
   * @param judge pure; what it gives is shared, so nobody may change it
   * @param limit UTF-16 units of all texts kept; a text of more than a quarter of it is never kept
   */
  constructor(judge: (text: string) => Result, limit: number) {
    this.#judge = judge
    this.#limit = limit
  }

  /** The judgement of a text: remembered, or made now. */
  of(text: string): Result {
    const slot = slotOf(text)
    const kept = this.#kept[slot]
    if (kept !== undefined && kept.text === text) {
      return kept.result
    }
    const result = this.#judge(text)
    if (text.length <= this.#limit / 4) {
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

function slotOf(text: string): number {
  const { length } = text
  let print = length
  const step = Math.max(1, Math.floor(length / SAMPLES))
  for (let at = 0; at < length; at += step) {
    print = (Math.imul(print, 31) + text.charCodeAt(at)) | 0
  }
  print = (Math.imul(print, 31) + (length === 0 ? 0 : text.charCodeAt(length - 1))) | 0
  return (print ^ (print >>> 12)) & (SLOTS - 1)
}
