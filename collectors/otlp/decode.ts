/**
 * The one decoder of OTLP request bodies: both doors, Kafka and replay call it, so the same bytes give the same
 * records everywhere.
 */
import { Rejected } from '../../schema/errors.ts'
import type { DecodedRequest } from '../collector.ts'
import { decodeJson } from './decode-json.ts'
import { decodeProtobuf } from './decode-protobuf.ts'
import { Malformed } from './faults.ts'
import { DECODE_LIMITS, type DecodeLimits } from './limits.ts'
import { Tally } from './tally.ts'

export interface DecodeOptions {
  readonly signal: 'traces' | 'logs'
  readonly encoding: 'protobuf' | 'json'
  readonly limits?: Partial<DecodeLimits>
}

/** A decoded request, and roughly what its records take on the heap beyond the texts of the body. */
export interface Decoded extends DecodedRequest {
  readonly heapBytes: number
}

/**
 * Decodes an inflated request body. What is wrong with one record is in `rejected` and `warnings` of the result;
 * `Rejected` (`undecodable-request`) is thrown only when no record can be told from the next.
 */
export function decodeOtlp(body: Uint8Array, options: DecodeOptions): Decoded {
  const tally = new Tally({ ...DECODE_LIMITS, ...options.limits })
  const decode = options.encoding === 'protobuf' ? decodeProtobuf : decodeJson
  try {
    const records = decode(body, options.signal, tally)
    return {
      signal: options.signal === 'traces' ? 'span' : 'log',
      records,
      rejected: tally.rejected(),
      warnings: tally.warnings(),
      heapBytes: tally.heapBytes(),
    }
  } catch (error) {
    if (error instanceof Malformed) {
      throw new Rejected('undecodable-request', `not OTLP ${options.signal} as ${options.encoding}: ${error.message}`, {
        cause: error,
      })
    }
    throw error
  }
}
