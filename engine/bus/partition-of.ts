/** Which partition a key belongs to, on every bus: FNV-1a over its UTF-16 units, mixed, modulo. Changing it moves keys away from their state. */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) {
    return 0
  }
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  // FNV's low bits are its weak ones, and they are all that a small modulus looks at.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions
}
