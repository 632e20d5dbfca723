import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeaders, encodeHeaders } from './record-headers.ts'

describe('headers of records', () => {
  it('give back what was written', () => {
    const name = fc.string({ unit: 'grapheme-ascii', maxLength: 60 }).filter((each) => each !== '__proto__')
    const headers = fc.dictionary(name, fc.uint8Array({ maxLength: 63 }), { maxKeys: 10 })
    fc.assert(
      fc.property(headers, (written) => {
        const found = [...decodeHeaders(encodeHeaders(written))].map(([each, value]) => [each, new Uint8Array(value)])
        expect(Object.fromEntries(found)).toEqual({ ...written })
      }),
    )
  })

  it('that are damaged are none, or those before the damage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(decodeHeaders(bytes).size).toBeLessThanOrEqual(bytes.length)
      }),
    )
    expect(decodeHeaders(undefined).size).toBe(0)
  })
})
