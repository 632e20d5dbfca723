/**
 * What a stage remembers of many sessions or agents: least recently touched ones leave beyond a bound, and what has been
 * untouched for so long in event time that nothing late can belong to it. Persisted with its order, so that a restart
 * forgets the same.
 */
import type { StateEntry } from './bus/bus.ts'
import { decode, encode } from './records.ts'

/** As persisted. */
interface Entry<Value> {
  readonly version: number
  readonly value: Value
  readonly lastMs: number
  /** Rises with every change: the lowest is the one to forget. */
  readonly order: number
}

/** One of a chain in the order in which they were touched. */
interface Link<Value> {
  readonly key: string
  entry: Entry<Value>
  older: Link<Value> | undefined
  newer: Link<Value> | undefined
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
  readonly #links = new Map<string, Link<Value>>()
  readonly #dirty = new Set<string>()
  #oldest: Link<Value> | undefined
  #newest: Link<Value> | undefined
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
    for (const [key, entry] of restored) {
      this.#add(key, entry)
    }
    this.#order = restored.at(-1)?.[1].order ?? 0
    this.#newestMs = restored.reduce((newest, [, { lastMs }]) => Math.max(newest, lastMs), 0)
  }

  get(id: string): Value | undefined {
    return this.#links.get(this.#prefix + id)?.entry.value
  }

  /**
   * The same, and says that it is in use: what is used outlasts what is not, though it never changes. Written at most once
   * an hour of event time for that.
   */
  use(id: string, timeMs: number): Value | undefined {
    const entry = this.#links.get(this.#prefix + id)?.entry
    if (entry !== undefined && timeMs - entry.lastMs >= USED_MS) {
      this.set(id, entry.value, timeMs)
    }
    return entry?.value
  }

  /** @param timeMs event time of what touched it. */
  set(id: string, value: Value, timeMs: number): void {
    const key = this.#prefix + id
    const known = this.#links.get(key)
    const lastMs = Math.max(timeMs, known?.entry.lastMs ?? 0)
    this.#order += 1
    const entry = { version: this.#version, value, lastMs, order: this.#order }
    if (known === undefined) {
      this.#add(key, entry)
    } else if (known === this.#newest) {
      known.entry = entry
    } else {
      this.#cut(known)
      known.entry = entry
      this.#append(known)
    }
    this.#dirty.add(key)
    this.#newestMs = Math.max(this.#newestMs, lastMs)
    for (let oldest = this.#oldest; oldest !== undefined && this.#mustGo(oldest.entry); oldest = this.#oldest) {
      this.#cut(oldest)
      this.#links.delete(oldest.key)
      this.#dirty.add(oldest.key)
    }
  }

  #mustGo({ lastMs }: Entry<Value>): boolean {
    return this.#links.size > this.#limits.max || this.#newestMs - lastMs > this.#limits.keepMs
  }

  #add(key: string, entry: Entry<Value>): void {
    const link = { key, entry, older: undefined, newer: undefined }
    this.#links.set(key, link)
    this.#append(link)
  }

  #append(link: Link<Value>): void {
    link.older = this.#newest
    link.newer = undefined
    if (this.#newest === undefined) {
      this.#oldest = link
    } else {
      this.#newest.newer = link
    }
    this.#newest = link
  }

  #cut(link: Link<Value>): void {
    if (link.older === undefined) {
      this.#oldest = link.newer
    } else {
      link.older.newer = link.newer
    }
    if (link.newer === undefined) {
      this.#newest = link.older
    } else {
      link.newer.older = link.older
    }
  }

  /** State entries that changed since the last call. */
  changes(): readonly StateEntry[] {
    const entries = [...this.#dirty].map((key) => {
      const entry = this.#links.get(key)?.entry
      return { key, value: entry === undefined ? undefined : encode(entry) }
    })
    this.#dirty.clear()
    return entries
  }
}
