/**
 * From 64-bit identities to records: open addressing with linear probing (Knuth, The Art of Computer Programming 3, 6.4,
 * algorithms L and R), 8 bytes a slot and at most half of the slots taken. A slot holds half of the identity; the other half
 * is compared where the record has it, which is about to be read anyway. A million agents take 16 MiB.
 */

/** Is this the record of an identity with that high half? Asked only where the low halves are the same. */
export type HasHigh = (record: number, high: number) => boolean

/** Identities are their low and high halves, u32; records are whole numbers from 0 to 2^32 - 2. */
export interface IdentityIndex {
  /** The record of an identity; -1 when it has none. */
  find(low: number, high: number): number
  /** Adds the record of an identity that has none. */
  add(low: number, record: number): void
  /** Lets an identity have another record. Whoever asks next for the old one is told the new one. */
  replace(low: number, record: number, by: number): void
  remove(low: number, record: number): void
}

/** Empty. There may be `capacity` identities; slots take memory only where used. */
export function identityIndexOf(capacity: number, hasHigh: HasHigh): IdentityIndex {
  const count = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * capacity)))
  const mask = count - 1
  // Of slot s, slots[2s] is the low half and slots[2s + 1] one more than the record: 0 where there is none.
  const slots = new Uint32Array(2 * count)

  /** Where a record is, which is there. */
  function slotOf(low: number, record: number): number {
    let slot = low & mask
    while (slots[2 * slot + 1] !== record + 1) {
      if (slots[2 * slot + 1] === 0) {
        throw new Error(`record ${record} is not in the index`)
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  return {
    find: (low, high) => {
      for (let slot = low & mask; ; slot = (slot + 1) & mask) {
        const record = (slots[2 * slot + 1] ?? 0) - 1
        if (record === -1 || (slots[2 * slot] === low && hasHigh(record, high))) {
          return record
        }
      }
    },
    add: (low, record) => {
      let slot = low & mask
      while (slots[2 * slot + 1] !== 0) {
        slot = (slot + 1) & mask
      }
      slots[2 * slot] = low
      slots[2 * slot + 1] = record + 1
    },
    replace: (low, record, by) => {
      slots[2 * slotOf(low, record) + 1] = by + 1
    },
    remove: (low, record) => {
      // What follows in the same run moves up when its own place is not after the hole: no slot is ever "once taken", so
      // that a year of agents that come and go makes no search longer.
      let hole = slotOf(low, record)
      for (let slot = (hole + 1) & mask; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
        const home = (slots[2 * slot] ?? 0) & mask
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
          slots[2 * hole] = slots[2 * slot] ?? 0
          slots[2 * hole + 1] = slots[2 * slot + 1] ?? 0
          hole = slot
        }
      }
      slots[2 * hole] = 0
      slots[2 * hole + 1] = 0
    },
  }
}
