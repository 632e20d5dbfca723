/**
 * The intake: the one place that turns decoded records into fragments, whichever door they came through.
 *
 * It lets a dialect speak, adds what only the collector knows (tenant, ids, links, times, service), sanitizes
 * everything, and publishes. Whether a record goes on or ends here, it is counted exactly once.
 */
import type { Fragment } from '../schema/fragment.ts'
import type { CountOutcome, DecodedRequest, Intake, Publish } from './collector.ts'
import type { Dialect, FragmentDraft } from './dialects/dialect.ts'
import { fragmentId, joinKey } from './fragment-id.ts'
import type { OtlpRecord, Resource } from './otlp/records.ts'
import { ContentKeeper, type Retention } from './sanitize/content.ts'
import { type Decoys, NO_DECOYS } from './sanitize/decoys.ts'
import { type Building, sanitizeDraft } from './sanitize/draft.ts'
import { identifier } from './sanitize/identifier.ts'

/** What a dialect said about a record, and which one it was. */
export interface Spoken {
  readonly dialect: Dialect
  readonly draft: FragmentDraft
}

export interface IntakeOptions {
  /** Finds the dialect that speaks for a record: `speak` of `dialects/index.ts`. `undefined`: none does. */
  readonly speak: (record: OtlpRecord) => Spoken | undefined
  readonly publish: Publish
  readonly count: CountOutcome
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** `none` keeps no content at all. */
  readonly retention: Retention
  /** The credentials whose masks name them, asked for each request: another set when they are others. Default: none. */
  readonly decoys?: () => Decoys
}

const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/

/** Opens the intake that the doors share. `accept` throws what `publish` throws, and then has counted nothing. */
export function createIntake({ decoys = () => NO_DECOYS, ...given }: IntakeOptions): Intake {
  const options = { ...given, keeper: keeperFor(given.retention, decoys) }
  return {
    async accept({ records, rejected }: DecodedRequest, tenantId: string): Promise<void> {
      const { published, ends } = publishAll(records, tenantId, options)
      // Not awaited, so that this is over and keeps nothing that the records take.
      return published.then(() => {
        // Counted only now: a client that was told to come back sends the same records again.
        for (const { reason, records: count } of rejected) {
          options.count(`rejected:${reason}`, count)
        }
        for (const [outcome, count] of ends) {
          options.count(outcome, count)
        }
      })
    },
    fragments(records, tenantId, observedMs) {
      return complete(records, tenantId, observedMs, options).fragments
    },
  }
}

/** A function of its own, so that what waits for the disk keeps neither records nor fragments in memory. */
function publishAll(
  records: readonly OtlpRecord[],
  tenantId: string,
  options: Keeping,
): { readonly published: Promise<void>; readonly ends: Completed['ends'] } {
  const { fragments, ends } = complete(records, tenantId, options.now(), options)
  return { published: fragments.length === 0 ? Promise.resolve() : options.publish(fragments), ends }
}

type Keeping = Omit<IntakeOptions, 'decoys'> & { readonly keeper: () => ContentKeeper }

/** Another keeper for other decoys: what the one before remembers of texts is masked as it was then. */
function keeperFor(retention: Retention, decoys: () => Decoys): () => ContentKeeper {
  let known = decoys()
  let keeper = new ContentKeeper(retention, known)
  return () => {
    const present = decoys()
    if (present !== known) {
      known = present
      keeper = new ContentKeeper(retention, known)
    }
    return keeper
  }
}

interface Completed {
  readonly fragments: readonly Fragment[]
  /** Records that end here, by outcome. */
  readonly ends: ReadonlyMap<string, number>
}

function complete(
  records: readonly OtlpRecord[],
  tenantId: string,
  observedMs: number,
  options: Pick<Keeping, 'speak' | 'keeper'>,
): Completed {
  const keeper = options.keeper()
  const fragments: Fragment[] = []
  const ends = new Map<string, number>()
  const end = (outcome: string) => ends.set(outcome, (ends.get(outcome) ?? 0) + 1)
  for (const record of records) {
    try {
      const spoken = options.speak(record)
      if (spoken === undefined) {
        end('ignored:not-agent-telemetry')
      } else {
        fragments.push(completeOne(record, spoken, tenantId, observedMs, keeper))
      }
    } catch {
      // A dialect must not throw. When one does, its record is lost and counted, and all others go on.
      end('rejected:dialect-failed')
    }
  }
  return { fragments, ends }
}

function completeOne(
  record: OtlpRecord,
  { dialect, draft }: Spoken,
  tenantId: string,
  observedMs: number,
  keeper: ContentKeeper,
): Fragment {
  const fragment: Building<Fragment> & Pick<Fragment, 'fragment_id'> = {
    schema_version: '1',
    fragment_id: fragmentId(record, draft, tenantId),
    tenant_id: tenantId,
    role: draft.role,
    dialect: dialect.id,
    signal: record.signal,
    time_ms: timeOf(record, draft, observedMs),
    observed_ms: observedMs,
  }
  const durationMs = durationOf(record, draft)
  if (durationMs !== undefined) {
    fragment.duration_ms = durationMs
  }
  link(record, draft, fragment)
  const service = draft.service === undefined ? serviceOf(record.resource) : cleanService(draft.service)
  if (service !== undefined) {
    fragment.service = service
  }
  sanitizeDraft(draft, record, keeper, fragment)
  fragment.join_key = joinKey(dialect.joins, fragment)
  return fragment as Fragment
}

/** A record without a time of its own happened when it came. */
function timeOf(record: OtlpRecord, draft: FragmentDraft, observedMs: number): number {
  const timeMs = draft.time_ms ?? (record.signal === 'span' ? record.startMs : record.timeMs)
  return Number.isFinite(timeMs) && timeMs > 0 ? timeMs : observedMs
}

function durationOf(record: OtlpRecord, draft: FragmentDraft): number | undefined {
  const durationMs =
    draft.duration_ms ??
    (record.signal === 'span' && record.startMs > 0 && record.endMs > 0 ? record.endMs - record.startMs : undefined)
  return durationMs === undefined || !Number.isFinite(durationMs) ? undefined : Math.max(0, durationMs)
}

function link(record: OtlpRecord, draft: FragmentDraft, fragment: Building<Fragment>): void {
  const traceId = draft.trace_id ?? record.traceId
  const spanId = draft.span_id ?? record.spanId
  const parentSpanId = draft.parent_span_id ?? (record.signal === 'span' ? record.parentSpanId : undefined)
  if (traceId !== undefined && TRACE_ID.test(traceId)) {
    fragment.trace_id = traceId
  }
  if (spanId !== undefined && SPAN_ID.test(spanId)) {
    fragment.span_id = spanId
  }
  if (parentSpanId !== undefined && SPAN_ID.test(parentSpanId)) {
    fragment.parent_span_id = parentSpanId
  }
}

const services = new WeakMap<Resource, { readonly service: Fragment['service'] }>()

/** The service of a resource, which all records of a group share. */
function serviceOf(resource: Resource): Fragment['service'] {
  let known = services.get(resource)
  if (known === undefined) {
    const name = resource.attributes.get('service.name')
    const version = resource.attributes.get('service.version')
    known = {
      service:
        typeof name === 'string'
          ? cleanService({ name, ...(typeof version === 'string' ? { version } : {}) })
          : undefined,
    }
    services.set(resource, known)
  }
  return known.service
}

function cleanService(service: { readonly name: string; readonly version?: string }): Fragment['service'] {
  const name = identifier(service.name)
  const version = identifier(service.version)
  return name === undefined ? undefined : { name, ...(version === undefined ? {} : { version }) }
}
