/**
 * The way straight to the remote bus, with what is under way on it. Whatever is not answered in time goes the other way,
 * and all that is under way goes with it, so that it stays in the order of the calls. What was given up on may still
 * land.
 */
import { Unavailable } from '../../schema/errors.ts'
import type { Bus, BusRecord, Topic } from '../bus/bus.ts'

export interface StraightOptions {
  readonly remote: Pick<Bus, 'append'>
  /** How long an append may take. */
  readonly deadlineMs: number
  /** Told when the remote bus is found away; is to call `giveUp`. */
  readonly onAway: (reason: string) => void
}

export class Straight {
  /** What the remote bus has not answered, given up on or not. */
  bytes = 0
  readonly #options: StraightOptions
  /** What gives up on each append that is under way, in the order of the calls. */
  readonly #underWay = new Set<() => void>()

  constructor(options: StraightOptions) {
    this.#options = options
  }

  /**
   * Appends to the remote bus, or does `otherwise` once that is found away. Throws what `otherwise` throws, and what the
   * remote bus throws except `Unavailable`.
   */
  send(topic: Topic, records: readonly BusRecord[], bytes: number, otherwise: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const { deadlineMs, onAway } = this.#options
      const timer = setTimeout(() => onAway(`no answer within ${deadlineMs} ms`), deadlineMs)
      const giveUp = (): void => {
        clearTimeout(timer)
        otherwise().then(resolve, reject)
      }
      /** Whether somebody still waits for this answer; then it is the end of the append. */
      const isAwaited = (): boolean => {
        clearTimeout(timer)
        return this.#underWay.delete(giveUp)
      }
      this.#underWay.add(giveUp)
      this.bytes += bytes
      this.#append(topic, records)
        .finally(() => {
          this.bytes -= bytes
        })
        .then(
          () => isAwaited() && resolve(),
          (error: unknown) => {
            if (error instanceof Unavailable && this.#underWay.has(giveUp)) {
              onAway(error.message)
            } else if (isAwaited()) {
              reject(error)
            }
          },
        )
    })
  }

  /** Sends everything that is under way the other way. */
  giveUp(): void {
    const underWay = [...this.#underWay]
    this.#underWay.clear()
    for (const giveUp of underWay) {
      giveUp()
    }
  }

  /** Never throws before it has answered a promise. */
  async #append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    await this.#options.remote.append(topic, records)
  }
}
