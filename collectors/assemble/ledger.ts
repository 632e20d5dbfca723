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
  /** Waits to be written. */
  dirty: boolean
  older: Entry<V> | undefined
  younger: Entry<V> | undefined
}

interface Chunk {
  readonly number: number
  /** By position; `undefined` where the entry has moved or gone. */
  readonly entries: (Entry<unknown> | undefined)[]
  live: number
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
  const chunk: Chunk = { number, entries: [], live: written.length - dead.length, dead: [...dead] }
  const gone = new Set(dead)
  written.forEach(([shelf, age, value], position) => {
    if (gone.has(position)) {
      chunk.entries.push(undefined)
    } else {
      const entry: Entry<unknown> = { ...entryOf(shelf, age, value), chunk, position }
      chunk.entries.push(entry)
      const entries = into.get(shelf)
      if (entries === undefined) {
        into.set(shelf, [entry])
      } else {
        entries.push(entry)
      }
    }
  })
}

function entryOf<V>(shelf: string, age: number, value: V): Entry<V> {
  return { shelf, age, value, chunk: undefined, position: 0, dirty: false, older: undefined, younger: undefined }
}

class ChunkedLedger implements Ledger {
  readonly #counters: Record<string, { value: number }>
  readonly #restored: Map<string, Entry<unknown>[]>
  readonly #age: { value: number }
  #dirty: Entry<unknown>[] = []
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
    const entries = new AgeList<V>()
    for (const entry of restored) {
      entries.push(entry)
    }
    const age = this.#age
    return {
      get size() {
        return entries.size
      },
      add: (value) => {
        age.value += 1
        const entry = entryOf(name, age.value, value)
        entries.push(entry)
        this.#soil(entry)
        return entry
      },
      changed: (entry) => {
        this.#soil(entry)
      },
      renew: (entry) => {
        age.value += 1
        entry.age = age.value
        entries.remove(entry)
        entries.push(entry)
        this.#soil(entry)
      },
      drop: (entry) => {
        entries.remove(entry)
        entry.dirty = false
        this.#leaveChunk(entry)
      },
      oldest: () => entries.oldest,
      values: () => entries.values(),
    }
  }

  changes(): readonly StateChange[] {
    for (const chunk of this.#sparse) {
      for (const entry of chunk.entries) {
        if (entry !== undefined) {
          this.#soil(entry)
        }
      }
    }
    this.#sparse.clear()
    const changes: StateChange[] = []
    let entries: Entry<unknown>[] = []
    let text = ''
    for (const entry of this.#dirty) {
      if (!entry.dirty) {
        continue
      }
      entry.dirty = false
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
    this.#dirty = []
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

  /** Once gone it is clean again, and passed over. */
  #soil(entry: Entry<unknown>): void {
    if (!entry.dirty) {
      entry.dirty = true
      this.#dirty.push(entry)
    }
  }

  #writeChunk(entries: readonly Entry<unknown>[], text: string): StateChange {
    const chunk: Chunk = { number: this.#nextChunk, entries: [...entries], live: entries.length, dead: [] }
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
    chunk.live -= 1
    chunk.entries[entry.position] = undefined
    chunk.dead.push(entry.position)
    this.#thinned.add(chunk)
    if (chunk.live === 0) {
      this.#sparse.delete(chunk)
    } else if (chunk.live * 2 < chunk.entries.length) {
      this.#sparse.add(chunk)
    }
  }

  #countersText(): string {
    return JSON.stringify(
      Object.fromEntries(Object.entries(this.#counters ?? {}).map(([name, { value }]) => [name, value])),
    )
  }
}

/**
 * Entries by age. Linked, because the first member of a `Set` is slow to find once many before it were deleted.
 */
class AgeList<V> {
  oldest: Entry<V> | undefined
  #youngest: Entry<V> | undefined
  size = 0

  push(entry: Entry<V>): void {
    entry.older = this.#youngest
    entry.younger = undefined
    if (this.#youngest === undefined) {
      this.oldest = entry
    } else {
      this.#youngest.younger = entry
    }
    this.#youngest = entry
    this.size += 1
  }

  /** Takes out a member; calling it for an entry that is no member would break the list. */
  remove(entry: Entry<V>): void {
    if (entry.older === undefined) {
      this.oldest = entry.younger
    } else {
      entry.older.younger = entry.younger
    }
    if (entry.younger === undefined) {
      this.#youngest = entry.older
    } else {
      entry.younger.older = entry.older
    }
    entry.older = undefined
    entry.younger = undefined
    this.size -= 1
  }

  *values(): Generator<Entry<V>> {
    for (let entry = this.oldest; entry !== undefined; entry = entry.younger) {
      yield entry
    }
  }
}

function thinned(chunk: Chunk): readonly StateChange[] {
  const dead = DEAD + chunk.number
  if (chunk.live > 0) {
    return [{ key: dead, value: Buffer.from(JSON.stringify(chunk.dead)) }]
  }
  return [CHUNK + chunk.number, dead].map((key) => ({ key, value: undefined }))
}
