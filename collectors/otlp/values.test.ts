import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logRecord, spanRecord } from '../../test/otlp-records.ts'
import {
  asJson,
  bool,
  cutText,
  DEPTH_LIMIT,
  eventName,
  field,
  fieldLabel,
  firstCount,
  firstLabel,
  isPlaceholder,
  jsonText,
  label,
  labels,
  num,
  plain,
  serviceName,
  TEXT_LIMIT,
  text,
  wasCutAtSource,
} from './values.ts'

describe('placeholders', () => {
  it.each(['', '  ', '{}', 'N/A', '<not specified>', '<not serializable>', '__REDACTED__', '<REDACTED>', '[REDACTED]'])(
    '%j is absent, as a name and as content',
    (value) => {
      expect(isPlaceholder(value)).toBe(true)
      expect(label(value)).toBeUndefined()
      expect(text(value)).toBeUndefined()
    },
  )

  it('lets the next source speak', () => {
    const map = new Map([
      ['gen_ai.tool.name', 'N/A'],
      ['tool.name', 'query'],
    ])
    expect(firstLabel(map, ['gen_ai.tool.name', 'tool.name'])).toBe('query')
  })
})

describe('numbers and booleans', () => {
  it('accepts what emitters send: numbers, big integers and decimal strings', () => {
    expect([num(5), num(5n), num('218'), num('0.5'), num(0)]).toEqual([5, 5, 218, 0.5, 0])
  })

  it('refuses what is no number', () => {
    expect([num('ms'), num(''), num(' '), num(Number.NaN), num('Infinity'), num(true), num(undefined)]).toEqual(
      Array(7).fill(undefined),
    )
  })

  it('counts only what can be counted', () => {
    const map = new Map<string, number | string>([
      ['a', -1],
      ['b', '1e300'],
      ['c', '41'],
    ])
    expect(firstCount(map, ['a', 'b', 'c'])).toBe(41)
  })

  it('reads booleans however they are spelled', () => {
    expect(['true', true, 1, '1', 'True'].map(bool)).toEqual(Array(5).fill(true))
    expect(['false', false, 0, '0', 'False'].map(bool)).toEqual(Array(5).fill(false))
    expect(['yes', 2, undefined].map(bool)).toEqual([undefined, undefined, undefined])
  })
})

describe('asJson', () => {
  it('parses JSON in a string, and JSON in JSON in a string', () => {
    expect(asJson('{"sql":"SELECT 1"}')).toEqual({ sql: 'SELECT 1' })
    expect(asJson(JSON.stringify(JSON.stringify({ a: 1 })))).toEqual({ a: 1 })
  })

  it('keeps text that is not JSON, or that was cut in the middle', () => {
    expect(asJson('SELECT 1')).toBe('SELECT 1')
    expect(asJson('[{"role":"user"')).toBe('[{"role":"user"')
  })

  it('turns kvlists into objects that inherit nothing', () => {
    const node = asJson(new Map([['__proto__', new Map([['admin', true]])]]))
    expect(field(node, '__proto__')).toEqual({ admin: true })
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  it('never throws, and what it gives can be written or is absent', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('['.repeat(60_000))), (value) => {
        const written = jsonText(asJson(value))
        expect(written === undefined || typeof written === 'string').toBe(true)
      }),
    )
  })
})

describe('fields of JSON', () => {
  it('are own members only', () => {
    const node = asJson('{"a":null,"name":"f","id":7}')
    expect(field(node, 'constructor')).toBeUndefined()
    expect(field(node, 'toString')).toBeUndefined()
    expect(field(node, 'a')).toBeUndefined()
    expect(fieldLabel(node, 'missing', 'id')).toBe('7')
  })
})

describe('content', () => {
  it('keeps text as it is and writes everything else as JSON', () => {
    expect(text(' as it is ')).toBe(' as it is ')
    expect(text(new Map<string, string | number>([['a', 1]]))).toBe('{"a":1}')
    expect(text(['a', true])).toBe('["a",true]')
    expect(text(12)).toBe('12')
  })

  it('has a bound, and never ends in half a character', () => {
    expect(text('x'.repeat(TEXT_LIMIT + 5))).toHaveLength(TEXT_LIMIT)
    expect(cutText('ab😀', 3)).toBe('ab')
  })

  it('drops what is nested deeper than anyone reads', () => {
    let nested: readonly unknown[] = ['deep']
    for (let level = 0; level < DEPTH_LIMIT + 5; level++) {
      nested = [nested]
    }
    expect(JSON.stringify(plain(nested as never))).not.toContain('deep')
  })

  it('knows text that the sender cut', () => {
    expect(wasCutAtSource('[{"a":"...[TRUNCATED: original length 12000]')).toBe(true)
    expect(wasCutAtSource('a list [1, 2]')).toBe(false)
  })
})

describe('lists of names', () => {
  it('come as arrays, as JSON, or as a single name', () => {
    expect(labels(['stop', 'length'])).toEqual(['stop', 'length'])
    expect(labels('["a","b"]')).toEqual(['a', 'b'])
    expect(labels('stop')).toEqual(['stop'])
    expect(labels(undefined)).toEqual([])
    expect(labels([new Map(), 'a'])).toEqual(['a'])
  })
})

describe('the name of a log record', () => {
  it('is the attribute first, since the field may hold a source location', () => {
    const attributes = { 'event.name': 'codex.tool_result' }
    expect(eventName(logRecord({ event: 'event otel/src/tool_result.rs:54', attributes }))).toBe('codex.tool_result')
    expect(eventName(logRecord({ event: 'gen_ai.choice' }))).toBe('gen_ai.choice')
    expect(eventName(logRecord({ body: 'claude_code.tool_result' }))).toBe('claude_code.tool_result')
    expect(eventName(logRecord({ body: 'x'.repeat(500) }))).toBe('')
  })
})

describe('the service', () => {
  it('is not the default of an SDK', () => {
    expect(serviceName(spanRecord())).toBe('crm-agent')
    expect(serviceName(spanRecord({ resource: { 'service.name': 'unknown_service:node' } }))).toBeUndefined()
  })
})
