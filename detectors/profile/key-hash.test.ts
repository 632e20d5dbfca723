import { describe, expect, it } from 'vitest'
import { hashKey } from './key-hash.ts'

describe('hashKey', () => {
  it('agrees with the published vectors of HalfSipHash-2-4', () => {
    // The bytes 0, 1, 2, ... as code units, under the key 00 01 ... 07.
    expect(identityOf('')).toBe('218d1f59b9b83cc8')
    expect(identityOf('\u0100')).toBe('064f39ef7c50eb57')
    expect(identityOf('\u0100\u0302')).toBe('d5e78a175be52ea1')
    expect(identityOf('\u0100\u0302\u0504')).toBe('ce3e91358aa2bc25')
  })

  it('tells near keys apart, and depends on the secret', () => {
    const keys = [
      'agent-1',
      'agent-2',
      'agent-1\0',
      '',
      '\0',
      '\0\0',
      '\ud800',
      '\udc00',
      'x'.repeat(129),
      'x'.repeat(257),
    ]
    const identities = keys.flatMap((key) => [identityOf(key), identityOf(key, [0, 0]), identityOf(key, [1, 0])])
    expect(new Set(identities).size).toBe(3 * keys.length)
  })
})

function identityOf(key: string, secret: readonly [number, number] = [0x03020100, 0x07060504]): string {
  const identity = new Uint32Array(2)
  hashKey(key, secret, identity)
  return Buffer.from(identity.buffer).toString('hex')
}
