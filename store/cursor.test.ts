import { describe, expect, it } from 'vitest'
import { Rejected } from '../schema/errors.ts'
import { readCursor, writeCursor } from './cursor.ts'

describe('a cursor', () => {
  const cursor = writeCursor('events', 'acme', { timeMs: 1_790_000_000_123, id: "a'; DROP" })

  it('comes back as the position it was made of', () => {
    expect(readCursor('events', 'acme', cursor)).toEqual({ timeMs: 1_790_000_000_123, id: "a'; DROP" })
  })

  it.each(['漢'.repeat(256), '\ud800'.repeat(256), `"\\`.repeat(128)])(
    'holds the longest ids that there are (%#)',
    (id) => {
      const position = { timeMs: 1_790_000_000_123, id }
      expect(readCursor('agents', 'acme', writeCursor('agents', 'acme', position))).toEqual(position)
    },
  )

  it.each([
    ['events', 'other', cursor],
    ['alerts', 'acme', cursor],
    ['events', 'acme', ''],
    ['events', 'acme', 'x'.repeat(5000)],
    ['events', 'acme', Buffer.from('null').toString('base64url')],
    ['events', 'acme', Buffer.from('["x",1,"a"]').toString('base64url')],
    ['events', 'acme', `${cursor}'`],
  ])('is refused where it does not belong (%s of %s)', (listing, tenant, foreign) => {
    expect(() => readCursor(listing, tenant, foreign)).toThrow(Rejected)
  })
})
