/** Who works on the partitions of this process: one owner for each, and never two of one partition at a time. */
import { setMaxListeners } from 'node:events'

/** A partition that is ours, as its owner sees it. */
export interface Ownership {
  readonly partition: number
  /** Aborts when the partition is taken away, and when everything stops. */
  readonly signal: AbortSignal
  /** Others may own it from now on: nothing that is done for it counts any more. */
  readonly isLost: boolean
}

interface Owner {
  readonly ownership: { -readonly [Key in keyof Ownership]: Ownership[Key] }
  readonly stop: AbortController
  readonly ended: Promise<void>
}

export class Owners {
  readonly #run: (ownership: Ownership) => Promise<void>
  readonly #onFailed: (error: unknown) => void
  readonly #owners = new Map<number, Owner>()
  #isStopped = false

  /**
   * @param run works on a partition until its signal aborts, and may take its time to return then.
   * @param onFailed told what `run` rejects with.
   */
  constructor(run: (ownership: Ownership) => Promise<void>, onFailed: (error: unknown) => void) {
    this.#run = run
    this.#onFailed = onFailed
  }

  /** What is ours from now on; as `onAssigned` of a membership. Starts nobody after `stop`. */
  assign(partitions: readonly number[], isContinuous: boolean): void {
    for (const [partition, { ownership, stop }] of this.#owners) {
      if (!isContinuous || !partitions.includes(partition)) {
        ownership.isLost = true
        stop.abort()
      }
    }
    for (const partition of this.#isStopped ? [] : partitions) {
      const owner = this.#owners.get(partition)
      if (owner === undefined || owner.ownership.isLost) {
        this.#start(partition, owner?.ended)
      }
    }
  }

  /** Tells all of them to stop; resolves when they have. What they still do for their partitions counts. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { stop } of this.#owners.values()) {
      stop.abort()
    }
    await Promise.all([...this.#owners.values()].map(({ ended }) => ended))
  }

  #start(partition: number, before: Promise<void> | undefined): void {
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const ownership = { partition, signal: stop.signal, isLost: false }
    const ended = this.#runAfter(before, ownership)
      .catch(this.#onFailed)
      .finally(() => {
        if (this.#owners.get(partition)?.stop === stop) {
          this.#owners.delete(partition)
        }
      })
    this.#owners.set(partition, { ownership, stop, ended })
  }

  async #runAfter(before: Promise<void> | undefined, ownership: Ownership): Promise<void> {
    await before
    if (!ownership.signal.aborted) {
      await this.#run(ownership)
    }
  }
}
