/**
 * Decoded OTLP records: the one shape in which protobuf, JSON and gRPC meet, and all that dialects see.
 *
 * Attribute maps are `Map`s: keys are opaque strings from a hostile sender and must never become object paths.
 * A later duplicate of a key wins.
 */

/** An OTLP `AnyValue`. An unset value is `undefined`; kvlists are `Map`s. 64-bit integers beyond 2^53 are `bigint`. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | undefined
  | readonly AttributeValue[]
  | ReadonlyMap<string, AttributeValue>

export type AttributeMap = ReadonlyMap<string, AttributeValue>

/** Who sent a group of records. Shared by all its records. */
export interface Resource {
  readonly attributes: AttributeMap
}

/** The instrumentation library that made a group of records. Shared by all its records. */
export interface Scope {
  readonly name: string
  readonly version: string
}

export interface SpanEvent {
  readonly name: string
  readonly timeMs: number
  readonly attributes: AttributeMap
}

/** Where a record came from. */
interface Origin {
  readonly resource: Resource
  readonly scope: Scope
  readonly attributes: AttributeMap
  /** Attributes the sender says it dropped, plus those we cut. */
  readonly droppedAttributes: number
}

/** Ids are lower-case hex, `undefined` when empty or all zero. */
export interface Span extends Origin {
  readonly signal: 'span'
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly parentSpanId: string | undefined
  readonly name: string
  /** OTLP `SpanKind`: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly events: readonly SpanEvent[]
  /** OTLP `StatusCode`: 0 unset, 1 ok, 2 error. OK is not success: see the dialects. */
  readonly statusCode: number
  readonly statusMessage: string
}

export interface LogRecord extends Origin {
  readonly signal: 'log'
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** `LogRecord.event_name` as sent; the name to go by is `eventName(record)`. */
  readonly eventName: string
  /** Event time: `timeUnixNano`, else `observedTimeUnixNano`, else attribute `event.timestamp`; 0 when none. */
  readonly timeMs: number
  readonly body: AttributeValue
}

export type OtlpRecord = Span | LogRecord
