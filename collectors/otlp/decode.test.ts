import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rejected } from '../../schema/errors.ts'
import { decodeOtlp } from './decode.ts'
import { decodeWithLibrary, encodeWithLibrary } from './oracle.ts'
import type { OtlpRecord } from './records.ts'

const CAPTURES = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')

const signalOf = (file: string) => (file.includes('-logs') ? 'logs' : 'traces')

// A request in the words of the protobuf schema: what both encodings below are made from.
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const nanos = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }).map(String)
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const { anyValue } = fc.letrec<{ anyValue: object }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant({}),
    text.map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map((value) => ({ intValue: String(value) })),
    fc.integer().map((value) => ({ intValue: String(value) })),
    fc.double().map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 9 }).map((bytesValue) => ({ bytesValue })),
    fc.array(tie('anyValue'), { maxLength: 4 }).map((values) => ({ arrayValue: { values } })),
    fc
      .array(fc.record({ key: fc.string({ minLength: 1, maxLength: 9 }), value: tie('anyValue') }), { maxLength: 4 })
      .map((values) => ({ kvlistValue: { values } })),
  ),
}))
// Few names, so that duplicate keys happen; an entry without a value happens too.
const key = fc.oneof(fc.constantFrom('a', 'gen_ai.tool.name', '__proto__', 'constructor'), fc.string({ minLength: 1 }))
const attributes = fc.array(fc.record({ key, value: anyValue }, { requiredKeys: ['key'] }), { maxLength: 6 })
const dropped = fc.nat({ max: 9 })
const traceId = fc.oneof(bytes(16), fc.constant(new Uint8Array(16)), fc.constant(new Uint8Array(0)))
const spanId = fc.oneof(bytes(8), fc.constant(new Uint8Array(0)))
const event = fc.record({ timeUnixNano: nanos, name: text, attributes })
const span = fc.record(
  {
    traceId,
    spanId,
    parentSpanId: spanId,
    traceState: text,
    name: text,
    kind: fc.integer({ min: -2, max: 7 }),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    droppedAttributesCount: dropped,
    events: fc.array(event, { maxLength: 3 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }),
  },
  { requiredKeys: [] },
)
const logRecord = fc.record(
  {
    timeUnixNano: fc.oneof(fc.constant('0'), nanos),
    observedTimeUnixNano: nanos,
    severityText: text,
    body: anyValue,
    attributes,
    droppedAttributesCount: dropped,
    traceId,
    spanId,
    eventName: text,
  },
  { requiredKeys: [] },
)
const resource = fc.record({ attributes })
const scope = fc.record({ name: text, version: text })
const list = <T>(items: fc.Arbitrary<T>) => fc.array(items, { maxLength: 3 })
const traces = fc.record({
  resourceSpans: list(fc.record({ resource, scopeSpans: list(fc.record({ scope, spans: list(span) })) })),
})
const logs = fc.record({
  resourceLogs: list(fc.record({ resource, scopeLogs: list(fc.record({ scope, logRecords: list(logRecord) })) })),
})

const HEX_FIELDS = new Set(['traceId', 'spanId', 'parentSpanId'])

/** OTLP/JSON of a request given in the words of the schema. */
function toJson(request: object): Buffer {
  return Buffer.from(
    JSON.stringify(request, (name, value) => {
      if (value instanceof Uint8Array) {
        return Buffer.from(value).toString(HEX_FIELDS.has(name) ? 'hex' : 'base64')
      }
      const lostInJson = typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      return lostInJson ? `${Object.is(value, -0) ? '-' : ''}${value}` : value
    }),
  )
}

const protobuf = (signal: 'traces' | 'logs', body: Uint8Array) => decodeOtlp(body, { signal, encoding: 'protobuf' })

describe.skipIf(!existsSync(CAPTURES))('captured requests (skipped: no evaluation data)', () => {
  const files = existsSync(CAPTURES) ? readdirSync(CAPTURES) : []

  it.each(files.filter((file) => file.endsWith('.pb')))('%s is read as the library reads it', (file) => {
    const body = readFileSync(join(CAPTURES, file))
    const decoded = protobuf(signalOf(file), body)
    expect(decoded.records.length).toBeGreaterThan(0)
    expect(decoded.records).toEqual(decodeWithLibrary(signalOf(file), body))
    expect(decoded).toMatchObject({ rejected: [], warnings: [] })
  })

  it.each(files.filter((file) => /-(traces|logs)(-\d)?\.json$/.test(file)))('%s loses nothing', (file) => {
    const body = readFileSync(join(CAPTURES, file))
    const decoded = decodeOtlp(body, { signal: signalOf(file), encoding: 'json' })
    const started = body.toString().match(/"(startTimeUnixNano|observedTimeUnixNano)"/g) ?? []
    expect(decoded.records.length).toBe(started.length)
    expect(decoded).toMatchObject({ rejected: [], warnings: [] })
    expect(
      decoded.records.every((record) => (record.signal === 'span' ? record.startMs : record.timeMs) > 1.7e12),
    ).toBe(true)
  })

  it('damages of one or more bytes cost records or the request, and never throw anything but Rejected', () => {
    const bodies = files
      .filter((file) => file.endsWith('.pb'))
      .map((file) => ({ signal: signalOf(file), body: readFileSync(join(CAPTURES, file)) }) as const)
    const seen = { rejectedRequests: 0, rejectedRecords: 0, repaired: 0 }
    // Anywhere with equal chance: fast-check would by itself prefer the first bytes, which cost the request.
    const place = fc.noBias(fc.nat({ max: 1_000_000 })).map((millionths) => millionths / 1_000_000)
    const damage = fc.record({ at: place, byte: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, place),
        ({ signal, body }, damages, cutAt) => {
          const damaged = Buffer.from(body.subarray(0, Math.floor(cutAt * body.length)))
          for (const { at, byte } of damages) {
            damaged[Math.floor(at * (damaged.length - 1))] = byte
          }
          const result = attempt(() => protobuf(signal, damaged))
          seen.rejectedRequests += result === undefined ? 1 : 0
          seen.rejectedRecords += result !== undefined && result.rejected.length > 0 ? 1 : 0
          seen.repaired += result !== undefined && result.warnings.length > 0 ? 1 : 0
        },
      ),
      { numRuns: 3000 },
    )
    expect(seen.rejectedRequests).toBeGreaterThan(100)
    expect(seen.rejectedRecords).toBeGreaterThan(100)
    expect(seen.repaired).toBeGreaterThan(20)
  })
})

describe('any request within the limits', () => {
  it('is read from protobuf as the library reads it, and from JSON as from protobuf', () => {
    const seen = { spans: 0, logs: 0, nested: 0, bigints: 0, duplicates: 0 }
    const check = (signal: 'traces' | 'logs', request: object) => {
      const body = encodeWithLibrary(signal, request)
      const fromProtobuf = protobuf(signal, body)
      expect(fromProtobuf.records).toEqual(decodeWithLibrary(signal, body))
      const fromJson = decodeOtlp(toJson(request), { signal, encoding: 'json' })
      expect(fromJson).toEqual(fromProtobuf)
      for (const record of fromProtobuf.records) {
        count(record, seen)
      }
      seen.duplicates += hasDuplicateKey(request) ? 1 : 0
    }
    fc.assert(fc.property(traces, (request) => check('traces', request)))
    fc.assert(fc.property(logs, (request) => check('logs', request)))
    for (const times of Object.values(seen)) {
      expect(times).toBeGreaterThan(10)
    }
  })

  function count(record: OtlpRecord, seen: { spans: number; logs: number; nested: number; bigints: number }): void {
    seen.spans += record.signal === 'span' ? 1 : 0
    seen.logs += record.signal === 'log' ? 1 : 0
    for (const value of record.attributes.values()) {
      seen.nested += value instanceof Map && [...value.values()].some((inner) => typeof inner === 'object') ? 1 : 0
      seen.bigints += typeof value === 'bigint' ? 1 : 0
    }
  }

  function hasDuplicateKey(request: object): boolean {
    return JSON.stringify(request).split('gen_ai.tool.name').length > 3
  }
})

describe('arbitrary bytes', () => {
  it('never throw anything but Rejected', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('traces', 'logs'), (body, signal) => {
        attempt(() => protobuf(signal, body))
        attempt(() => decodeOtlp(body, { signal, encoding: 'json' }))
      }),
    )
  })

  it('in place of any part of a JSON request never throw anything but Rejected', () => {
    let decoded = 0
    fc.assert(
      fc.property(traces, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), fc.json(), (request, path, junk) => {
        const result = attempt(() =>
          decodeOtlp(
            Buffer.from(JSON.stringify(replaced(JSON.parse(toJson(request).toString()), path, JSON.parse(junk)))),
            {
              signal: 'traces',
              encoding: 'json',
            },
          ),
        )
        decoded += result === undefined ? 0 : 1
      }),
    )
    expect(decoded).toBeGreaterThan(20)
  })

  /** The tree with one node, found by walking down the path, replaced. */
  function replaced(node: unknown, path: readonly number[], junk: unknown): unknown {
    const [step, ...rest] = path
    if (step === undefined || typeof node !== 'object' || node === null) {
      return junk
    }
    const entries = Object.entries(node)
    const chosen = entries[step % Math.max(1, entries.length)]
    if (chosen === undefined) {
      return junk
    }
    const [name, child] = chosen
    // Mostly go on down: the deep places are where values are.
    const next = rest.length === 0 && typeof child === 'object' && step % 3 !== 0 ? [step >> 2] : rest
    const value = replaced(child, next, junk)
    return Array.isArray(node) ? node.with(Number(name), value) : { ...node, [name]: value }
  }
})

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    expect(error).toBeInstanceOf(Rejected)
    expect(error).toMatchObject({ reason: 'undecodable-request' })
    return undefined
  }
}
