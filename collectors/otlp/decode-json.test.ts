import { describe, expect, it } from 'vitest'
import { Rejected } from '../../schema/errors.ts'
import { decodeOtlp } from './decode.ts'
import type { DecodeLimits } from './limits.ts'
import type { LogRecord, Span } from './records.ts'

const decodeText = (body: string | Uint8Array, limits: Partial<DecodeLimits> = {}) =>
  decodeOtlp(typeof body === 'string' ? Buffer.from(body) : body, { signal: 'traces', encoding: 'json', limits })
const requestOf = (...spans: unknown[]) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const only = (span: object, limits?: Partial<DecodeLimits>) => {
  const decoded = decodeText(requestOf(span), limits)
  return { ...decoded, span: decoded.records[0] as Span }
}
const decodedValue = (value: unknown) => only({ attributes: [{ key: 'k', value }] }).span.attributes.get('k')

describe('bodies that are not OTLP/JSON', () => {
  it.each([
    ['empty', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['a trailing comma', '{"resourceSpans":[],}'],
    ['a bare NaN', '{"resourceSpans":NaN}'],
    ['UTF-16', Buffer.from('{"resourceSpans":[]}', 'utf16le')],
    ['truncated', requestOf({ name: 'x' }).slice(0, -3)],
    ['two values', '{}{}'],
    ['groups that are no list', '{"resourceSpans":{}}'],
    ['groups that are no objects', '{"resourceSpans":[5]}'],
    ['scopes that are no list', '{"resourceSpans":[{"scopeSpans":"x"}]}'],
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`],
  ])('%s', (_name, body) => {
    expect(() => decodeText(body)).toThrow(Rejected)
  })

  it('that nest five million levels deep', () => {
    expect(() => decodeText('['.repeat(5_000_000))).toThrow(/nested deeper than 64 levels/)
  })

  it('that are made of five million values', () => {
    expect(() => decodeText(`{"resourceSpans":[${'{},'.repeat(5_000_000)}{}]}`)).toThrow(/more than 2000000 values/)
  })

  it('are not repeated in the message', () => {
    expect(() => decodeText('{"secret-token": oops}')).toThrow(/^not OTLP traces as json: not valid JSON$/)
  })
})

describe('bodies that are', () => {
  it.each([
    ['an empty object', '{}'],
    ['a key twice', '{"resourceSpans":[{}],"resourceSpans":[]}'],
    ['null for a list', '{"resourceSpans":null}'],
    ['a byte order mark', '\ufeff{"resourceSpans":[]}'],
    ['unknown fields', '{"resource_spans":[{"scope_spans":[{"spans":[{}]}]}],"__proto__":{"x":1}}'],
    ['64 levels', `{"x":${'['.repeat(63)}${']'.repeat(63)}}`],
    ['brackets inside strings', `{"x":"${'['.repeat(100)}\\\\\\"${'['.repeat(100)}"}`],
  ])('%s', (_name, body) => {
    expect(decodeText(body)).toMatchObject({ records: [], rejected: [], warnings: [] })
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

describe('a record', () => {
  it('that is no object is rejected alone', () => {
    const decoded = decodeText(requestOf({ name: 'a' }, 5, null, 'x', { name: 'b' }))
    expect(decoded.records.map((record) => (record as Span).name)).toEqual(['a', 'b'])
    expect(decoded.rejected).toEqual([{ reason: 'malformed-record', records: 3 }])
  })

  it.each([
    [{ traceId: 'abc' }, 'invalid-trace-id'],
    [{ traceId: 'g'.repeat(32) }, 'invalid-trace-id'],
    [{ traceId: 5 }, 'invalid-trace-id'],
    [{ traceId: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'invalid-trace-id'],
    [{ spanId: '0'.repeat(15) }, 'invalid-span-id'],
    [{ parentSpanId: '1'.repeat(17) }, 'invalid-parent-span-id'],
    [{ events: [5] }, 'malformed-record'],
  ])('with %j is rejected as %s', (span, reason) => {
    expect(decodeText(requestOf(span, {}))).toMatchObject({ records: [{}], rejected: [{ reason, records: 1 }] })
  })

  it('has hex ids in either case; empty and zero ids are absent', () => {
    expect(
      only({ traceId: 'AbCdEf0123456789aBcDeF0123456789', spanId: '', parentSpanId: '0'.repeat(16) }).span,
    ).toMatchObject({ traceId: 'abcdef0123456789abcdef0123456789', spanId: undefined, parentSpanId: undefined })
  })

  it('has enums as numbers; their names are understood too', () => {
    expect(only({ kind: 3, status: { code: 2 } }).span).toMatchObject({ kind: 3, statusCode: 2 })
    expect(only({ kind: 'SPAN_KIND_CLIENT', status: { code: 'STATUS_CODE_ERROR' } }).span).toMatchObject({
      kind: 3,
      statusCode: 2,
    })
    expect(only({ kind: 'x' })).toMatchObject({ span: { kind: 0 }, warnings: [expect.stringContaining('wrong type')] })
  })

  it('loses fields of the wrong type, and says so', () => {
    const { span, warnings } = only({ name: 5, attributes: {}, events: 'x', droppedAttributesCount: -3 })
    expect(span).toMatchObject({ name: '', attributes: new Map(), events: [], droppedAttributes: 0 })
    expect(warnings).toEqual(['3 fields held a value of the wrong type and were unset'])
  })
})

describe('a value', () => {
  it.each([
    [undefined, undefined],
    [null, undefined],
    [{}, undefined],
    [{ stringValue: null, intValue: 5 }, 5],
    [{ stringValue: '' }, ''],
    [{ string_value: 'x' }, undefined],
    [{ intValue: '5' }, 5],
    [{ intValue: -5 }, -5],
    [{ intValue: '9223372036854775807' }, 9223372036854775807n],
    [{ intValue: 9007199254740992 }, 9007199254740992n],
    [{ intValue: '9223372036854775808' }, undefined],
    [{ intValue: 'abc' }, undefined],
    [{ intValue: '' }, undefined],
    [{ intValue: ' 1' }, undefined],
    [{ intValue: '0x10' }, undefined],
    [{ intValue: '1e3' }, undefined],
    [{ intValue: 1.5 }, undefined],
    [{ intValue: '5', int_value: '6' }, 5],
    [{ doubleValue: '-0' }, -0],
    [{ doubleValue: '0.1e-400' }, 0],
    [{ doubleValue: '1e999' }, Number.POSITIVE_INFINITY],
    [{ doubleValue: 1.5 }, 1.5],
    [{ doubleValue: '1e3' }, 1000],
    [{ doubleValue: 'NaN' }, Number.NaN],
    [{ doubleValue: '-Infinity' }, Number.NEGATIVE_INFINITY],
    [{ doubleValue: 'x' }, undefined],
    [{ boolValue: false }, false],
    [{ boolValue: 'true' }, undefined],
    [{ bytesValue: 'AQI=' }, Uint8Array.from([1, 2])],
    [{ bytesValue: 'AQI' }, Uint8Array.from([1, 2])],
    [{ bytesValue: '-_8' }, Uint8Array.from([251, 255])],
    [{ bytesValue: '!!' }, undefined],
    [{ arrayValue: {} }, []],
    [{ arrayValue: { values: [{ boolValue: true }, null] } }, [true, undefined]],
    [{ arrayValue: [] }, undefined],
    [{ kvlistValue: { values: [{ key: '__proto__', value: { intValue: 1 } }] } }, new Map([['__proto__', 1]])],
    ['bare', undefined],
  ])('%j is %s', (sent, expected) => {
    expect(decodedValue(sent)).toEqual(expected)
  })

  it('with an unpaired surrogate is repaired, and the sender is told', () => {
    const { span, warnings } = only({ attributes: [{ key: 'k', value: { stringValue: 'a\ud800b' } }] })
    expect(span.attributes.get('k')).toBe('a\ufffdb')
    expect(warnings).toEqual(['1 texts were not valid UTF-8 and were repaired'])
  })

  it('keeps U+0000 and U+2028', () => {
    expect(decodedValue({ stringValue: '\u0000\u2028' })).toBe('\u0000\u2028')
  })

  it('that is too long is cut where the protobuf decoder cuts', () => {
    const { span } = only({ attributes: [{ key: 'k', value: { stringValue: 'xé€😀' } }] }, { valueBytes: 9 })
    expect(span.attributes.get('k')).toBe('xé€')
    expect(span.droppedAttributes).toBe(1)
  })

  it('that is too deep is unset', () => {
    let value: object = { stringValue: 'x' }
    for (let level = 0; level < 4; level++) {
      value = { arrayValue: { values: [value] } }
    }
    const { span } = only({ attributes: [{ key: 'k', value }] }, { valueDepth: 3 })
    expect(span.attributes.get('k')).toEqual([[undefined]])
    expect(span.droppedAttributes).toBe(1)
  })
})

describe('a time', () => {
  it.each([
    ['1795287594654191999', 1795287594654.191],
    ['0', 0],
    [undefined, 0],
    ['', 0],
    ['-1', 0],
    ['1.5', 0],
    ['x', 0],
    ['9223372036854775807', 9223372036854.775],
    ['9223372036854775808', 0],
    ['99999999999999999999', 0],
  ])('%j is %d ms', (startTimeUnixNano, expected) => {
    expect(only({ startTimeUnixNano }).span.startMs).toBe(expected)
  })

  it.each([
    // As numbers they have lost their last digits before anybody could look.
    ['1795287594654191999', 1795287594654.191],
    ['1e999', 0],
    ['-0', 0],
    ['1.5', 0],
  ])('of the bare number %s is %d ms', (number, expected) => {
    const body = requestOf({ startTimeUnixNano: 'NUMBER' }).replace('"NUMBER"', number)
    expect((decodeText(body).records[0] as Span).startMs).toBe(expected)
  })

  const logTime = (record: object) => {
    const body = Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }))
    return (decodeOtlp(body, { signal: 'logs', encoding: 'json' }).records[0] as LogRecord).timeMs
  }
  const stamp = (stringValue: string) => ({ attributes: [{ key: 'event.timestamp', value: { stringValue } }] })

  it('of a log record is its own, else when it was observed, else what an attribute says', () => {
    const all = { timeUnixNano: '3000000', observedTimeUnixNano: '2000000', ...stamp('1970-01-01T00:00:00.001Z') }
    expect(logTime(all)).toBe(3)
    expect(logTime({ ...all, timeUnixNano: 0 })).toBe(2)
    expect(logTime({ ...all, timeUnixNano: 0, observedTimeUnixNano: '0' })).toBe(1)
    expect(logTime({})).toBe(0)
  })

  it.each([
    ['2026-11-21T18:59:54.873Z', Date.UTC(2026, 10, 21, 18, 59, 54, 873)],
    ['2026-11-21T19:59:54.873+01:00', Date.UTC(2026, 10, 21, 18, 59, 54, 873)],
    ['2026-11-21T18:59:54', Date.UTC(2026, 10, 21, 18, 59, 54)],
    ['1960-01-01T00:00:00Z', 0],
    ['yesterday', 0],
    ['2026-99-99T00:00:00Z', 0],
  ])('%s in an attribute is understood whatever the time zone of this machine', (text, expected) => {
    expect(logTime(stamp(text))).toBe(expected)
  })
})
