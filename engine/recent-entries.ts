/**
 * What a stage remembers of many sessions or agents: least recently touched ones leave beyond a bound, and what has been
 * untouched for so long in event time that nothing late can belong to it. Persisted with its order, so that a restart
 * forgets the same.
 */
import type { StateEntry } from './bus/bus.ts'
import { decode, encode } from './records.ts'

interface Entry<Value> {
  readonly version: number
  readonly value: Value
  readonly lastMs: number
  /** Rises with every change: the lowest is the one to forget. */
  readonly order: number
}

export interface RecentLimits {
  readonly max: number
  readonly keepMs: number
}

/** How much later than it was touched it must be used to be touched by that. */
const USED_MS = 3_600_000

export class RecentEntries<Value extends object> {
  readonly #prefix: string
  readonly #version: number
  readonly #limits: RecentLimits
  readonly #entries: Map<string, Entry<Value>>
  readonly #dirty = new Set<string>()
  #order: number
  #newestMs: number

  /**
   * @param prefix of its keys in the state
   * @param version of the shape of its values: those of another are dropped
   * @param state the persisted entries, in any order; those of other prefixes are not looked at
   */
  constructor(
    prefix: string,
    version: number,
    limits: RecentLimits,
    state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  ) {
    this.#prefix = prefix
    this.#version = version
    this.#limits = limits
    const restored: (readonly [string, Entry<Value>])[] = []
    for (const { key, value } of state) {
      if (key.startsWith(prefix)) {
        const entry = decode<Entry<Value>>(value)
        if (entry.version === version) {
          restored.push([key, entry])
        } else {
          this.#dirty.add(key)
        }
      }
    }
    restored.sort(([, one], [, other]) => one.order - other.order)
    this.#entries = new Map(restored)
    this.#order = restored.at(-1)?.[1].order ?? 0
    this.#newestMs = restored.reduce((newest, [, { lastMs }]) => Math.max(newest, lastMs), 0)
  }

  get(id: string): Value | undefined {
    return this.#entries.get(this.#prefix + id)?.value
  }

  /**
   * The same, and says that it is in use: what is used outlasts what is not, though it never changes. Written at most once
   * an hour of event time for that.
   */
  use(id: string, timeMs: number): Value | undefined {
    const entry = this.#entries.get(this.#prefix + id)
    if (entry !== undefined && timeMs - entry.lastMs >= USED_MS) {
      this.set(id, entry.value, timeMs)
    }
    return entry?.value
  }

  /** @param timeMs event time of what touched it. */
  set(id: string, value: Value, timeMs: number): void {
    const key = this.#prefix + id
    const lastMs = Math.max(timeMs, this.#entries.get(key)?.lastMs ?? 0)
    this.#order += 1
    // Re-inserted, so that the first of the map is always the one to forget.
    this.#entries.delete(key)
    this.#entries.set(key, { version: this.#version, value, lastMs, order: this.#order })
    this.#dirty.add(key)
    this.#newestMs = Math.max(this.#newestMs, lastMs)
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.max && this.#newestMs - entry.lastMs <= this.#limits.keepMs) {
        break
      }
      this.#entries.delete(oldest)
      this.#dirty.add(oldest)
    }
  }

  /** State entries that changed since the last call. */
  changes(): readonly StateEntry[] {
    const entries = [...this.#dirty].map((key) => {
      const entry = this.#entries.get(key)
      return { key, value: entry === undefined ? undefined : encode(entry) }
    })
    this.#dirty.clear()
    return entries
  }
}
