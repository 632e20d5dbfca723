/** What one fragment gives to an event. The lowest rank speaks first for every field. */
import type { Fragment } from '../../schema/fragment.ts'
import type { JsonWriter } from './json-writer.ts'

/**
 * Tens of thousands of events are remembered for what may still amend them, and hardly any is. Kept as objects they
 * are what the garbage collector is busy with; so once persisted a contribution rests as bytes until it is asked.
 */
export class Contribution {
  readonly rank: number
  #fragment: Fragment | undefined
  #encoded: Uint8Array | undefined

  /** @param encoded the fragment as JSON, where somebody has it: it need not be written again. */
  constructor(rank: number, fragment: Fragment, encoded?: Uint8Array) {
    this.rank = rank
    this.#fragment = fragment
    this.#encoded = encoded
  }

  get fragment(): Fragment {
    if (this.#fragment === undefined) {
      this.#fragment = JSON.parse(Buffer.from(this.#encoded as Uint8Array).toString('utf8')) as Fragment
      keepAwake(this)
    }
    return this.#fragment
  }

  /** The same with another rank. */
  ranked(rank: number): Contribution {
    return new Contribution(rank, this.fragment, this.#encoded)
  }

  /** Writes the fragment; then keeps it only one way, as bytes when it `rests`. */
  write(writer: JsonWriter, rests: boolean): void {
    if (this.#encoded === undefined) {
      writer.value(this.#fragment)
    } else {
      writer.bytes(this.#encoded)
    }
    if (rests) {
      this.rest()
    } else if (this.#fragment !== undefined) {
      // What is held and waits must not keep the whole request in memory that its bytes came in.
      this.#encoded = undefined
    }
  }

  /** Keeps only bytes, in memory of its own: those it was given may share theirs with a whole request. */
  rest(): void {
    if (this.#fragment !== undefined) {
      this.#encoded = Buffer.from(this.#encoded ?? JSON.stringify(this.#fragment))
      this.#fragment = undefined
    }
  }
}

/** Asked once, a contribution is asked several times more; then not for long. */
const AWAKE_LIMIT = 256
const awake: (Contribution | undefined)[] = new Array<undefined>(AWAKE_LIMIT).fill(undefined)
let next = 0

function keepAwake(contribution: Contribution): void {
  awake[next]?.rest()
  awake[next] = contribution
  next = (next + 1) % AWAKE_LIMIT
}
