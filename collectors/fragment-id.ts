/**
 * Ids and keys of fragments. Both depend on the record alone, so a record sent again, or read back from a file,
 * gets the same id and lands in the same partition.
 */
import { hash } from 'node:crypto'
import type { Fragment } from '../schema/fragment.ts'
import type { Dialect, FragmentDraft } from './dialects/dialect.ts'
import type { AttributeMap, AttributeValue, LogRecord, OtlpRecord, Span } from './otlp/records.ts'

/** What orders the log records of a session, where an emitter counts them. */
const SEQUENCES = ['event.sequence', 'tool_result_seq'] as const

/** 32 hex. Two records share an id only when one is a copy of the other. */
export function fragmentId(record: OtlpRecord, draft: FragmentDraft, tenantId: string): string {
  const parts = record.signal === 'span' ? spanIdentity(record) : logIdentity(record, draft)
  // JSON keeps parts apart whatever they hold; ids of spans are hexadecimal and need none.
  const identity = typeof parts === 'string' ? `${parts} ${tenantId}` : JSON.stringify([tenantId, ...parts])
  return hash('sha256', identity, 'hex').slice(0, 32)
}

/**
 * What joins a fragment with its relatives: the session where its dialect names one on every record, else the
 * trace, else the session; a fragment with neither stands alone.
 */
export function joinKey(
  joins: Dialect['joins'],
  fragment: Pick<Fragment, 'session_id' | 'trace_id' | 'fragment_id'>,
): string {
  const session = fragment.session_id
  return joins === 'session' && session !== undefined ? session : (fragment.trace_id ?? session ?? fragment.fragment_id)
}

function spanIdentity(span: Span): string | readonly unknown[] {
  if (span.traceId !== undefined && span.spanId !== undefined) {
    return `span ${span.traceId} ${span.spanId}`
  }
  return ['span', span.traceId, span.spanId, span.name, span.startMs, span.endMs, canonical(span.attributes)]
}

function logIdentity(record: LogRecord, draft: FragmentDraft): readonly unknown[] {
  const identity = [
    'log',
    scalar(record.resource.attributes.get('service.name')),
    draft.session_id,
    record.eventName,
    scalar(record.attributes.get('event.name')),
    draft.tool?.call_id,
    record.timeMs,
    record.traceId,
    record.spanId,
  ]
  const sequence = SEQUENCES.map((key) => scalar(record.attributes.get(key)))
  // Without a sequence, one call can log twice in a millisecond, and only the whole record tells the two apart.
  return sequence.some((value) => value !== undefined)
    ? [...identity, ...sequence]
    : [...identity, canonical(record.attributes), canonical(record.body)]
}

function scalar(value: AttributeValue): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

/** A value as JSON can write it, in the order it was sent. */
function canonical(value: AttributeValue | AttributeMap): unknown {
  if (typeof value === 'bigint') {
    return { bigint: String(value) }
  }
  if (value instanceof Uint8Array) {
    return { bytes: hash('sha256', value, 'hex') }
  }
  if (value instanceof Map) {
    return { map: [...value].map(([key, member]) => [key, canonical(member)]) }
  }
  return Array.isArray(value) ? value.map(canonical) : value
}
