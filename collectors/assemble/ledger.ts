/**
 * What the assembler remembers, and how that reaches the disk: a log-structured set of small records.
 *
 * Everything remembered is an entry on a shelf. `changes` writes all entries that are new or changed since the last
 * call into few chunks, so persisting costs one put for a batch, not one for every span, and an entry that came
 * and went in between costs nothing. Beside a chunk stands the list of its positions that have moved or gone; with
 * the last of them the chunk is deleted, and what lives in a chunk that is mostly dead moves to a new one, so
 * the chunks never hold more than about twice what is alive.
 *
 * How the input was cut into batches decides only what is in which chunk, never what is remembered.
 */

/** One remembered thing. `value` is plain JSON; after changing it in place call `Shelf.changed`. */
export interface Entry<V> {
  readonly shelf: string
  /** Rises with age on the shelf: the lowest is the one to forget. */
  age: number
  readonly value: V
  /** Where it is on disk. */
  chunk: Chunk | undefined
  position: number
}

interface Chunk {
  readonly number: number
  readonly written: number
  readonly live: Set<Entry<unknown>>
  /** Positions whose entry has moved or gone. */
  readonly dead: number[]
}

/** One kind of entries, oldest first. */
export interface Shelf<V> {
  readonly size: number
  add(value: V): Entry<V>
  /** Persist it again. */
  changed(entry: Entry<V>): void
  /** Make it the youngest. */
  renew(entry: Entry<V>): void
  drop(entry: Entry<V>): void
  oldest(): Entry<V> | undefined
  values(): Iterable<Entry<V>>
}

export interface StateChange {
  readonly key: string
  readonly value: Uint8Array | undefined
}

export interface Ledger {
  /** The shelf of that name, with what was restored on it. Ask once for each name. */
  shelf<V>(name: string): Shelf<V>
  /** A number that is persisted. */
  counter(name: string): { value: number }
  /** Entries to persist since the last call. */
  changes(): readonly StateChange[]
}

/** Chunks stay well below the message limits of logs such as Kafka. */
const CHUNK_CHARACTERS = 256 * 1024
const COUNTERS = 'counters'
const CHUNK = 'chunk/'
const DEAD = 'dead/'

type Written = [shelf: string, age: number, value: unknown]

/** Opens a ledger on what `changes` once returned, in any order. */
export function openLedger(state: Iterable<{ readonly key: string; readonly value: Uint8Array }>): Ledger {
  const counters: Record<string, { value: number }> = {}
  const restored = new Map<string, Entry<unknown>[]>()
  const parsed = new Map<string, unknown>()
  for (const { key, value } of state) {
    parsed.set(key, JSON.parse(new TextDecoder().decode(value)))
  }
  let nextChunk = 0
  for (const [key, value] of parsed) {
    if (key === COUNTERS) {
      for (const [name, count] of Object.entries(value as Record<string, number>)) {
        counters[name] = { value: count }
      }
    } else if (key.startsWith(CHUNK)) {
      const number = Number(key.slice(CHUNK.length))
      nextChunk = Math.max(nextChunk, number + 1)
      restoreChunk(
        number,
        value as readonly Written[],
        (parsed.get(DEAD + number) ?? []) as readonly number[],
        restored,
      )
    }
  }
  return new ChunkedLedger(counters, restored, nextChunk)
}

function restoreChunk(
  number: number,
  written: readonly Written[],
  dead: readonly number[],
  into: Map<string, Entry<unknown>[]>,
): void {
  const chunk: Chunk = { number, written: written.length, live: new Set(), dead: [...dead] }
  const gone = new Set(dead)
  written.forEach(([shelf, age, value], position) => {
    if (!gone.has(position)) {
      const entry: Entry<unknown> = { shelf, age, value, chunk, position }
      chunk.live.add(entry)
      const entries = into.get(shelf)
      if (entries === undefined) {
        into.set(shelf, [entry])
      } else {
        entries.push(entry)
      }
    }
  })
}

class ChunkedLedger implements Ledger {
  readonly #counters: Record<string, { value: number }>
  readonly #restored: Map<string, Entry<unknown>[]>
  readonly #age: { value: number }
  readonly #dirty = new Set<Entry<unknown>>()
  readonly #sparse = new Set<Chunk>()
  readonly #thinned = new Set<Chunk>()
  #nextChunk: number
  #writtenCounters: string

  constructor(counters: Record<string, { value: number }>, restored: Map<string, Entry<unknown>[]>, nextChunk: number) {
    this.#counters = counters
    this.#writtenCounters = this.#countersText()
    this.#restored = restored
    this.#nextChunk = nextChunk
    this.#age = this.counter('age')
  }

  counter(name: string): { value: number } {
    this.#counters[name] ??= { value: 0 }
    return this.#counters[name]
  }

  shelf<V>(name: string): Shelf<V> {
    const restored = (this.#restored.get(name) ?? []).sort((a, b) => a.age - b.age) as Entry<V>[]
    this.#restored.delete(name)
    const entries = new Set<Entry<V>>(restored)
    const age = this.#age
    const dirty = this.#dirty
    return {
      get size() {
        return entries.size
      },
      add: (value) => {
        age.value += 1
        const entry: Entry<V> = { shelf: name, age: age.value, value, chunk: undefined, position: 0 }
        entries.add(entry)
        dirty.add(entry)
        return entry
      },
      changed: (entry) => {
        dirty.add(entry)
      },
      renew: (entry) => {
        age.value += 1
        entry.age = age.value
        entries.delete(entry)
        entries.add(entry)
        dirty.add(entry)
      },
      drop: (entry) => {
        entries.delete(entry)
        dirty.delete(entry)
        this.#leaveChunk(entry)
      },
      oldest: () => {
        for (const entry of entries) {
          return entry
        }
        return undefined
      },
      values: () => entries,
    }
  }

  changes(): readonly StateChange[] {
    for (const chunk of this.#sparse) {
      for (const entry of chunk.live) {
        this.#dirty.add(entry)
      }
    }
    this.#sparse.clear()
    const changes: StateChange[] = []
    let entries: Entry<unknown>[] = []
    let text = ''
    for (const entry of this.#dirty) {
      this.#leaveChunk(entry)
      entries.push(entry)
      text += `${text === '' ? '[' : ','}${JSON.stringify([entry.shelf, entry.age, entry.value])}`
      if (text.length > CHUNK_CHARACTERS) {
        changes.push(this.#writeChunk(entries, text))
        entries = []
        text = ''
      }
    }
    if (text !== '') {
      changes.push(this.#writeChunk(entries, text))
    }
    this.#dirty.clear()
    this.#sparse.clear()
    for (const chunk of this.#thinned) {
      changes.push(...thinned(chunk))
    }
    this.#thinned.clear()
    const counters = this.#countersText()
    if (counters !== this.#writtenCounters) {
      this.#writtenCounters = counters
      changes.push({ key: COUNTERS, value: Buffer.from(counters) })
    }
    return changes
  }

  #writeChunk(entries: readonly Entry<unknown>[], text: string): StateChange {
    const chunk: Chunk = { number: this.#nextChunk, written: entries.length, live: new Set(entries), dead: [] }
    this.#nextChunk += 1
    entries.forEach((entry, position) => {
      entry.chunk = chunk
      entry.position = position
    })
    return { key: CHUNK + chunk.number, value: Buffer.from(`${text}]`) }
  }

  #leaveChunk(entry: Entry<unknown>): void {
    const { chunk } = entry
    if (chunk === undefined) {
      return
    }
    entry.chunk = undefined
    chunk.live.delete(entry)
    chunk.dead.push(entry.position)
    this.#thinned.add(chunk)
    if (chunk.live.size === 0) {
      this.#sparse.delete(chunk)
    } else if (chunk.live.size * 2 < chunk.written) {
      this.#sparse.add(chunk)
    }
  }

  #countersText(): string {
    return JSON.stringify(
      Object.fromEntries(Object.entries(this.#counters ?? {}).map(([name, { value }]) => [name, value])),
    )
  }
}

function thinned(chunk: Chunk): readonly StateChange[] {
  const dead = DEAD + chunk.number
  if (chunk.live.size > 0) {
    return [{ key: dead, value: Buffer.from(JSON.stringify(chunk.dead)) }]
  }
  return [CHUNK + chunk.number, dead].map((key) => ({ key, value: undefined }))
}
