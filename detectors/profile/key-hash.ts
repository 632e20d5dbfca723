/**
 * 64-bit identities of agents from their keys: HalfSipHash-2-4 (Aumasson and Bernstein, SipHash, Indocrypt 2012; the
 * 32-bit variant of the reference implementation), over the UTF-16 code units of the key, lower byte first.
 *
 * Two of a million agents share an identity with a chance of 3 in 10^8, and then also a profile. Nobody who does not know the
 * secret can look for a key that shares the identity of another tenant's agent. 64 bits: who does know it needs 2^32 tries
 * for two keys of his own.
 */

/** Two u32, the same for all processes that read one another's checkpoints. */
export type Secret = readonly [low: number, high: number]

/** Writes the identity of a key, its low half first, to the first two places of `identity`. Makes no object. */
export function hashKey(key: string, [low, high]: Secret, identity: Uint32Array): void {
  let v0 = low | 0
  let v1 = high ^ 0xee
  let v2 = 0x6c796765 ^ low
  let v3 = 0x74656462 ^ high
  const blocks = (key.length >> 1) + 1
  // The last block holds the length, and after it come the two halves of the result: in one loop, because rounds in a
  // function of their own would have to keep the four numbers in memory.
  for (let step = 0; step < blocks + 2; step += 1) {
    const isBlock = step < blocks
    const word = isBlock ? wordAt(key, 2 * step) : 0
    v3 ^= word
    for (let round = isBlock ? 2 : 4; round > 0; round -= 1) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
    if (step === blocks - 1) {
      v2 ^= 0xee
    }
    if (!isBlock) {
      identity[step - blocks] = v1 ^ v3
      v1 ^= 0xdd
    }
  }
}

/** Two code units, or what is left of them with the length of the key in bytes on top. */
function wordAt(key: string, at: number): number {
  if (at + 1 < key.length) {
    return key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16)
  }
  return ((key.length * 2) << 24) | (at < key.length ? key.charCodeAt(at) : 0)
}
