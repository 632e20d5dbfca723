/** Times on the wire are unsigned nanoseconds in 64 bits; ours are milliseconds, exact to the microsecond. */
import type { Tally } from './tally.ts'

const TWO_32 = 4_294_967_296

/**
 * Milliseconds from the two halves of a 64-bit count of nanoseconds. 0 is "not known"; so is anything from 2^63,
 * which only a signed number below zero or garbage produces.
 */
export function millisecondsFromHalves(high: number, low: number, tally: Tally): number {
  if (high >= 0x80000000) {
    tally.cut('times')
    return 0
  }
  // Long division by 1000 in two digits of 32 bits: no BigInt on the hot path, and no rounding before the result.
  const quotient = Math.floor(high / 1000)
  const rest = high - quotient * 1000
  return (quotient * TWO_32 + Math.floor((rest * TWO_32 + low) / 1000)) / 1000
}

/** The same from JSON, where a time is a decimal string or, from some senders, a number that lost its last digits. */
export function millisecondsFromJson(value: unknown, tally: Tally): number {
  if (value === undefined || value === null || value === '') {
    return 0
  }
  const nanos = jsonNanos(value)
  if (nanos === undefined || nanos < 0n || nanos >= 1n << 63n) {
    tally.cut('times')
    return 0
  }
  return millisecondsFromHalves(Number(nanos >> 32n), Number(nanos & 0xffffffffn), tally)
}

function jsonNanos(value: unknown): bigint | undefined {
  if (typeof value === 'string') {
    return /^\d{1,20}$/.test(value) ? BigInt(value) : undefined
  }
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
}

/** A log record's own attribute for its time, when both time fields are 0. ISO 8601 only; without a zone it is UTC. */
export function millisecondsFromTimestamp(value: unknown): number {
  if (typeof value !== 'string' || value.length > 40 || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value)) {
    return 0
  }
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`)
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}
