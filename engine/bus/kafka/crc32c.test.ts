import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'

/** One bit at a time, straight from the definition. */
function bytewise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
    }
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

describe('crc32c', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 0],
    ['the check value of the catalogue of CRCs', Buffer.from('123456789'), 0xe306_9283],
    ['one letter', Buffer.from('a'), 0xc1d0_4330],
    // RFC 3720, B.4.
    ['32 zeros', Buffer.alloc(32), 0x8a91_36aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8_ab43],
    ['32 rising bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd_794e],
    ['32 falling bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113f_db5c],
    [
      'an iSCSI command',
      Buffer.from(
        '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
        'hex',
      ),
      0xd996_3a56,
    ],
  ])('knows the checksum of %s', (_, bytes, checksum) => {
    expect(crc32c(bytes)).toBe(checksum)
  })

  it('is right at every alignment and every length', () => {
    const bytes = Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 151 + 17) % 256))
    for (let from = 0; from <= 16; from += 1) {
      for (let to = from; to <= bytes.length; to += 1) {
        expect(crc32c(bytes, from, to)).toBe(bytewise(bytes.subarray(from, to)))
        expect(crc32c(bytes.subarray(from, to))).toBe(bytewise(bytes.subarray(from, to)))
      }
    }
  })

  it('is right for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        expect(crc32c(bytes)).toBe(bytewise(bytes))
      }),
    )
  })
})
