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
  v0 = low | 0
  v1 = high ^ 0xee
  v2 = 0x6c796765 ^ low
  v3 = 0x74656462 ^ high
  const paired = key.length & ~1
  for (let at = 0; at < paired; at += 2) {
    absorb(key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16))
  }
  const rest = key.length === paired ? 0 : key.charCodeAt(paired)
  absorb(((key.length * 2) << 24) | rest)
  v2 ^= 0xee
  mix()
  mix()
  mix()
  mix()
  identity[0] = v1 ^ v3
  v1 ^= 0xdd
  mix()
  mix()
  mix()
  mix()
  identity[1] = v1 ^ v3
}

// Of the module, since what returns four numbers makes an object.
let v0 = 0
let v1 = 0
let v2 = 0
let v3 = 0

function absorb(word: number): void {
  v3 ^= word
  mix()
  mix()
  v0 ^= word
}

function mix(): void {
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
