/**
 * `ExportTraceServiceRequest` and `ExportLogsServiceRequest` from protobuf, straight into our records.
 *
 * A reader of our own, because a library fails a whole request for one invalid string
 * (docs/decisions/0003-otlp-decoder.md); `oracle.ts` is the library it is tested against. What is wrong inside a
 * record costs that record; what is wrong around records (`Malformed` thrown from here) costs the request.
 */
import { InvalidRecord, Malformed } from './faults.ts'
import { field, PartReader } from './protobuf-parts.ts'
import { type ReadRecord, readLogRecord, readSpan } from './protobuf-records.ts'
import type { OtlpRecord, Resource, Scope } from './records.ts'
import type { Tally } from './tally.ts'
import { BYTES } from './wire.ts'

const NO_RESOURCE: Resource = { attributes: new Map() }
const NO_SCOPE: Scope = { name: '', version: '' }

/** Who sent a group of records. `undefined` when that is garbled: its records are rejected. */
interface Sender {
  readonly resource: Resource | undefined
  readonly scope: Scope | undefined
}

/** Decodes a whole request. Throws `Malformed` when its outer messages cannot be read. */
export function decodeProtobuf(body: Uint8Array, signal: 'traces' | 'logs', tally: Tally): OtlpRecord[] {
  const parts = new PartReader(body, tally)
  const readRecord: ReadRecord = signal === 'traces' ? readSpan : readLogRecord
  const records: OtlpRecord[] = []
  parts.eachField(body.length, field(1, BYTES), (groupEnd) => {
    const resource = readHeader(parts, groupEnd, NO_RESOURCE, readResource)
    parts.eachField(groupEnd, field(2, BYTES), (scopeEnd) => {
      const scope = readHeader(parts, scopeEnd, NO_SCOPE, readScope)
      parts.eachField(scopeEnd, field(2, BYTES), (recordEnd) => {
        readRecordInto(records, parts, recordEnd, { resource, scope }, readRecord)
      })
    })
  })
  return records
}

/**
 * Field 1 of a group, which says who sent the records in field 2. Protobuf allows it to stand behind them, so
 * the group is gone through once for it, and the reader is put back. `undefined` when it is garbled.
 */
function readHeader<Header>(
  parts: PartReader,
  end: number,
  none: Header,
  read: (parts: PartReader, end: number) => Header,
): Header | undefined {
  const start = parts.reader.pos
  let header: Header | undefined = none
  parts.eachField(end, field(1, BYTES), (stop) => {
    try {
      header = read(parts, stop)
    } catch (error) {
      if (!(error instanceof Malformed)) {
        throw error
      }
      header = undefined
    }
  })
  parts.reader.pos = start
  return header
}

function readResource(parts: PartReader, end: number): Resource {
  const attributes = new Map()
  parts.eachField(end, field(1, BYTES), (stop) => {
    parts.attribute(stop, attributes)
  })
  return { attributes }
}

function readScope(parts: PartReader, end: number): Scope {
  const { reader } = parts
  let name = ''
  let version = ''
  while (reader.pos < end) {
    const tag = reader.tag(end)
    if (tag === field(1, BYTES)) {
      name = parts.text(end)
    } else if (tag === field(2, BYTES)) {
      version = parts.text(end)
    } else {
      reader.skip(tag & 7, end)
    }
  }
  return { name, version }
}

function readRecordInto(
  records: OtlpRecord[],
  parts: PartReader,
  end: number,
  { resource, scope }: Sender,
  readRecord: ReadRecord,
): void {
  const { tally } = parts
  if (!tally.admitsRecord()) {
    return
  }
  if (resource === undefined || scope === undefined) {
    tally.reject('malformed-resource')
    return
  }
  try {
    records.push(readRecord(parts, end, resource, scope))
  } catch (error) {
    if (error instanceof InvalidRecord) {
      tally.reject(error.reason)
    } else if (error instanceof Malformed) {
      tally.reject('malformed-record')
    } else {
      throw error
    }
  }
}
