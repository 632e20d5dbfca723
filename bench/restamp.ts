/** Requests that were made once, made new again and again: other trace ids, session names and call ids, same length. */
import { decodeOtlp } from '../collectors/otlp/decode.ts'

const CALL = Buffer.from('call_')
/** Hex digits of a trace id and of a call id, and letters of a session name, that are written anew. */
const DIGITS = 8

/**
 * @param body an OTLP protobuf request of spans; session names in it begin with `seed`, which is 8 characters long.
 * @returns a copy for every number, no two of which share a trace, a session or a call.
 */
export function restamper(body: Uint8Array, seed: string): (number: number) => Buffer {
  if (seed.length !== DIGITS) {
    throw new Error(`the seed must be ${DIGITS} characters long`)
  }
  const original = Buffer.from(body)
  const spans = decodeOtlp(original, { signal: 'traces', encoding: 'protobuf' }).records
  const traces = new Set(spans.map(({ traceId }) => traceId ?? '').filter((id) => id !== ''))
  const bytes = [...traces].flatMap((id) => placesOf(original, Buffer.from(id, 'hex')))
  const texts = [
    ...placesOf(original, Buffer.from(seed)),
    ...placesOf(original, CALL).map((place) => place + CALL.length),
  ]
  return (number) => {
    const copy = Buffer.from(original)
    const stamp = number.toString(16).padStart(DIGITS, '0')
    for (const place of bytes) {
      copy.write(stamp, place, 'hex')
    }
    for (const place of texts) {
      copy.write(stamp, place, 'latin1')
    }
    return copy
  }
}

function placesOf(body: Buffer, wanted: Buffer): number[] {
  const places: number[] = []
  for (let place = body.indexOf(wanted); place >= 0; place = body.indexOf(wanted, place + wanted.length)) {
    places.push(place)
  }
  return places
}
