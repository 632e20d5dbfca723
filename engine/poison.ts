/**
 * Watches how much of what a stage, or a collector that fetches, reads is unusable. One bad record is dead-lettered;
 * when most are bad, something else is wrong (another version writes, another program shares the topic), and
 * dead-lettering on would quietly empty the stream into a pile that nobody looks through.
 */
export interface PoisonLimit {
  /** Above this share of the window the stage stops. Default 0.5. */
  readonly share: number
  /** Of at least this many records. Default 200. */
  readonly atLeast: number
  /** Older records than the last this many no longer count. Default 1,000. */
  readonly window: number
}

const DEFAULT_LIMIT: PoisonLimit = { share: 0.5, atLeast: 200, window: 1000 }

/** The stage stopped: what it reads is mostly unusable. Health goes red; an operator has to look. */
export class TooMuchPoison extends Error {
  readonly stage: string

  constructor(stage: string, poisoned: number, records: number, reason: string) {
    super(
      `the ${stage} stage stopped: ${poisoned} of its last ${records} records cannot be processed (${reason}); ` +
        'find out who wrote them before starting it again',
    )
    this.name = 'TooMuchPoison'
    this.stage = stage
  }
}

export class PoisonWatch {
  readonly #stage: string
  readonly #limit: PoisonLimit
  readonly #batches: { readonly records: number; readonly poisoned: number }[] = []
  #records = 0
  #poisoned = 0

  constructor(stage: string, limit: Partial<PoisonLimit> = {}) {
    this.#stage = stage
    this.#limit = { ...DEFAULT_LIMIT, ...limit }
  }

  /** Takes note of one batch. Throws `TooMuchPoison` when the limit is passed. */
  observe(records: number, poison: readonly { readonly reason: string }[]): void {
    this.#batches.push({ records, poisoned: poison.length })
    this.#records += records
    this.#poisoned += poison.length
    let oldest = this.#batches[0]
    while (oldest !== undefined && this.#records - oldest.records >= this.#limit.window) {
      this.#batches.shift()
      this.#records -= oldest.records
      this.#poisoned -= oldest.poisoned
      oldest = this.#batches[0]
    }
    const newest = poison.at(-1)
    const isTooMuch = this.#records >= this.#limit.atLeast && this.#poisoned > this.#limit.share * this.#records
    if (newest !== undefined && isTooMuch) {
      throw new TooMuchPoison(this.#stage, this.#poisoned, this.#records, newest.reason)
    }
  }
}
