/**
 * The same records from a library (protobufjs), to check and measure our own protobuf reader against. Only tests
 * and benchmarks import this: protobufjs is a development dependency.
 */
import protobuf from 'protobufjs'
import type { AttributeMap, AttributeValue, OtlpRecord, Resource, Scope } from './records.ts'
import { millisecondsFromTimestamp } from './times.ts'

/** `opentelemetry-proto` 1.11, as far as Telltale reads it, plus fields that it must skip. */
const PROTO = `
syntax = "proto3";
message TracesRequest { repeated ResourceSpans resource_spans = 1; }
message TracesApart { repeated ResourceApart resource_spans = 1; }
message ResourceApart { Resource resource = 1; repeated ScopeApart scope_spans = 2; }
message ScopeApart { Scope scope = 1; repeated bytes spans = 2; }
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message Status { string message = 2; int32 code = 3; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; fixed32 flags = 16;
}
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
  bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}`

const root = protobuf.parse(PROTO).root
const REQUESTS = { traces: root.lookupType('TracesRequest'), logs: root.lookupType('LogsRequest') }
const SPAN = root.lookupType('Span')
const TRACES_APART = root.lookupType('TracesApart')

// The shapes are the library's, untyped by nature; field names are those of the schema above, in camel case.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any

/** Encodes a request given with the names of the schema in camel case, ids as bytes, 64-bit integers as strings. */
export function encodeWithLibrary(signal: 'traces' | 'logs', request: object): Uint8Array {
  const type = REQUESTS[signal]
  return type.encode(type.fromObject(request)).finish()
}

/** The library's own objects, before they become records: what decoding alone costs. */
export function parseWithLibrary(signal: 'traces' | 'logs', body: Uint8Array): object {
  return REQUESTS[signal].decode(body)
}

/** Records as `decodeOtlp` would give them for a request within all limits. Throws what protobufjs throws. */
export function decodeWithLibrary(signal: 'traces' | 'logs', body: Uint8Array): OtlpRecord[] {
  const request: Any = parseWithLibrary(signal, body)
  const records: OtlpRecord[] = []
  for (const group of request.resourceSpans ?? request.resourceLogs ?? []) {
    const resource: Resource = { attributes: attributesOf(group.resource?.attributes) }
    for (const scopeGroup of group.scopeSpans ?? group.scopeLogs ?? []) {
      const scope: Scope = { name: scopeGroup.scope?.name ?? '', version: scopeGroup.scope?.version ?? '' }
      for (const record of scopeGroup.spans ?? scopeGroup.logRecords ?? []) {
        records.push(signal === 'traces' ? spanOf(record, resource, scope) : logOf(record, resource, scope))
      }
    }
  }
  return records
}

/** The same, span by span: the envelope holds spans as bytes, so that a bad one can be caught. */
export function decodeApartWithLibrary(body: Uint8Array): OtlpRecord[] {
  const request: Any = TRACES_APART.decode(body)
  const records: OtlpRecord[] = []
  for (const group of request.resourceSpans) {
    const resource: Resource = { attributes: attributesOf(group.resource?.attributes) }
    for (const scopeGroup of group.scopeSpans) {
      const scope: Scope = { name: scopeGroup.scope?.name ?? '', version: scopeGroup.scope?.version ?? '' }
      for (const span of scopeGroup.spans) {
        try {
          records.push(spanOf(SPAN.decode(span), resource, scope))
        } catch {
          // A bad span is lost alone.
        }
      }
    }
  }
  return records
}

function spanOf(span: Any, resource: Resource, scope: Scope): OtlpRecord {
  return {
    signal: 'span',
    resource,
    scope,
    traceId: idOf(span.traceId),
    spanId: idOf(span.spanId),
    parentSpanId: idOf(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    startMs: millisecondsOf(span.startTimeUnixNano),
    endMs: millisecondsOf(span.endTimeUnixNano),
    attributes: attributesOf(span.attributes),
    droppedAttributes: span.droppedAttributesCount,
    events: span.events.map((event: Any) => ({
      name: event.name,
      timeMs: millisecondsOf(event.timeUnixNano),
      attributes: attributesOf(event.attributes),
    })),
    statusCode: span.status?.code ?? 0,
    statusMessage: span.status?.message ?? '',
  }
}

function logOf(log: Any, resource: Resource, scope: Scope): OtlpRecord {
  const attributes = attributesOf(log.attributes)
  return {
    signal: 'log',
    resource,
    scope,
    traceId: idOf(log.traceId),
    spanId: idOf(log.spanId),
    eventName: log.eventName,
    timeMs:
      millisecondsOf(log.timeUnixNano) ||
      millisecondsOf(log.observedTimeUnixNano) ||
      millisecondsFromTimestamp(attributes.get('event.timestamp')),
    attributes,
    droppedAttributes: log.droppedAttributesCount,
    body: valueOfAny(log.body),
  }
}

function attributesOf(entries: Any[] | undefined): AttributeMap {
  const attributes = new Map<string, AttributeValue>()
  for (const entry of entries ?? []) {
    if (entry.key !== '') {
      attributes.set(entry.key, valueOfAny(entry.value))
    }
  }
  return attributes
}

function valueOfAny(any: Any): AttributeValue {
  switch (any?.value) {
    case 'intValue':
      return integerOf(any.intValue)
    case 'arrayValue':
      return any.arrayValue.values.map(valueOfAny)
    case 'kvlistValue':
      return attributesOf(any.kvlistValue.values)
    case 'bytesValue':
      return new Uint8Array(any.bytesValue)
    default:
      return any === undefined || any === null || any.value === undefined ? undefined : any[any.value]
  }
}

function integerOf(long: Any): number | bigint {
  const number = long.toNumber()
  return Number.isSafeInteger(number) ? number : BigInt(long.toString())
}

function millisecondsOf(long: Any): number {
  const nanos = (BigInt(long.high >>> 0) << 32n) | BigInt(long.low >>> 0)
  return nanos >= 1n << 63n ? 0 : Number(nanos / 1000n) / 1000
}

function idOf(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte === 0) ? undefined : Buffer.from(bytes).toString('hex')
}
