/** Mixing the bits of hashes, so that places in tables are spread whatever the hash is like. */

/**
 * A u32 whose every bit depends on all bits of `hash` (the finalizer of MurmurHash3, Appleby 2011). One to one; no
 * defence against somebody who chooses names so that they collide: what that costs is said where it is used.
 */
export function mix32(hash: number): number {
  let mixed = hash | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
