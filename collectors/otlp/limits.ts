/** How much one OTLP request may hold. What is beyond a limit is cut and counted; the request is not lost. */

export interface DecodeLimits {
  /** Spans or log records of a request; the rest is rejected as `too-many-records`. */
  readonly records: number
  /** Distinct attributes of a resource, a record or a span event. */
  readonly attributes: number
  /** Events of a span. */
  readonly events: number
  /** Bytes of an attribute key; an attribute with a longer one is dropped. */
  readonly keyBytes: number
  /** Bytes of any text or bytes value; what is longer is cut at a character. */
  readonly valueBytes: number
  /** Levels of lists and maps inside an attribute value; what lies deeper is unset. */
  readonly valueDepth: number
  /**
   * Attributes, list items and span events of a whole request. Two wire bytes can become hundreds of bytes of
   * heap, so this, and not the size of the body, bounds the memory of a hostile request.
   */
  readonly values: number
  /** Nesting of a JSON body, counted before it is parsed: a deeper one is undecodable. */
  readonly jsonDepth: number
  /** Values of a JSON body, counted before it is parsed, for the reason given at `values`. */
  readonly jsonValues: number
}

export const DECODE_LIMITS: DecodeLimits = {
  records: 20_000,
  attributes: 128,
  events: 128,
  keyBytes: 256,
  valueBytes: 262_144,
  valueDepth: 16,
  values: 1_000_000,
  jsonDepth: 64,
  jsonValues: 2_000_000,
}
