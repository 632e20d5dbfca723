/** What goes wrong outside and is tried again, said once for each thing instead of several times a second. */

/** Attempts come at least this often while something is wrong (an append is tried for 30 s): after so long without a word it is over. */
const QUIET_MS = 45_000
/** Some things have numbers in them that differ each time: what is said beyond so many tells nobody more. */
const MOST_SAID = 100

export class Trouble {
  readonly #onTrouble: (message: string | undefined) => void
  readonly #said = new Set<string>()
  #quiet: NodeJS.Timeout | undefined

  /** @param onTrouble told what is wrong, and `undefined` when nothing is any more. */
  constructor(onTrouble: (message: string | undefined) => void) {
    this.#onTrouble = onTrouble
  }

  tell(message: string): void {
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.over(), QUIET_MS)
    this.#quiet.unref()
    if (!this.#said.has(message) && this.#said.size < MOST_SAID) {
      this.#said.add(message)
      this.#onTrouble(message)
    }
  }

  /** Also to be called at the end, so that nothing is left to say. */
  over(): void {
    clearTimeout(this.#quiet)
    if (this.#said.size > 0) {
      this.#said.clear()
      this.#onTrouble(undefined)
    }
  }
}
