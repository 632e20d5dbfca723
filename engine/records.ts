/**
 * How what travels on the bus is encoded and keyed. One place, so that every stage, sink and replay agree.
 *
 * Keys decide who meets whom: fragments of one trace or session, events of one agent, findings of one session,
 * notices of one alert. The tenant is part of every key, so tenants never share a key.
 */
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import type { Fragment } from '../schema/fragment.ts'
import type { Mark } from '../schema/mark.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { BusRecord, StoredRecord } from './bus/bus.ts'

/** Separates the parts of keys; no part holds it: the collector removes control characters, and tenants have none. */
const SEPARATOR = '\u001f'

/** Whose a record is: the tenant that its key begins with. Empty when the key, as of a stranger's record, names none. */
export function tenantOf(key: string): string {
  const end = key.indexOf(SEPARATOR)
  return end < 0 ? '' : key.slice(0, end)
}

/** Many values share one array: making an array for each costs more than writing it. */
const SLAB_BYTES = 64 * 1024
/** UTF-8 needs no more for one UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3
let slab = Buffer.allocUnsafe(0)
let slabUsed = 0

export function encode(value: object): Uint8Array {
  const json = JSON.stringify(value)
  const most = json.length * MOST_BYTES_PER_UNIT
  if (most > SLAB_BYTES / 2) {
    return Buffer.from(json)
  }
  if (slabUsed + most > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    slabUsed = 0
  }
  const from = slabUsed
  slabUsed += slab.write(json, from)
  return slab.subarray(from, slabUsed)
}

/** Throws `SyntaxError` on bytes that are not JSON. */
export function decode<T>(value: Uint8Array): T {
  return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')) as T
}

/**
 * Decodes a record that another version or program may have written: `undefined` when it is not JSON or not valid.
 * What this very process encoded is known to be valid.
 */
export function decodeRecord<T>(
  record: BusRecord & Pick<StoredRecord, 'isDamaged'>,
  validate: (value: unknown) => string | undefined,
): T | undefined {
  if (record.isDamaged === true) {
    return undefined
  }
  if (record.decoded !== undefined) {
    return record.decoded as T
  }
  try {
    const value = decode<unknown>(record.value)
    return validate(value) === undefined ? (value as T) : undefined
  } catch {
    return undefined
  }
}

function recordOf(key: string, decoded: object): BusRecord {
  return { key, value: encode(decoded), decoded }
}

/** The session where the dialect names one on every record, else the trace: all parts of a call meet. */
export function fragmentRecord(fragment: Fragment): BusRecord {
  return recordOf(fragment.tenant_id + SEPARATOR + fragment.join_key, fragment)
}

/** One agent's events are in one partition, in order, and its profile is local to whoever owns that partition. */
export function eventRecord(event: Telemetry): BusRecord {
  return recordOf(event.tenant_id + SEPARATOR + event.agent.id, event)
}

/** What several agents did in one session meets in one place. */
export function findingRecord(finding: Finding): BusRecord {
  return recordOf(finding.tenant_id + SEPARATOR + finding.session_id, finding)
}

/** Beside the findings of its session. */
export function markRecord(mark: Mark): BusRecord {
  return recordOf(mark.tenant_id + SEPARATOR + mark.session_id, mark)
}

/** What a collector fetched from elsewhere: whose it is, and by which of its inputs. */
export function inputKey(tenantId: string, input: string): string {
  return tenantId + SEPARATOR + input
}

/** In order per alert. */
export function noticeRecord(notice: Notice): BusRecord {
  return recordOf(notice.alert.tenant_id + SEPARATOR + notice.alert.alert_id, notice)
}
