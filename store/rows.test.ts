import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeRows, normalised, withoutLoneSurrogates } from './rows.ts'

const text = (row: Uint8Array | undefined) => (row === undefined ? undefined : Buffer.from(row).toString('utf8'))
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Reads what `encodeRows` wrote, by the definition of RowBinary. */
function decodeRows(buffer: Buffer): { batchId: string; version: bigint; row: string }[] {
  let at = 0
  const string = (): string => {
    let length = 0
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = buffer[at++] as number
      length += (byte & 127) * 2 ** shift
      more = byte > 127
    }
    at += length
    return buffer.toString('utf8', at - length, at)
  }
  const rows = []
  while (at < buffer.length) {
    const batchId = string()
    const version = buffer.readBigUInt64LE(at)
    at += 8
    rows.push({ batchId, version, row: string() })
  }
  return rows
}

describe('encodeRows', () => {
  it('writes each row whole, with the batch and a version of its own', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.integer({ min: 100, max: 40_000 }).map((length) => 'é'.repeat(length)),
          ),
        ),
        fc.integer({ min: 0, max: 2 ** 53 - 10_000 }),
        (rows, first) => {
          const bytes = encodeRows(
            'batch-1',
            first,
            rows.map((row) => Buffer.from(row)),
            Buffer.allocUnsafe,
          )
          const expected = rows.map((row, index) => ({
            batchId: 'batch-1',
            version: BigInt(first + index),
            row: Buffer.from(row).toString('utf8'),
          }))
          expect(decodeRows(bytes)).toEqual(expected)
        },
      ),
    )
  })
})

describe('withoutLoneSurrogates', () => {
  it('leaves rows alone that have none', () => {
    const row = Buffer.from(JSON.stringify({ a: 'smile 😀', b: '\\ud800 in words' }))
    const [same, other] = withoutLoneSurrogates([Buffer.from('{"a":1}'), row])
    expect(text(same)).toBe('{"a":1}')
    expect(text(other)).toBe(row.toString())
  })

  it('keeps the rest of every row, whatever its keys and values are', () => {
    let met = 0
    const strings = fc.string({
      unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', '\udc00', '\\', '\\u', 'd800', '"')),
    })
    fc.assert(
      fc.property(fc.dictionary(strings, strings), (record) => {
        const json = JSON.stringify(record)
        const [row] = withoutLoneSurrogates([Buffer.from(json)])
        met += LONE.test(JSON.stringify(Object.entries(record)).replace(/\\u/g, '')) || json.includes('\\ud') ? 1 : 0
        const entries = Object.entries(JSON.parse(text(row) as string))
        const expected = Object.entries(record).map(([key, value]) => [wellFormed(key), wellFormed(value as string)])
        expect(new Map(entries as [string, string][])).toEqual(new Map(expected as [string, string][]))
      }),
    )
    expect(met).toBeGreaterThan(10)
  })
})

function wellFormed(value: string): string {
  return value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
}

describe('normalised', () => {
  it.each([
    ['{"a":1e999}', '{"a":null}'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"a":100000000000000000000}', '{"a":1e+20}'],
    ['{"a":-18446744073709551616}', '{"a":-1.8446744073709552e+19}'],
    ['{"a":"\\ud800"}', '{"a":"\\ufffd"}'],
    ['{"a":9007199254740993}', '{"a":9007199254740992}'],
  ])('writes %s as %s', (row, expected) => {
    expect(text(normalised(Buffer.from(row)))).toBe(expected)
  })

  it('says when a row is no JSON', () => {
    expect(normalised(Buffer.from('{"a":'))).toBeUndefined()
    expect(normalised(Buffer.from([0xff, 0xfe]))).toBeUndefined()
  })
})
