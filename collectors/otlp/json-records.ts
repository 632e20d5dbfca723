/** One span or log record from JSON. */
import { InvalidRecord } from './faults.ts'
import { anyValueOf, attributesOf, idOf, integerOf, itemsOf, type JsonObject, objectOf, textOf } from './json-parts.ts'
import type { LogRecord, OtlpRecord, Resource, Scope, Span, SpanEvent } from './records.ts'
import type { Tally } from './tally.ts'
import { millisecondsFromJson, millisecondsFromTimestamp } from './times.ts'

/** Reads one record. Throws `InvalidRecord`: this record is lost, and only this. */
export type ReadJsonRecord = (record: JsonObject, tally: Tally, resource: Resource, scope: Scope) => OtlpRecord

// The specification forbids enum names; some senders use them all the same, and there is no doubt what they mean.
const KIND_NAMES: readonly string[] = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
]
const STATUS_NAMES: readonly string[] = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']

export function readSpan(span: JsonObject, tally: Tally, resource: Resource, scope: Scope): Span {
  const cutBefore = tally.cutAttributes
  const status = objectOf(span.status)
  const name = textOf(span.name, tally)
  const statusMessage = textOf(status?.message, tally)
  const attributes = attributesOf(span.attributes, tally)
  const events = eventsOf(span.events, tally)
  // The order of the fields is that of the protobuf reader: one shape of object, whatever the encoding.
  return {
    signal: 'span',
    resource,
    scope,
    traceId: idOf(span.traceId, 32, 'trace-id'),
    spanId: idOf(span.spanId, 16, 'span-id'),
    parentSpanId: idOf(span.parentSpanId, 16, 'parent-span-id'),
    name,
    kind: enumOf(span.kind, KIND_NAMES, tally),
    startMs: millisecondsFromJson(span.startTimeUnixNano, tally),
    endMs: millisecondsFromJson(span.endTimeUnixNano, tally),
    attributes,
    droppedAttributes: droppedOf(span, tally) + tally.cutAttributes - cutBefore,
    events,
    statusCode: enumOf(status?.code, STATUS_NAMES, tally),
    statusMessage,
  }
}

export function readLogRecord(log: JsonObject, tally: Tally, resource: Resource, scope: Scope): LogRecord {
  const cutBefore = tally.cutAttributes
  const eventName = textOf(log.eventName, tally)
  const attributes = attributesOf(log.attributes, tally)
  const body = anyValueOf(log.body, tally, 1)
  return {
    signal: 'log',
    resource,
    scope,
    traceId: idOf(log.traceId, 32, 'trace-id'),
    spanId: idOf(log.spanId, 16, 'span-id'),
    eventName,
    timeMs:
      millisecondsFromJson(log.timeUnixNano, tally) ||
      millisecondsFromJson(log.observedTimeUnixNano, tally) ||
      millisecondsFromTimestamp(attributes.get('event.timestamp')),
    attributes,
    droppedAttributes: droppedOf(log, tally) + tally.cutAttributes - cutBefore,
    body,
  }
}

function droppedOf(record: JsonObject, tally: Tally): number {
  return Math.max(0, integerOf(record.droppedAttributesCount, tally))
}

function eventsOf(value: unknown, tally: Tally): readonly SpanEvent[] {
  const events: SpanEvent[] = []
  for (const item of itemsOf(value, tally)) {
    const event = objectOf(item)
    if (event === undefined) {
      throw new InvalidRecord('malformed-record')
    }
    if (events.length >= tally.limits.events || !tally.admitsValue()) {
      tally.cut('events')
      continue
    }
    events.push({
      name: textOf(event.name, tally),
      timeMs: millisecondsFromJson(event.timeUnixNano, tally),
      attributes: attributesOf(event.attributes, tally),
    })
  }
  return events
}

function enumOf(value: unknown, names: readonly string[], tally: Tally): number {
  const named = typeof value === 'string' ? names.indexOf(value) : -1
  return named === -1 ? integerOf(value, tally) : named
}
