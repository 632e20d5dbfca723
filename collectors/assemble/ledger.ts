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

import { JsonWriter } from './json-writer.ts'

/** How the values of a shelf are written, and read again. What was written must be JSON. */
export interface Form<V> {
  write(value: V, writer: JsonWriter): void
  read(written: unknown): V
}

/** One remembered thing; after changing its value in place call `Shelf.changed`. */
export interface Entry<V> {
  readonly kind: Kind<V>
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

interface Kind<V> {
  /** How the entries of the shelf begin. */
  readonly opening: string
  readonly form: Form<V>
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
  /** The shelf of that name, with what was restored on it. Ask once for each name. Values are plain JSON without a form. */
  shelf<V>(name: string, form?: Form<V>): Shelf<V>
  /** A number that is persisted. */
  counter(name: string): { value: number }
  /** Entries to persist since the last call. Their bytes are written over by the next call but one. */
  changes(): readonly StateChange[]
}

/** Chunks stay well below the message limits of logs such as Kafka. */
const CHUNK_BYTES = 256 * 1024
const COUNTERS = 'counters'
const CHUNK = 'chunk/'
const DEAD = 'dead/'

type Written = [shelf: string, age: number, value: unknown]

/** An entry that was restored, whose shelf was not asked for yet. */
interface Restored {
  readonly age: number
  readonly written: unknown
  readonly chunk: Chunk
  readonly position: number
}

const PLAIN: Form<unknown> = {
  write: (value, writer) => writer.value(value),
  read: (written) => written,
}

/** Opens a ledger on what `changes` once returned, in any order. */
export function openLedger(state: Iterable<{ readonly key: string; readonly value: Uint8Array }>): Ledger {
  const counters: Record<string, { value: number }> = {}
  const restored = new Map<string, Restored[]>()
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
  into: Map<string, Restored[]>,
): void {
  const chunk: Chunk = { number, entries: [], live: written.length - dead.length, dead: [...dead] }
  const gone = new Set(dead)
  written.forEach(([shelf, age, value], position) => {
    chunk.entries.push(undefined)
    if (gone.has(position)) {
      return
    }
    const restored: Restored = { age, written: value, chunk, position }
    const others = into.get(shelf)
    if (others === undefined) {
      into.set(shelf, [restored])
    } else {
      others.push(restored)
    }
  })
}

function entryOf<V>(kind: Kind<V>, age: number, value: V): Entry<V> {
  return { kind, age, value, chunk: undefined, position: 0, dirty: false, older: undefined, younger: undefined }
}

function entryAgain<V>(kind: Kind<V>, { age, written, chunk, position }: Restored): Entry<V> {
  const entry = entryOf(kind, age, kind.form.read(written))
  entry.chunk = chunk
  entry.position = position
  chunk.entries[position] = entry as Entry<unknown>
  return entry
}

class ChunkedLedger implements Ledger {
  readonly #counters: Record<string, { value: number }>
  readonly #restored: Map<string, Restored[]>
  readonly #age: { value: number }
  readonly #writer = new JsonWriter()
  #dirty: Entry<unknown>[] = []
  readonly #sparse = new Set<Chunk>()
  readonly #thinned = new Set<Chunk>()
  #nextChunk: number
  #writtenCounters: string

  constructor(counters: Record<string, { value: number }>, restored: Map<string, Restored[]>, nextChunk: number) {
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

  shelf<V>(name: string, form: Form<V> = PLAIN as Form<V>): Shelf<V> {
    const kind: Kind<V> = { opening: `[${JSON.stringify(name)},`, form }
    const restored = (this.#restored.get(name) ?? []).sort((a, b) => a.age - b.age)
    this.#restored.delete(name)
    const entries = new AgeList<V>()
    for (const again of restored) {
      entries.push(entryAgain(kind, again))
    }
    const age = this.#age
    return {
      get size() {
        return entries.size
      },
      add: (value) => {
        age.value += 1
        const entry = entryOf(kind, age.value, value)
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
    this.#writer.turn()
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
    for (const entry of this.#dirty) {
      if (!entry.dirty) {
        continue
      }
      entry.dirty = false
      this.#leaveChunk(entry)
      this.#writer.text(entries.length === 0 ? '[' : ',')
      this.#writeEntry(entry)
      entries.push(entry)
      if (this.#writer.size > CHUNK_BYTES) {
        changes.push(this.#writeChunk(entries))
        entries = []
      }
    }
    if (entries.length > 0) {
      changes.push(this.#writeChunk(entries))
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

  #writeEntry({ kind, age, value }: Entry<unknown>): void {
    this.#writer.text(kind.opening)
    this.#writer.value(age)
    this.#writer.text(',')
    kind.form.write(value, this.#writer)
    this.#writer.text(']')
  }

  #writeChunk(entries: Entry<unknown>[]): StateChange {
    const chunk: Chunk = { number: this.#nextChunk, entries, live: entries.length, dead: [] }
    this.#nextChunk += 1
    entries.forEach((entry, position) => {
      entry.chunk = chunk
      entry.position = position
    })
    this.#writer.text(']')
    return { key: CHUNK + chunk.number, value: this.#writer.take() }
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
