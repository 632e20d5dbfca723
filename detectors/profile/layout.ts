/**
 * Where each statistic of a profile lies in its record. A record is a list of parts, each a statistic's block under a name
 * of its own; the same statistic may lie in a record several times. The description of a layout is written beside the
 * bytes, so that a later program, whose layout may be another, carries over every part that still means the same.
 */
import type { Block } from './memory.ts'

/** What a full record may take: a million of them are 3.8 GiB. */
export const FULL_BYTES = 4096

/** What the record of an agent of few events may take. */
export const SMALL_BYTES = 512

/** Where the parts of a record lie. Offsets are in bytes from the beginning of the record, and multiples of four. */
export interface Layout<Name extends string = string> {
  /** Of the whole record. */
  readonly bytes: number
  readonly offsets: Readonly<Record<Name, number>>
  /** `name=statistic@version:bytes` of each part, in order, with spaces between. */
  readonly description: string
}

/** A run of bytes that means the same in two layouts. */
export interface Move {
  readonly from: number
  readonly to: number
  readonly bytes: number
}

interface Part {
  readonly name: string
  /** Statistic, version and size: parts of the same name and content hold the same. */
  readonly content: string
  readonly offset: number
  readonly bytes: number
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const DESCRIBED = /^([a-z0-9-]+)=([a-z0-9-]+@\d+:(\d+))$/

/**
 * Lays parts out one after the other, in the order given. Called once, when the program starts. Throws when names are not
 * kebab-case or come twice, when a block is of no whole number of words, and when all of them take more than `maxBytes`.
 */
export function layoutOf<const Name extends string>(
  parts: readonly (readonly [name: Name, block: Block])[],
  maxBytes: number,
): Layout<Name> {
  const offsets: Partial<Record<Name, number>> = {}
  let bytes = 0
  for (const [name, block] of parts) {
    if (!NAME.test(name) || !NAME.test(block.name) || Object.hasOwn(offsets, name)) {
      throw new Error(`the name of part ${name} (${block.name}) is not kebab-case or comes twice`)
    }
    if (!isCount(block.version) || !isCount(block.bytes) || block.bytes % 4 !== 0) {
      throw new Error(`part ${name} has version ${block.version} and ${block.bytes} bytes; whole words only`)
    }
    offsets[name] = bytes
    bytes += block.bytes
  }
  if (bytes === 0 || bytes > maxBytes) {
    const sizes = parts.map(([name, block]) => `${name} ${block.bytes}`).join(', ')
    throw new Error(`a record of ${bytes} bytes, of at most ${maxBytes}: ${sizes}`)
  }
  const description = parts.map(([name, block]) => `${name}=${block.name}@${block.version}:${block.bytes}`).join(' ')
  return { bytes, offsets: offsets as Record<Name, number>, description }
}

/**
 * Records as another layout has them: parts of the same name, statistic, version and size are copied, the others begin as
 * zeros. `bytes` are one or more records back to back, and so is what comes back. Throws when they are not what
 * `oldDescription` describes. Called for what checkpoints of another release hold.
 */
export function migrate(bytes: Uint8Array, oldDescription: string, layout: Layout): Uint8Array {
  const oldBytes = bytesOf(partsOf(oldDescription))
  const count = bytes.length / oldBytes
  if (!Number.isInteger(count)) {
    throw new Error(`${bytes.length} bytes are no whole number of records of ${oldBytes}`)
  }
  const moves = movesBetween(oldDescription, layout)
  const migrated = new Uint8Array(count * layout.bytes)
  for (let record = 0; record < count; record += 1) {
    moveParts(moves, bytes, record * oldBytes, migrated, record * layout.bytes)
  }
  return migrated
}

/** What `moveParts` has to copy from a record so described to one of the layout. Throws when the description is broken. */
export function movesBetween(oldDescription: string, layout: Layout): readonly Move[] {
  const old = new Map(partsOf(oldDescription).map((part) => [part.name, part]))
  const moves: Move[] = []
  for (const { name, content, offset, bytes } of partsOf(layout.description)) {
    const same = old.get(name)
    if (same?.content !== content) {
      continue
    }
    const last = moves.at(-1)
    if (last !== undefined && last.from + last.bytes === same.offset && last.to + last.bytes === offset) {
      // Neighbours in both: one copy, so that a layout that is still the same is copied at once.
      moves[moves.length - 1] = { ...last, bytes: last.bytes + bytes }
    } else {
      moves.push({ from: same.offset, to: offset, bytes })
    }
  }
  return moves
}

/** Copies the parts of one record, which begins at `fromOffset`, to another, which has zeros in their place. */
export function moveParts(
  moves: readonly Move[],
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
): void {
  for (const move of moves) {
    const start = fromOffset + move.from
    to.set(from.subarray(start, start + move.bytes), toOffset + move.to)
  }
}

function partsOf(description: string): readonly Part[] {
  let offset = 0
  return description.split(' ').map((described) => {
    const [, name, content, size] = DESCRIBED.exec(described) ?? []
    const bytes = Number(size)
    if (name === undefined || content === undefined || !isCount(bytes)) {
      throw new Error(`a layout cannot have the part ${JSON.stringify(described.slice(0, 80))}`)
    }
    const part = { name, content, offset, bytes }
    offset += bytes
    return part
  })
}

function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}
