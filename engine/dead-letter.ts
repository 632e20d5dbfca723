/** Dead letters on `dead_letters`: how stages write them, and how the writer reads them in whatever form they are. */
import type { DeadLetter } from '../schema/dead-letter.ts'
import { idOf } from '../schema/ids.ts'
import type { BusRecord, StoredRecord } from './bus/bus.ts'
import { decode, encode, tenantOf } from './records.ts'

/** Who gave something up, why, when, and where it stood. */
export type DeadLetterFacts = Omit<DeadLetter, 'letter_id' | 'tenant_id' | 'key' | 'value_base64'>

/**
 * The letter about a record. Its id is a hash of what was given up, by whom and where it stood, so that one that is
 * written twice over a crash is recognised. The time is no part of it.
 *
 * @param tenantId whose the record is; only who knows better than its key gives it.
 */
export function deadLetterOf(
  facts: DeadLetterFacts,
  { key, value }: Pick<BusRecord, 'key' | 'value'>,
  tenantId = tenantOf(key),
): DeadLetter {
  const { stage, sink, topic, partition, offset } = facts
  const value_base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  const letter_id = idOf(stage, sink, topic, partition, offset, key, value_base64)
  return { letter_id, tenant_id: tenantId, ...facts, key, value_base64 }
}

/** A letter as it travels. */
export function deadLetterRecord(letter: DeadLetter): BusRecord {
  return { key: letter.key, value: encode(letter) }
}

/**
 * The letter in a record of `dead_letters`, for the store. Letters of versions that had other forms are read as far as
 * they go; what is no letter at all becomes one that holds it. So whatever is there can be stored: never throws. Whose a
 * letter is, is told anew by the key of what was given up.
 *
 * @param nowMs the time of letters that do not say theirs.
 */
export function readDeadLetter(record: StoredRecord, partition: number, nowMs: number): DeadLetter {
  const { offset, key } = record
  try {
    const letter = letterIn(decode<Partial<Record<string, unknown>> | null>(record.value), key, nowMs)
    if (letter !== undefined) {
      return letter
    }
  } catch {
    // Not JSON; told below.
  }
  const place = { topic: 'dead_letters', partition, offset }
  return deadLetterOf({ time_ms: nowMs, stage: 'unknown', reason: 'unreadable-letter', ...place }, record)
}

/** A letter has a reason, whatever its form. */
function letterIn(
  said: Partial<Record<string, unknown>> | null,
  recordKey: string,
  nowMs: number,
): DeadLetter | undefined {
  const reason = textOf(said?.reason)
  if (said === null || reason === undefined) {
    return undefined
  }
  const alert = alertIn(said.notice)
  const facts = {
    time_ms: numberOf(said.time_ms) ?? nowMs,
    // Letters of deliveries once named no stage, and held the notice as it is.
    stage: textOf(said.stage) ?? 'deliver',
    reason,
    ...withoutUndefined({
      detail: textOf(said.detail),
      sink: textOf(said.sink),
      attempts: countOf(said.attempts),
      alert_id: textOf(said.alert_id) ?? textOf(alert?.alert_id),
      topic: textOf(said.topic),
      partition: countOf(said.partition),
      offset: countOf(said.offset),
    }),
  }
  const key = textOf(said.key) ?? recordKey
  // Letters of deliveries once had the alert's id for a key.
  return deadLetterOf(facts, { key, value: bytesIn(said) }, tenantOf(key) || textOf(alert?.tenant_id))
}

function bytesIn({ value_base64, notice }: Partial<Record<string, unknown>>): Uint8Array {
  if (typeof value_base64 === 'string') {
    return Buffer.from(value_base64, 'base64')
  }
  return typeof notice === 'object' && notice !== null ? encode(notice) : Buffer.alloc(0)
}

function alertIn(notice: unknown): { alert_id?: unknown; tenant_id?: unknown } | undefined {
  return (notice as { alert?: { alert_id?: unknown; tenant_id?: unknown } } | undefined)?.alert
}

/** Longer than any of ours. */
const MAX_TEXT = 1000

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? numberOf(value) : undefined
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

function withoutUndefined<Fields extends object>(fields: Fields): Present<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<Fields>
}
