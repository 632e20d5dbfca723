/** One message of a foreign topic, taken for what it is said to hold, or found to be of no use. */
import { Rejected } from '../../schema/errors.ts'
import { decodeOtlp } from '../otlp/decode.ts'
import type { DecodeLimits } from '../otlp/limits.ts'
import type { OtlpRecord } from '../otlp/records.ts'

/** What the messages of a topic are. */
export interface MessageForm {
  readonly signal: 'traces' | 'logs'
  readonly encoding: 'otlp_proto' | 'otlp_json'
  /** Bytes of a value; a larger one is not looked at. */
  readonly messageBytes: number
  readonly decodeLimits?: Partial<DecodeLimits>
}

/** A message that was read. Its records and the rejected ones add up to what it counts as: one at least. */
export interface ReadMessage {
  readonly records: readonly OtlpRecord[]
  readonly rejected: readonly { readonly reason: string; readonly records: number }[]
  /** Roughly what the records take on the heap beyond the texts of the message. */
  readonly heapBytes: number
  /** Why nothing of it is of use: it is for the dead letters. Says nothing in the words of the message. */
  readonly unusable?: { readonly reason: string; readonly detail: string }
}

/**
 * Reads a message; throws nothing. Of one that cannot be read the number of records is unknown: it counts as one, as a
 * request does at a door. So does one without records, of which the exporter writes none: it is of another signal or
 * encoding, and whoever confused two topics must not be left in the dark.
 */
export function readMessage(value: Uint8Array | undefined, form: MessageForm): ReadMessage {
  if (value === undefined) {
    return unreadable('no-value', 'a tombstone: the message has no value')
  }
  if (value.length > form.messageBytes) {
    return unreadable('too-large', `${value.length} bytes, of at most ${form.messageBytes}`)
  }
  try {
    return decode(value, form)
  } catch (error) {
    if (error instanceof Rejected) {
      return unreadable(error.reason, error.message)
    }
    throw error
  }
}

/** What is made of messages that came as a damaged record batch: how many there were is unknown, so they count as one. */
export function damagedMessage(): ReadMessage {
  return unreadable(
    'damaged-batch',
    'checksum or lengths of its record batch are wrong, or its format is older than 0.11',
  )
}

function decode(value: Uint8Array, { signal, encoding, decodeLimits }: MessageForm): ReadMessage {
  const options = { signal, encoding: encoding === 'otlp_proto' ? 'protobuf' : 'json' } as const
  const { records, rejected, heapBytes } = decodeOtlp(value, { ...options, limits: decodeLimits ?? {} })
  const reason = rejected[0]?.reason
  if (records.some(isOfItsSignal)) {
    return { records, rejected, heapBytes }
  }
  return records.length > 0 || reason === undefined
    ? unreadable('no-records', `no ${signal} in it: of another signal or encoding, or empty`)
    : { records, rejected, heapBytes, unusable: { reason, detail: `none of its ${signal} can be read` } }
}

/** A log record in protobuf reads as a span that has neither an id nor a time, which no span is without. */
function isOfItsSignal(record: OtlpRecord): boolean {
  return record.signal === 'log' || record.spanId !== undefined || record.startMs !== 0
}

function unreadable(reason: string, detail: string): ReadMessage {
  return { records: [], rejected: [{ reason, records: 1 }], heapBytes: 0, unusable: { reason, detail } }
}
