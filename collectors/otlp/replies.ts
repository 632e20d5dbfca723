/** The few messages that an OTLP server says, in both encodings. */
import type { Encoding, Receipt, Signal } from './receive.ts'

/** Codes of `google.rpc.Code` that the doors answer with. They are also gRPC's status codes. */
export const CODE = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

export const CONTENT_TYPES: Record<Encoding, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

const REJECTED_FIELD: Record<Signal, string> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
}

/**
 * `Export*ServiceResponse`. `partial_success` stays unset on plain success, as the specification demands: no bytes
 * in protobuf, `{}` in JSON.
 */
export function encodeReceipt(receipt: Receipt, signal: Signal, encoding: Encoding): Buffer {
  const { rejected, message } = receipt
  const partial = rejected > 0 || message !== ''
  if (encoding === 'json') {
    const partialSuccess = {
      // 64-bit integers are strings in protobuf's JSON.
      ...(rejected > 0 ? { [REJECTED_FIELD[signal]]: String(rejected) } : {}),
      ...(message === '' ? {} : { errorMessage: message }),
    }
    return Buffer.from(JSON.stringify(partial ? { partialSuccess } : {}))
  }
  return partial ? bytesField(1, Buffer.concat([varintField(1, rejected), textField(2, message)])) : Buffer.alloc(0)
}

/** `google.rpc.Status`, the body of every HTTP error. */
export function encodeStatus(code: number, message: string, encoding: Encoding): Buffer {
  return encoding === 'json'
    ? Buffer.from(JSON.stringify({ code, message }))
    : Buffer.concat([varintField(1, code), textField(2, message)])
}

/** `google.rpc.Status` with a `RetryInfo`, for gRPC's `grpc-status-details-bin`: without it a client must not retry. */
export function encodeRetryStatus(code: number, message: string, retryAfterMs: number): Buffer {
  const seconds = Math.floor(retryAfterMs / 1000)
  const duration = Buffer.concat([varintField(1, seconds), varintField(2, Math.round(retryAfterMs % 1000) * 1_000_000)])
  const any = Buffer.concat([
    textField(1, 'type.googleapis.com/google.rpc.RetryInfo'),
    bytesField(2, bytesField(1, duration)),
  ])
  return Buffer.concat([encodeStatus(code, message, 'protobuf'), bytesField(3, any)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}

/** Empty for 0, which protobuf does not send. */
function varintField(number: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(number * 8), varint(value)])
}

function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function textField(number: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : bytesField(number, Buffer.from(text))
}
