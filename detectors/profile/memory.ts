/**
 * The bytes that profiles lie in, seen as numbers of each width.
 *
 * Statistics keep nothing elsewhere: each owns a block of a profile, of a size that it declares, and works on it in place,
 * given the memory and where its block begins. So a million agents are a few large arrays outside the heap, which no
 * collector of garbage ever walks, a checkpoint is a copy of bytes, and nothing is made for an event.
 */

/** Views of the same bytes. Numbers are as the machine has them; `isLittleEndian` must hold where bytes are kept. */
export interface Memory {
  readonly u8: Uint8Array
  readonly u16: Uint16Array
  readonly u32: Uint32Array
  readonly f32: Float32Array
}

/** Views of a whole buffer, whose size is a multiple of four bytes. */
export function memoryOf(buffer: ArrayBuffer): Memory {
  return {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
  }
}

/** All that Node runs on is; bytes written by one machine are read by another. */
export const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/**
 * What a statistic declares of itself. Its functions take the memory and the offset of its block in bytes, a multiple of
 * four. A block of zeros is a statistic that has seen nothing.
 */
export interface Block {
  /** Kebab-case, of its own; never reused once released. */
  readonly name: string
  /** Raise when the bytes mean something else: blocks of another version begin anew, the others of the profile stay. */
  readonly version: number
  /** A multiple of four. */
  readonly bytes: number
}
