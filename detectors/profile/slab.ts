/**
 * Records of one size, in buffers outside the heap that are made as they are needed. A record is known by its index; where
 * its bytes are is arithmetic. Buffers are never given back: what was needed once will be needed again.
 */
import { type Memory, memoryOf } from './memory.ts'

/** At most; a slab has a power of two of records, so that an index splits by shift and mask. */
const SLAB_BYTES = 64 * 1024 * 1024

/** Records of one size. Nothing here makes an object, but for each slab once. */
export interface Slabs {
  readonly recordBytes: number
  /** The index of a record of zeros: the one freed last, or a new one, the next whole number. */
  allocate(): number
  /** Zeroes the record, which `allocate` gave and nobody uses any more. */
  free(index: number): void
  /** The slab that the record lies in. Throws for an index that `allocate` never gave. */
  memory(index: number): Memory
  /** Where the record begins in its slab, in bytes. */
  offset(index: number): number
}

/** No records yet. `recordBytes` is a multiple of four. */
export function slabsOf(recordBytes: number): Slabs {
  const shift = Math.floor(Math.log2(SLAB_BYTES / recordBytes))
  const mask = 2 ** shift - 1
  const slabs: Memory[] = []
  let made = 0
  // One more than the index of the record freed last, which holds that of the one freed before it: zero ends the list.
  let freed = 0

  function memory(index: number): Memory {
    const slab = slabs[index >>> shift]
    if (slab === undefined) {
      throw new RangeError(`no record ${index} of ${made}`)
    }
    return slab
  }

  function offset(index: number): number {
    return (index & mask) * recordBytes
  }

  return {
    recordBytes,
    allocate: () => {
      if (freed !== 0) {
        const index = freed - 1
        const { u32 } = memory(index)
        const at = offset(index) >>> 2
        freed = u32[at] ?? 0
        u32[at] = 0
        return index
      }
      if (made >>> shift === slabs.length) {
        slabs.push(memoryOf(new ArrayBuffer(2 ** shift * recordBytes)))
      }
      made += 1
      return made - 1
    },
    free: (index) => {
      const { u8, u32 } = memory(index)
      const start = offset(index)
      u8.fill(0, start, start + recordBytes)
      u32[start >>> 2] = freed
      freed = index + 1
    },
    memory,
    offset,
  }
}
