/**
 * Recently judged event ids of one partition, so that an amendment or a repetition is judged without being learned
 * from twice. Bounded; persisted in chunks, so that a commit rewrites only the newest.
 */
import type { StateEntry } from './bus/bus.ts'

/** Ids in a chunk. */
const CHUNK = 1024
const ID_BYTES = 8
/** Digits of an id that are remembered: as many as a number holds exactly. */
const ID_DIGITS = 13

/** Keys of its state entries start so. */
export const SEEN_PREFIX = 'seen/'

export interface SeenEvents {
  /** Whether the id was seen before; remembers it. */
  observe(eventId: string): boolean
  changes(): readonly StateEntry[]
  readonly size: number
}

interface Chunk {
  readonly number: number
  readonly bytes: Buffer
  used: number
}

/**
 * @param limit ids remembered; the oldest 1,024 are forgotten together.
 * @param state the persisted entries under `SEEN_PREFIX`, in any order.
 */
export function seenEvents(
  limit: number,
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
): SeenEvents {
  const chunks = [...state].map(({ key, value }) => restoreChunk(key, value)).sort((a, b) => a.number - b.number)
  // Ids are hashes, so their first 52 bits are key enough: numbers cost a third of what strings do.
  const known = new Set<number>()
  for (const chunk of chunks) {
    for (const id of idsOf(chunk)) {
      known.add(id)
    }
  }
  const dirty = new Set<Chunk>()
  const dropped: string[] = []

  const remember = (id: number): void => {
    let chunk = chunks.at(-1)
    if (chunk === undefined || chunk.used === CHUNK) {
      chunk = { number: (chunk?.number ?? -1) + 1, bytes: Buffer.alloc(CHUNK * ID_BYTES), used: 0 }
      chunks.push(chunk)
    }
    chunk.bytes.writeDoubleLE(id, chunk.used * ID_BYTES)
    chunk.used += 1
    dirty.add(chunk)
    known.add(id)
    if (known.size > limit && chunks.length > 1) {
      const oldest = chunks.shift() as Chunk
      for (const old of idsOf(oldest)) {
        known.delete(old)
      }
      dirty.delete(oldest)
      dropped.push(SEEN_PREFIX + oldest.number)
    }
  }

  return {
    observe(eventId) {
      const id = firstBits(eventId)
      const seen = known.has(id)
      if (!seen) {
        remember(id)
      }
      return seen
    },
    changes() {
      const entries: StateEntry[] = dropped.map((key) => ({ key, value: undefined }))
      for (const chunk of dirty) {
        entries.push({ key: SEEN_PREFIX + chunk.number, value: chunk.bytes.subarray(0, chunk.used * ID_BYTES) })
      }
      dropped.length = 0
      dirty.clear()
      return entries
    },
    get size() {
      return known.size
    },
  }
}

/** The number that the first 13 digits of a hexadecimal id spell. */
function firstBits(eventId: string): number {
  let bits = 0
  for (let index = 0; index < ID_DIGITS; index += 1) {
    const unit = eventId.charCodeAt(index)
    bits = bits * 16 + (unit < 58 ? unit - 48 : unit - 87)
  }
  return bits
}

function restoreChunk(key: string, value: Uint8Array): Chunk {
  const bytes = Buffer.alloc(CHUNK * ID_BYTES)
  bytes.set(value.subarray(0, bytes.length))
  return {
    number: Number(key.slice(SEEN_PREFIX.length)),
    bytes,
    used: Math.min(CHUNK, Math.floor(value.length / ID_BYTES)),
  }
}

function* idsOf(chunk: Chunk): Generator<number> {
  for (let at = 0; at < chunk.used; at += 1) {
    yield chunk.bytes.readDoubleLE(at * ID_BYTES)
  }
}
