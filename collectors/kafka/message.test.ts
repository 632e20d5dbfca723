import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { encodeWithLibrary } from '../otlp/oracle.ts'
import { type MessageForm, readMessage } from './message.ts'

const MEBIBYTE = 1024 * 1024
const PROTO: MessageForm = { signal: 'traces', encoding: 'otlp_proto', messageBytes: 16 * MEBIBYTE }
const JSON_FORM: MessageForm = { ...PROTO, encoding: 'otlp_json' }

const bytes = (...values: number[]) => Buffer.from(values)
const traces = (...spans: object[]) =>
  Buffer.from(encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] }))
const logs = (...logRecords: object[]) =>
  Buffer.from(encodeWithLibrary('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
const GOOD = traces({ name: 'good', spanId: Buffer.alloc(8, 1) })
/** What makes a span one, in JSON. */
const STARTED = '"startTimeUnixNano":"1000000"'
const json = (spans: string) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":${spans}}]}]}`)
const field = (number: number, body: Uint8Array): Buffer => {
  const length: number[] = []
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128)
    if (rest < 128) {
      return Buffer.concat([bytes(number * 8 + 2, ...length), body])
    }
  }
}
/** Field 7 of a span, when it started. */
const START = Buffer.concat([bytes(7 * 8 + 1), Buffer.alloc(8, 1)])
const span = (body: Uint8Array) => field(1, field(2, field(2, Buffer.concat([START, body]))))
/** A value that is a list of a list of a list. */
const nested = (levels: number): Buffer => {
  let value: Buffer = Buffer.alloc(0)
  for (let level = 0; level < levels; level += 1) {
    value = field(5, field(1, value))
  }
  return value
}
const attribute = (value: Uint8Array) => field(9, Buffer.concat([field(1, Buffer.from('k')), field(2, value)]))

const readAs = (value: Uint8Array | undefined, form: MessageForm) => {
  const { records, rejected, unusable } = readMessage(value, form)
  return { records: records.length, rejected, unusable }
}
const isUseless = (reason: string, detail: unknown) => ({
  records: 0,
  rejected: [{ reason, records: 1 }],
  unusable: { reason, detail },
})
const UNDECODABLE = isUseless('undecodable-request', expect.any(String))

describe('a message of one record at least', () => {
  it.each([
    ['protobuf', GOOD, PROTO],
    ['JSON', json(`[{${STARTED}}]`), JSON_FORM],
    ['JSON behind a byte order mark', Buffer.concat([bytes(0xef, 0xbb, 0xbf), json(`[{${STARTED}}]`)]), JSON_FORM],
    ['logs', logs({ severityText: 'x' }), { ...PROTO, signal: 'logs' }],
  ] as const)('is read: %s', (_what, value, form) => {
    expect(readAs(value, form)).toEqual({ records: 1, rejected: [], unusable: undefined })
  })

  it('is read from memory that it shares with its neighbours', () => {
    const shared = Buffer.concat([GOOD, GOOD, GOOD])
    expect(readAs(shared.subarray(GOOD.length, 2 * GOOD.length), PROTO).records).toBe(1)
  })

  it('loses the records that cannot be read, counted one by one', () => {
    const value = json(`[{${STARTED}},{"traceId":"x"},{"traceId":"y"},7]`)
    const rejected = [
      { reason: 'invalid-trace-id', records: 2 },
      { reason: 'malformed-record', records: 1 },
    ]
    expect(readAs(value, JSON_FORM)).toEqual({ records: 1, rejected, unusable: undefined })
  })

  it('is of no use when that is all of them', () => {
    expect(readAs(json('[{"traceId":"x"},{"traceId":"y"}]'), JSON_FORM)).toEqual({
      records: 0,
      rejected: [{ reason: 'invalid-trace-id', records: 2 }],
      unusable: { reason: 'invalid-trace-id', detail: 'none of its traces can be read' },
    })
  })
})

describe('a message of no use counts as one record', () => {
  it('a tombstone', () => {
    const detail = 'a tombstone: the message has no value'
    expect(readAs(undefined, PROTO)).toEqual(isUseless('no-value', detail))
  })

  it('one that is larger than allowed, which is not looked at', () => {
    const detail = '1001 bytes, of at most 1000'
    expect(readAs(Buffer.alloc(1001), { ...PROTO, messageBytes: 1000 })).toEqual(isUseless('too-large', detail))
  })

  it.each([
    ['no bytes', Buffer.alloc(0), PROTO],
    ['an empty object', Buffer.from('{}'), JSON_FORM],
    ['groups without spans', Buffer.from('{"resourceSpans":[{"scopeSpans":[]}]}'), JSON_FORM],
    ['logs, where traces are expected', Buffer.from('{"resourceLogs":[{}]}'), JSON_FORM],
    ['fields that nobody knows', Buffer.alloc(4 * MEBIBYTE, bytes(0x9a, 0x06, 0x01, 0x00)), PROTO],
  ] as const)('one without records: %s', (_what, value, form) => {
    const detail = 'no traces in it: of another signal or encoding, or empty'
    expect(readAs(value, form)).toEqual(isUseless('no-records', detail))
  })

  it.each([
    ['logs in protobuf, where traces are expected', logs({ timeUnixNano: '1', severityText: 'x' }), PROTO],
    ['logs of which some are no spans either', logs({ timeUnixNano: '1' }, { traceId: Buffer.alloc(3) }), PROTO],
    ['traces in protobuf, where logs are expected', traces({ name: 'chat model' }), { ...PROTO, signal: 'logs' }],
  ] as const)('one of the other signal: %s', (_what, value, form) => {
    expect(readAs(value, form)).toMatchObject({ records: 0, rejected: [{ records: 1 }], unusable: expect.anything() })
  })

  it.each([
    ['text', 'hello'],
    ['JSON', json(`[{${STARTED}}]`)],
    ['gzip, which Kafka uses for batches and never for values', gzipSync(GOOD)],
    ['a field number of 0', bytes(0x02, 0x01, 0x00)],
    ['wire type 3', bytes(0x0b)],
    ['wire type 4', bytes(0x0c)],
    ['wire type 6', bytes(0x0e)],
    ['wire type 7', bytes(0x0f)],
    ['a varint of 11 bytes', bytes(0x0a, ...Array(10).fill(0xff), 0x01)],
    ['a length beyond the end', bytes(0x0a, 0x7f, 0x00)],
    ['one byte', bytes(0x0a)],
  ])('one that is no OTLP in protobuf: %s', (_what, value) => {
    expect(readAs(Buffer.from(value), PROTO)).toEqual(UNDECODABLE)
  })

  it.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['UTF-16', Buffer.from('{"resourceSpans":[]}', 'utf16le')],
    ['a comma too many', '{"resourceSpans":[],}'],
    ['NaN', '{"resourceSpans":NaN}'],
    ['a request on each line', '{"resourceSpans":[]}\n{"resourceSpans":[]}'],
    ['groups that are no list', '{"resourceSpans":{"length":1}}'],
    ['65 levels', '['.repeat(65)],
    ['five million levels', '['.repeat(5_000_000)],
    ['protobuf', GOOD],
    ['gzip', gzipSync('{"resourceSpans":[]}')],
  ])('one that is no OTLP in JSON: %s', (_what, value) => {
    expect(readAs(Buffer.from(value), JSON_FORM)).toEqual(UNDECODABLE)
  })

  it('whose reason and detail repeat nothing of what it holds', () => {
    const { unusable } = readMessage(Buffer.from('{"password":"hunter2"'), JSON_FORM)
    expect(JSON.stringify(unusable)).not.toContain('hunter2')
  })
})

describe('a message that would become much more than it is', () => {
  it('gives as many records as a request may have; the rest is rejected, with a count', () => {
    const value = field(1, field(2, Buffer.concat([field(2, START), Buffer.alloc(16_000_000, bytes(0x12, 0x00))])))
    expect(readAs(value, PROTO)).toEqual({
      records: 20_000,
      rejected: [{ reason: 'too-many-records', records: 7_980_001 }],
      unusable: undefined,
    })
  })

  it.each([
    ['attributes nested 20,000 deep', span(attribute(nested(20_000))), PROTO],
    ['a million empty events', span(Buffer.alloc(2_000_000, bytes(0x5a, 0x00))), PROTO],
    ['a text of almost 16 MiB', span(attribute(field(1, Buffer.alloc(16 * MEBIBYTE - 100, 'x')))), PROTO],
    [
      '200,000 keys',
      json(`[{${STARTED},${Array.from({ length: 200_000 }, (_, index) => `"k${index}":0`).join(',')}}]`),
      JSON_FORM,
    ],
    [
      'keys that are more than keys',
      json('[{"__proto__":{"a":1},"constructor":{"prototype":{}},"spanId":"0102030405060708"}]'),
      JSON_FORM,
    ],
  ] as const)('%s: one record, within limits', (_what, value, form) => {
    const { records, heapBytes } = readMessage(value, form)
    expect(records).toHaveLength(1)
    expect(heapBytes).toBeLessThan(70_000_000)
    expect(({} as { a?: number }).a).toBeUndefined()
  })
})
