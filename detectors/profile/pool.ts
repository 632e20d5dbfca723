/** The records of one size: where they lie, in which order they were used, and which have changed. */
import { type Changes, changesOf } from './changes.ts'
import type { Layout } from './layout.ts'
import { type Recency, recencyOf } from './recency.ts'
import { HEADER, type Tier } from './records.ts'
import { type Slabs, slabsOf } from './slab.ts'

/** What `Profiles` keeps of one tier. Records are told by their index. */
export interface Pool {
  readonly tier: Tier
  /** The last bit of the numbers by which callers know these records: 1 for full ones. */
  readonly odd: 0 | 1
  readonly layout: Layout
  readonly capacity: number
  readonly slabs: Slabs
  readonly recency: Recency
  readonly changes: Changes
  /** A word of a record's header. */
  wordOf(at: number, word: number): number
  /** Frees a record, which is in no index any more. */
  release(at: number): void
}

/** No records. Throws when a record does not begin with its header, or the number of records cannot be. */
export function poolOf(tier: Tier, layout: Layout, capacity: number): Pool {
  if (!layout.description.startsWith(`header=${HEADER.name}@${HEADER.version}:${HEADER.bytes}`)) {
    throw new Error(`the ${tier} record does not begin with its header: ${layout.description.slice(0, 80)}`)
  }
  if (!Number.isInteger(capacity) || capacity < 1 || capacity >= 2 ** 30) {
    throw new Error(`there cannot be ${capacity} ${tier} records`)
  }
  const slabs = slabsOf(layout.bytes)
  const recency = recencyOf(capacity)
  const changes = changesOf(slabs, capacity)
  return {
    tier,
    odd: tier === 'small' ? 0 : 1,
    layout,
    capacity,
    slabs,
    recency,
    changes,
    wordOf: (at, word) => slabs.memory(at).u32[(slabs.offset(at) >>> 2) + word] ?? 0,
    release: (at) => {
      changes.forget(at)
      recency.remove(at)
      slabs.free(at)
    },
  }
}
