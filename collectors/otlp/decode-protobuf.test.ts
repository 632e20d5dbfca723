import { describe, expect, it } from 'vitest'
import { Rejected } from '../../schema/errors.ts'
import { decodeOtlp } from './decode.ts'
import type { DecodeLimits } from './limits.ts'
import { encodeWithLibrary } from './oracle.ts'
import type { AttributeValue, Span } from './records.ts'

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >> 7)])
/** A length-delimited field. */
const field = (number: number, ...content: (number | number[])[]): number[] => {
  const bytes = content.flat()
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]
}
/** A traces request of one resource and one scope. */
const request = (...spans: number[][]) =>
  Uint8Array.from(
    field(
      1,
      field(
        2,
        spans.flatMap((span) => field(2, span)),
      ),
    ),
  )
const NAMED = field(5, [...Buffer.from('good')])

const decode = (body: Uint8Array, limits: Partial<DecodeLimits> = {}) =>
  decodeOtlp(body, { signal: 'traces', encoding: 'protobuf', limits })
const encode = (...spans: object[]) => encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
const only = (body: Uint8Array, limits?: Partial<DecodeLimits>) => {
  const decoded = decode(body, limits)
  return { ...decoded, span: decoded.records[0] as Span }
}
const attribute = (key: string, value: object) => ({ key, value })
const numbered = (length: number) =>
  Array.from({ length }, (_, index) => attribute(`key-${index}`, { intValue: String(index) }))

describe('a bad record', () => {
  const anyValue = (...content: number[]) => field(9, field(1, 0x6b), field(2, content))
  const cases: [string, number[], string][] = [
    ['a trace id of 15 bytes', field(1, new Array(15).fill(1)), 'invalid-trace-id'],
    ['a trace id of 1000 bytes', field(1, new Array(1000).fill(1)), 'invalid-trace-id'],
    ['a span id of 1 byte', field(2, 7), 'invalid-span-id'],
    ['a parent id of 9 bytes', field(4, new Array(9).fill(1)), 'invalid-parent-span-id'],
    ['a length beyond the span', [0x2a, 100, 0x61], 'malformed-record'],
    ['a length beyond 32 bits', [0x2a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 'malformed-record'],
    ['a negative length', [0x2a, ...new Array(9).fill(0xff), 0x01], 'malformed-record'],
    ['a varint of 11 bytes', [0x30, ...new Array(10).fill(0x80), 0x01], 'malformed-record'],
    ['a varint without end', [0x30, 0x80], 'malformed-record'],
    ['field number 0', [0x02, 0x00], 'malformed-record'],
    ['wire type 3 (group)', [0x2b, 0x2c], 'malformed-record'],
    ['wire type 6', [0x2e], 'malformed-record'],
    ['wire type 7', [0x2f], 'malformed-record'],
    ['a time of 4 bytes', [0x39, 1, 2, 3, 4], 'malformed-record'],
    ['a garbled attribute value', anyValue(0x0a, 0x7f), 'malformed-record'],
    ['a double of 3 bytes', anyValue(0x21, 1, 2, 3), 'malformed-record'],
    ['a garbled event', field(11, 0x12, 0x7f), 'malformed-record'],
    ['a garbled status', field(15, 0x12, 0x7f), 'malformed-record'],
  ]

  it.each(cases)('with %s is rejected alone', (_name, bad, reason) => {
    const decoded = decode(request(NAMED, bad, NAMED))
    expect(decoded.records.map((span) => (span as Span).name)).toEqual(['good', 'good'])
    expect(decoded.rejected).toEqual([{ reason, records: 1 }])
  })

  it('of a resource that is garbled is rejected, and other resources are not touched', () => {
    const garbled = field(1, [...field(1, 0x0a, 0x7f), ...field(2, [...field(2, NAMED), ...field(2, NAMED)])])
    const decoded = decode(Uint8Array.from([...garbled, ...request(NAMED)]))
    expect(decoded.rejected).toEqual([{ reason: 'malformed-resource', records: 2 }])
    expect(decoded.records.length).toBe(1)
  })
})

describe('a bad envelope', () => {
  const cases: [string, Uint8Array][] = [
    ['text', Buffer.from('<html>404</html>')],
    ['JSON', Buffer.from('{"resourceSpans":[]}')],
    ['a truncated request', request(NAMED).subarray(0, -1)],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
    ['a group that lies about its length', Uint8Array.from([0x0a, 3, 0x12, 9, 0])],
  ]
  it.each(cases)('%s is undecodable as a whole', (_name, body) => {
    expect(() => decode(body)).toThrow(Rejected)
  })

  it('does not exist when the request is empty', () => {
    expect(decode(new Uint8Array())).toMatchObject({ records: [], rejected: [], warnings: [] })
  })
})

describe('unusual but valid protobuf', () => {
  it('of unknown fields, and of known fields with another wire type, is skipped', () => {
    const unknown = [
      ...field(99, 1, 2, 3),
      0x98,
      0x06,
      0x05,
      0x9d,
      0x06,
      1,
      2,
      3,
      4,
      0x99,
      0x06,
      ...new Array(8).fill(1),
    ]
    const wrongType = [0x08, 0x01, 0x32, 0x01, 0x00]
    const { span } = only(request([...unknown, ...wrongType, ...NAMED]))
    expect(span).toMatchObject({ name: 'good', traceId: undefined, kind: 0 })
  })

  it('with the resource behind its spans names it all the same', () => {
    const service = field(1, [...field(1, [...Buffer.from('service.name')]), ...field(2, field(1, 0x78))])
    const body = Uint8Array.from(field(1, [...field(2, field(2, NAMED)), ...field(1, service)]))
    expect(only(body).span.resource.attributes).toEqual(new Map([['service.name', 'x']]))
  })

  it('with the value before its key keeps both', () => {
    const { span } = only(request(field(9, [...field(2, field(1, 0x76)), ...field(1, 0x6b)])))
    expect(span.attributes).toEqual(new Map([['k', 'v']]))
  })

  it('repeats a key: the last one wins', () => {
    const { span } = only(
      encode({ attributes: [attribute('k', { intValue: '1' }), attribute('k', { stringValue: 'x' })] }),
    )
    expect(span.attributes).toEqual(new Map([['k', 'x']]))
    expect(span.droppedAttributes).toBe(0)
  })

  it('has ids that are all zero: they are absent', () => {
    expect(only(encode({ traceId: new Uint8Array(16), spanId: new Uint8Array(8) })).span).toMatchObject({
      traceId: undefined,
      spanId: undefined,
    })
  })

  it('has integers that a number cannot hold: they are bigints, others never are', () => {
    const values = [
      '9007199254740991',
      '9007199254740992',
      '-9007199254740993',
      '-1',
      '0',
      '268435456',
      '562949953421312',
    ]
    const attributes = values.map((intValue) => attribute(intValue, { intValue }))
    for (const [name, value] of only(encode({ attributes })).span.attributes) {
      expect(String(value)).toBe(name)
      expect(typeof value).toBe(Number.isSafeInteger(Number(name)) ? 'number' : 'bigint')
    }
  })

  it('has keys that mean something to JavaScript: they are keys', () => {
    const names = ['__proto__', 'constructor.prototype.x', 'toString', 'then', 'length']
    const { span } = only(encode({ attributes: names.map((name) => attribute(name, { stringValue: 'x' })) }))
    expect([...span.attributes.keys()]).toEqual(names)
    expect(({} as { x?: string }).x).toBeUndefined()
  })
})

describe('invalid UTF-8', () => {
  it('is repaired in names, values and keys, and the sender is told', () => {
    const bad = field(9, [...field(1, 0x6b, 0xff), ...field(2, field(1, 0x61, 0xc3, 0x28))])
    const { span, warnings } = only(request([...field(5, 0xff, 0x6e), ...bad]))
    expect(span.name).toBe('\ufffdn')
    expect(span.attributes).toEqual(new Map([['k\ufffd', 'a\ufffd(']]))
    expect(warnings).toEqual(['3 texts were not valid UTF-8 and were repaired'])
  })

  it('is not suspected where U+FFFD was sent as such', () => {
    const { span, warnings } = only(encode({ name: 'a\ufffdb' }))
    expect(span.name).toBe('a\ufffdb')
    expect(warnings).toEqual([])
  })
})

describe('limits', () => {
  it('on records reject the rest, with a count', () => {
    const decoded = decode(request(NAMED, NAMED, NAMED), { records: 2 })
    expect(decoded.records.length).toBe(2)
    expect(decoded.rejected).toEqual([{ reason: 'too-many-records', records: 1 }])
  })

  it('hold for a million empty spans', () => {
    const spans = new Uint8Array(2_000_000)
    for (let index = 0; index < spans.length; index += 2) {
      spans[index] = 0x12
    }
    const scoped = [0x12, ...varint(spans.length)]
    const head = [0x0a, ...varint(scoped.length + spans.length), ...scoped]
    const decoded = decode(Buffer.concat([Uint8Array.from(head), spans]))
    expect(decoded.records.length).toBe(20_000)
    expect(decoded.rejected).toEqual([{ reason: 'too-many-records', records: 980_000 }])
  })

  it('on attributes drop and count the rest, but let a known key change', () => {
    const attributes = [...numbered(130), attribute('key-0', { intValue: '77' })]
    const { span, warnings } = only(encode({ attributes, droppedAttributesCount: 5 }))
    expect(span.attributes.size).toBe(128)
    expect(span.attributes.get('key-0')).toBe(77)
    expect(span.droppedAttributes).toBe(7)
    expect(warnings).toEqual(['2 attributes beyond the limit for one record were dropped'])
  })

  it('on keys drop the attribute', () => {
    const { span, warnings } = only(
      encode({ attributes: [attribute('k'.repeat(257), {}), attribute('', {}), attribute('k'.repeat(256), {})] }),
    )
    expect(span.attributes.size).toBe(1)
    expect(span.droppedAttributes).toBe(2)
    expect(warnings).toEqual(['2 attributes without a key, or with one that is too long, were dropped'])
  })

  it('on texts cut at a character', () => {
    const { span, warnings } = only(encode({ attributes: [attribute('k', { stringValue: `${'x'.repeat(9)}é` })] }), {
      valueBytes: 10,
    })
    expect(span.attributes.get('k')).toBe('x'.repeat(9))
    expect(span.droppedAttributes).toBe(1)
    expect(warnings).toEqual(['1 values were too long and were cut'])
  })

  it('on bytes cut', () => {
    const bytesValue = Uint8Array.from([1, 2, 3])
    expect(only(encode({ attributes: [attribute('k', { bytesValue })] }), { valueBytes: 2 }).span.attributes).toEqual(
      new Map([['k', Uint8Array.from([1, 2])]]),
    )
  })

  it('on events drop the rest', () => {
    const events = Array.from({ length: 130 }, (_, index) => ({ name: `event-${index}` }))
    const { span, warnings } = only(encode({ events }))
    expect(span.events.length).toBe(128)
    expect(warnings).toEqual(['2 span events beyond the limit were dropped'])
  })

  it.each([15, 16, 17, 50, 1000, 20_000])('on depth unset what lies deeper: %i levels', (levels) => {
    let value = Buffer.from(field(1, 0x78))
    for (let level = 1; level < levels; level++) {
      for (const wrapping of [1, 5]) {
        value = Buffer.concat([Buffer.from([wrapping * 8 + 2, ...varint(value.length)]), value])
      }
    }
    const { span } = only(request([...field(9, [...field(1, 0x6b), ...field(2, [...value])]), ...NAMED]))
    expect(depthOf(span.attributes.get('k'))).toBe(Math.min(levels, 16))
    expect(span.name).toBe('good')
    expect(span.droppedAttributes).toBe(levels > 16 ? 1 : 0)
  })

  it('on values of a whole request drop list items and attributes', () => {
    const items = { arrayValue: { values: new Array(50).fill({ boolValue: true }) } }
    const { span } = only(encode({ attributes: [attribute('list', items), attribute('late', {})] }), { values: 11 })
    expect(span.attributes).toEqual(new Map([['list', new Array(10).fill(true)]]))
    expect(span.droppedAttributes).toBe(41)
  })

  function depthOf(value: AttributeValue): number {
    return Array.isArray(value) && value.length > 0 ? 1 + depthOf(value[0]) : 1
  }
})
