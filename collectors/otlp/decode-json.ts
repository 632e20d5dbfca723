/**
 * `ExportTraceServiceRequest` and `ExportLogsServiceRequest` from OTLP/JSON, into the same records as from
 * protobuf. It is protobuf's JSON mapping, except that ids are hex and enums are numbers.
 *
 * A field of the wrong type costs itself, a record that is no object costs itself; only a body whose groups are
 * not lists of objects is `Malformed`.
 */
import { isUtf8 } from 'node:buffer'
import { InvalidRecord, Malformed } from './faults.ts'
import { attributesOf, type JsonObject, objectOf, textOf } from './json-parts.ts'
import { type ReadJsonRecord, readLogRecord, readSpan } from './json-records.ts'
import { checkJsonShape } from './json-shape.ts'
import type { OtlpRecord, Resource, Scope } from './records.ts'
import type { Tally } from './tally.ts'

/** What the levels of a request are called, by signal. */
const NAMES = {
  traces: { groups: 'resourceSpans', scopes: 'scopeSpans', records: 'spans', read: readSpan },
  logs: { groups: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords', read: readLogRecord },
} as const

/** Decodes a whole request. Throws `Malformed` when it is no JSON, or its outer objects are not OTLP's. */
export function decodeJson(body: Uint8Array, signal: 'traces' | 'logs', tally: Tally): OtlpRecord[] {
  const names = NAMES[signal]
  const records: OtlpRecord[] = []
  for (const group of objectsOf(parse(body, tally), names.groups)) {
    const resource: Resource = { attributes: attributesOf(objectOf(group.resource)?.attributes, tally) }
    for (const scopeGroup of objectsOf(group, names.scopes)) {
      const scope = scopeOf(objectOf(scopeGroup.scope), tally)
      for (const record of listUnder(scopeGroup, names.records)) {
        readRecordInto(records, record, tally, { resource, scope }, names.read)
      }
    }
  }
  return records
}

function parse(body: Uint8Array, tally: Tally): JsonObject {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  checkJsonShape(bytes, tally.limits)
  if (!isUtf8(bytes)) {
    tally.cut('utf8')
  }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8', hasMark ? 3 : 0))
  } catch {
    // The parser quotes the body in its message, and the body is not ours to repeat.
    throw new Malformed('not valid JSON')
  }
  const request = objectOf(parsed)
  if (request === undefined) {
    throw new Malformed('not a JSON object')
  }
  return request
}

function listUnder(parent: JsonObject, name: string): readonly unknown[] {
  const value = parent[name]
  if (value === undefined || value === null) {
    return []
  }
  if (!Array.isArray(value)) {
    throw new Malformed(`${name} is not a list`)
  }
  return value
}

function objectsOf(parent: JsonObject, name: string): readonly JsonObject[] {
  return listUnder(parent, name).map((item) => {
    const object = objectOf(item)
    if (object === undefined) {
      throw new Malformed(`${name} holds something other than objects`)
    }
    return object
  })
}

function scopeOf(scope: JsonObject | undefined, tally: Tally): Scope {
  return { name: textOf(scope?.name, tally), version: textOf(scope?.version, tally) }
}

function readRecordInto(
  records: OtlpRecord[],
  record: unknown,
  tally: Tally,
  { resource, scope }: { readonly resource: Resource; readonly scope: Scope },
  read: ReadJsonRecord,
): void {
  if (!tally.admitsRecord()) {
    return
  }
  const object = objectOf(record)
  if (object === undefined) {
    tally.reject('malformed-record')
    return
  }
  try {
    records.push(read(object, tally, resource, scope))
  } catch (error) {
    if (!(error instanceof InvalidRecord)) {
      throw error
    }
    tally.reject(error.reason)
  }
}
