/**
 * What the embedded bus does now and then even when nobody appends: deletes records that grew too old, and forgets
 * groups that nobody has consumed for long.
 */
import type { Groups, Place } from './groups.ts'
import type { Journal } from './journal.ts'
import type { Entry, Storage } from './storage.ts'

/** State entries deleted per transaction when a group is forgotten. */
const FORGET_PAGE = 1000

export interface SweepOptions {
  readonly journal: Journal
  readonly groups: Groups
  readonly storage: Storage
  readonly now: () => number
  readonly everyMs: number
  readonly forgetAfterMs: number
  /** Whether any chunk may go now, by age too. */
  readonly expired: () => boolean
}

export class Sweep {
  readonly #options: SweepOptions
  readonly #openedMs: number
  readonly #timer: NodeJS.Timeout
  #byAge = false
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: SweepOptions) {
    this.#options = options
    this.#openedMs = options.now()
    this.#timer = setInterval(() => this.#begin(), options.everyMs)
    // A process that has nothing else to do may end.
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  /** Whether the next transaction should look at ages too; asked by the journal. */
  takeTurn(): boolean {
    const byAge = this.#byAge
    this.#byAge = false
    return byAge
  }

  #begin(): void {
    this.#running ??= this.#run()
      // A disk that refuses is asked again at the next turn; who appends hears of it meanwhile.
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined
      })
  }

  async #run(): Promise<void> {
    await this.#forgetGroups()
    while (!this.#stopped && this.#options.expired()) {
      this.#byAge = true
      await this.#options.journal.write({ appends: [], entries: [] })
    }
  }

  /** Not before this process had time to start its consumers: a group may be older than a long downtime. */
  async #forgetGroups(): Promise<void> {
    const { groups, now, forgetAfterMs } = this.#options
    if (now() - this.#openedMs < Math.min(forgetAfterMs, 60 * 60 * 1000)) {
      return
    }
    for (const place of groups.unseenSince(now() - forgetAfterMs)) {
      await this.#forget(place)
    }
  }

  async #forget(place: Place): Promise<void> {
    const { storage, journal, groups } = this.#options
    const end = Buffer.from(place.key)
    end.writeUInt16BE(place.log.partition + 1, end.length - 2)
    for (;;) {
      const keys = [...storage.state.getKeys({ start: place.key, end, limit: FORGET_PAGE })]
      if (keys.length === 0) {
        break
      }
      const entries: Entry[] = keys.map((key) => ({ database: 'state', key: Buffer.from(key), value: undefined }))
      await journal.write({ appends: [], entries })
    }
    await journal.write({ appends: [], entries: [{ database: 'places', key: place.key, value: undefined }] })
    groups.forget(place)
  }
}
