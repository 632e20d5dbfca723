/** A bus for tests of the spool: in memory, and away whenever it is told to be. */
import { Rejected, Unavailable } from '../../schema/errors.ts'
import type { Bus, BusRecord, Topic } from '../bus/bus.ts'

/** `half`: takes the records of half the keys, and then says that it is away. `frozen`: does not answer before `thaw`. */
export type Mood = 'up' | 'down' | 'half' | 'frozen'

export class FlakyRemote implements Pick<Bus, 'append'> {
  mood: Mood = 'up'
  /** Thrown by every append instead, while it is set. */
  bug: Error | undefined
  /** Whatever comes with this key is rejected, while it is set. */
  rejected: string | undefined
  /** `topic key value`, in the order in which they landed, repeats included. */
  readonly landed: string[] = []
  /** How many records each append brought. */
  readonly appends: number[] = []
  #frozen: ((landing: boolean) => void)[] = []

  append = async (topic: Topic, records: readonly BusRecord[]): Promise<void> => {
    this.appends.push(records.length)
    if (this.bug !== undefined) {
      throw this.bug
    }
    if (records.some(({ key }) => key === this.rejected)) {
      throw new Rejected('too-large', 'more than the topic takes at once')
    }
    if (this.mood === 'frozen') {
      await new Promise<void>((resolve, reject) => {
        this.#frozen.push((landing) => {
          if (landing) {
            this.#land(topic, records)
            resolve()
          } else {
            reject(new Unavailable('thawed', { retryAfterMs: 1 }))
          }
        })
      })
      return
    }
    if (this.mood === 'half') {
      this.#land(
        topic,
        records.filter(({ key }) => key.charCodeAt(0) % 2 === 0),
      )
    }
    if (this.mood !== 'up') {
      throw new Unavailable(`the broker is ${this.mood}`, { retryAfterMs: 1 })
    }
    this.#land(topic, records)
  }

  /** How many appends are without an answer. */
  get frozen(): number {
    return this.#frozen.length
  }

  /** What landed, without repeats. */
  get first(): string[] {
    return [...new Set(this.landed)]
  }

  /** Takes records again; appends that are without an answer land first, or fail. */
  thaw(landing: boolean): void {
    this.mood = 'up'
    this.answer(landing)
  }

  /** Answers what is without an answer, and stays as it is. */
  answer(landing: boolean): void {
    const frozen = this.#frozen
    this.#frozen = []
    for (const end of frozen) {
      end(landing)
    }
  }

  #land(topic: Topic, records: readonly BusRecord[]): void {
    for (const { key, value } of records) {
      this.landed.push(`${topic} ${key} ${Buffer.from(value).toString('utf8')}`)
    }
  }
}
