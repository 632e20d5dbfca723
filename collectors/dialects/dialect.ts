/**
 * A dialect is one convention for naming agent telemetry. It turns a decoded record into a fragment draft.
 *
 * Dialects are asked in the order of `index.ts`; the first that returns something other than `undefined` speaks
 * for the record. A dialect is pure, never throws on any record, and reads attributes only through
 * `collectors/otlp/values.ts`, so that placeholders, duplicate keys and odd types are handled in one place.
 */
import type { Fragment } from '../../schema/fragment.ts'
import type { LogRecord, Span } from '../otlp/records.ts'

/**
 * What a dialect says about one record: a fragment without what the collector adds (ids, tenant, times,
 * links), all optional but the role. Texts are raw: the collector finds destinations in them, masks and cuts.
 */
export type FragmentDraft = Partial<
  Omit<
    Fragment,
    'schema_version' | 'fragment_id' | 'tenant_id' | 'dialect' | 'signal' | 'observed_ms' | 'prompt_id' | 'joins'
  >
> & { readonly role: 'event' | 'part' | 'context' }

export interface Dialect {
  /** Kebab-case; equals the file name. */
  readonly id: string
  /** One sentence: which emitters speak it. */
  readonly title: string
  /** What joins its records: `session` when it names one on every record, so that logs and spans meet. */
  readonly joins: 'session' | 'trace'
  /** Speaks for a span, or is silent. */
  span?(span: Span): FragmentDraft | undefined
  /** Speaks for a log record, or is silent. */
  log?(record: LogRecord): FragmentDraft | undefined
}
