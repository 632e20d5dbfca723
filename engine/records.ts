/**
 * How what travels on the bus is encoded and keyed. One place, so that every stage, sink and replay agree.
 *
 * Keys decide who meets whom: fragments of one trace or session, events of one agent, findings of one session,
 * notices of one alert. The tenant is part of every key, so tenants never share a key.
 */
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import type { Fragment } from '../schema/fragment.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { BusRecord } from './bus/bus.ts'

/** Separates the parts of keys; identifiers never hold it, control characters are removed at the collector. */
const SEPARATOR = '\u001f'

/**
 * What an array of bytes was encoded from. Within a process the embedded bus hands on the very array that was
 * appended, and parsing it again would cost more than judging it. Nobody changes what has been encoded or decoded.
 */
const encoded = new WeakMap<Uint8Array, object>()

export function encode(value: object): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(value))
  encoded.set(bytes, value)
  return bytes
}

/** Throws `SyntaxError` on bytes that are not JSON: poison, unless another program writes to our topics. */
export function decode<T>(value: Uint8Array): T {
  return (encoded.get(value) ?? parse(value)) as T
}

/**
 * Decodes what may have been written by another version or program: `undefined` when it is not JSON or not valid. What
 * this very process encoded is known to be valid.
 */
export function decodeValid<T>(value: Uint8Array, validate: (value: unknown) => string | undefined): T | undefined {
  const known = encoded.get(value)
  if (known !== undefined) {
    return known as T
  }
  try {
    const parsed = parse(value)
    return validate(parsed) === undefined ? (parsed as T) : undefined
  } catch {
    return undefined
  }
}

function parse(value: Uint8Array): unknown {
  return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'))
}

/** The session where the dialect names one on every record, else the trace: all parts of a call meet. */
export function fragmentRecord(fragment: Fragment): BusRecord {
  return { key: fragment.tenant_id + SEPARATOR + fragment.join_key, value: encode(fragment) }
}

/** One agent's events are in one partition, in order, and its profile is local to whoever owns that partition. */
export function eventRecord(event: Telemetry): BusRecord {
  return { key: event.tenant_id + SEPARATOR + event.agent.id, value: encode(event) }
}

/** What several agents did in one session meets in one place. */
export function findingRecord(finding: Finding): BusRecord {
  return { key: finding.tenant_id + SEPARATOR + finding.session_id, value: encode(finding) }
}

/** In order per alert. */
export function noticeRecord(notice: Notice): BusRecord {
  return { key: notice.alert.tenant_id + SEPARATOR + notice.alert.alert_id, value: encode(notice) }
}
