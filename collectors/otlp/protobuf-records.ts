/** One span or log record from protobuf. */
import { field, type PartReader } from './protobuf-parts.ts'
import type {
  AttributeMap,
  AttributeValue,
  LogRecord,
  OtlpRecord,
  Resource,
  Scope,
  Span,
  SpanEvent,
} from './records.ts'
import { millisecondsFromTimestamp } from './times.ts'
import { BYTES, FIXED64, VARINT } from './wire.ts'

/** Reads one record that ends at `end`. Throws `Malformed` or `InvalidRecord`: this record is lost, and only this. */
export type ReadRecord = (parts: PartReader, end: number, resource: Resource, scope: Scope) => OtlpRecord

type Draft<Record> = { -readonly [Key in keyof Record]: Record[Key] }

const NO_ATTRIBUTES: AttributeMap = new Map()
const NO_EVENTS: readonly SpanEvent[] = []

export function readSpan(parts: PartReader, end: number, resource: Resource, scope: Scope): Span {
  const { reader, tally } = parts
  const attributes = new Map<string, AttributeValue>()
  const span: Draft<Span> = {
    signal: 'span',
    resource,
    scope,
    traceId: undefined,
    spanId: undefined,
    parentSpanId: undefined,
    name: '',
    kind: 0,
    startMs: 0,
    endMs: 0,
    attributes,
    droppedAttributes: -tally.cutAttributes,
    events: NO_EVENTS,
    statusCode: 0,
    statusMessage: '',
  }
  while (reader.pos < end) {
    const tag = reader.tag(end)
    switch (tag) {
      case field(1, BYTES):
        span.traceId = parts.id(end, 16, 'trace-id')
        break
      case field(2, BYTES):
        span.spanId = parts.id(end, 8, 'span-id')
        break
      case field(4, BYTES):
        span.parentSpanId = parts.id(end, 8, 'parent-span-id')
        break
      case field(5, BYTES):
        span.name = parts.text(end)
        break
      case field(6, VARINT):
        span.kind = reader.uint32(end) | 0
        break
      case field(7, FIXED64):
        span.startMs = parts.time(end)
        break
      case field(8, FIXED64):
        span.endMs = parts.time(end)
        break
      case field(9, BYTES):
        parts.attribute(reader.lengthEnd(end), attributes)
        break
      case field(10, VARINT):
        span.droppedAttributes += reader.uint32(end)
        break
      case field(11, BYTES):
        span.events = readEvent(parts, reader.lengthEnd(end), span.events)
        break
      case field(15, BYTES):
        readStatus(parts, reader.lengthEnd(end), span)
        break
      default:
        reader.skip(tag & 7, end)
    }
  }
  span.droppedAttributes += tally.cutAttributes
  return span
}

function readStatus(parts: PartReader, end: number, span: Draft<Span>): void {
  const { reader } = parts
  while (reader.pos < end) {
    const tag = reader.tag(end)
    if (tag === field(2, BYTES)) {
      span.statusMessage = parts.text(end)
    } else if (tag === field(3, VARINT)) {
      span.statusCode = reader.uint32(end) | 0
    } else {
      reader.skip(tag & 7, end)
    }
  }
}

function readEvent(parts: PartReader, end: number, events: readonly SpanEvent[]): readonly SpanEvent[] {
  const { reader, tally } = parts
  if (events.length >= tally.limits.events || !tally.admitsValue()) {
    tally.cut('events')
    reader.pos = end
    return events
  }
  let name = ''
  let timeMs = 0
  let attributes: Map<string, AttributeValue> | undefined
  while (reader.pos < end) {
    const tag = reader.tag(end)
    if (tag === field(3, BYTES)) {
      attributes ??= new Map()
      parts.attribute(reader.lengthEnd(end), attributes)
    } else if (tag === field(2, BYTES)) {
      name = parts.text(end)
    } else if (tag === field(1, FIXED64)) {
      timeMs = parts.time(end)
    } else {
      reader.skip(tag & 7, end)
    }
  }
  const event: SpanEvent = { name, timeMs, attributes: attributes ?? NO_ATTRIBUTES }
  if (events === NO_EVENTS) {
    return [event]
  }
  ;(events as SpanEvent[]).push(event)
  return events
}

export function readLogRecord(parts: PartReader, end: number, resource: Resource, scope: Scope): LogRecord {
  const { reader, tally } = parts
  const attributes = new Map<string, AttributeValue>()
  let observedMs = 0
  const log: Draft<LogRecord> = {
    signal: 'log',
    resource,
    scope,
    traceId: undefined,
    spanId: undefined,
    eventName: '',
    timeMs: 0,
    attributes,
    droppedAttributes: -tally.cutAttributes,
    body: undefined,
  }
  while (reader.pos < end) {
    const tag = reader.tag(end)
    switch (tag) {
      case field(1, FIXED64):
        log.timeMs = parts.time(end)
        break
      case field(5, BYTES):
        log.body = parts.value(reader.lengthEnd(end), 1)
        break
      case field(6, BYTES):
        parts.attribute(reader.lengthEnd(end), attributes)
        break
      case field(7, VARINT):
        log.droppedAttributes += reader.uint32(end)
        break
      case field(9, BYTES):
        log.traceId = parts.id(end, 16, 'trace-id')
        break
      case field(10, BYTES):
        log.spanId = parts.id(end, 8, 'span-id')
        break
      case field(11, FIXED64):
        observedMs = parts.time(end)
        break
      case field(12, BYTES):
        log.eventName = parts.text(end)
        break
      default:
        reader.skip(tag & 7, end)
    }
  }
  log.timeMs ||= observedMs || millisecondsFromTimestamp(attributes.get('event.timestamp'))
  log.droppedAttributes += tally.cutAttributes
  return log
}
