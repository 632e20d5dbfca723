/** Records on their way between memory and where they are kept: what a checkpoint holds, and what leaves and comes back. */
import type { Block } from './memory.ts'

/** What every record begins with: the identity of its agent (u32 low, u32 high) and how many events it has seen (u32). */
export const HEADER: Block = { name: 'record-header', version: 1, bytes: 12 }

/** Small records are for agents of few events. */
export type Tier = 'small' | 'full'

/** Copies of records, back to back. Plain data that belongs to whoever is given it, and the same on every machine. */
export interface Records {
  readonly tier: Tier
  /** Of the layout that they have (`Layout`), which may be another by the time they come back. */
  readonly description: string
  readonly recordBytes: number
  readonly bytes: Uint8Array
}

/** The identity of each record, as `Profiles.identityOf` says it of a key. For where records are kept by their agents. */
export function identitiesOf({ bytes, recordBytes }: Records): readonly string[] {
  return Array.from({ length: bytes.length / recordBytes }, (_, record) => {
    const at = record * recordBytes
    return identityText(wordAt(bytes, at), wordAt(bytes, at + 4))
  })
}

/** Sixteen hexadecimal digits. */
export function identityText(low: number, high: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

/** The u32 at a place that need not be a multiple of four. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}
