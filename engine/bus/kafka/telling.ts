/**
 * Tells a consumer group how far its partitions are, for those who watch its lag: owners themselves go by their state logs.
 * One word at a time: an older one that came last would let a partition where nothing happens look behind for good.
 */
export class Telling {
  /** How far each partition is that is owned here. */
  readonly reached = new Map<number, number>()
  readonly #commit: (offsets: ReadonlyMap<number, number>) => Promise<void>
  readonly #untold = new Map<number, number>()
  #underWay: Promise<void> | undefined

  /** @param commit tells the group; when it rejects it is told again. */
  constructor(commit: (offsets: ReadonlyMap<number, number>) => Promise<void>) {
    this.#commit = commit
  }

  /** For the next word. */
  reach(partition: number, next: number): void {
    this.reached.set(partition, next)
    this.#untold.set(partition, next)
  }

  /** It is owned here no more. When it is lost to another owner, how far it is from now on is only his to tell. */
  leave(partition: number, isLost: boolean): void {
    this.reached.delete(partition)
    if (isLost) {
      this.#untold.delete(partition)
    }
  }

  /** Resolves when the word that is under way, or goes out now, has ended. Never rejects. */
  tell(): Promise<void> {
    if (this.#underWay === undefined && this.#untold.size > 0) {
      this.#underWay = this.#tellOnce().finally(() => {
        this.#underWay = undefined
      })
    }
    return this.#underWay ?? Promise.resolve()
  }

  /** The last word, when nothing is reached any more. */
  async tellAll(): Promise<void> {
    await this.#underWay
    await this.tell()
  }

  async #tellOnce(): Promise<void> {
    const offsets = new Map(this.#untold)
    this.#untold.clear()
    try {
      await this.#commit(offsets)
    } catch {
      for (const [partition, next] of offsets) {
        if (this.reached.has(partition) && !this.#untold.has(partition)) {
          this.#untold.set(partition, next)
        }
      }
    }
  }
}
