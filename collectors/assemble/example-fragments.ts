/** Fragments for tests: one trace of one agent unless told otherwise. */
import type { Fragment } from '../../schema/fragment.ts'

export const TRACE = 'a'.repeat(32)
export const START_MS = 1_700_000_000_000

/** 16 hex from a short name, so that tests can speak of spans by name. */
export function spanId(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(16, '0').slice(0, 16)
}

let made = 0

type Overrides = Omit<Partial<Fragment>, 'span_id' | 'parent_span_id'> & { readonly parent?: string }

/** A span called `name` in `TRACE`, below `parent`. */
export function span(name: string, { parent, ...overrides }: Overrides): Fragment {
  const trace = overrides.trace_id ?? TRACE
  return {
    ...base(),
    // As the intake does it: the same span again is the same fragment.
    fragment_id: `${trace.slice(0, 16)}${spanId(name)}`,
    signal: 'span',
    trace_id: trace,
    span_id: spanId(name),
    duration_ms: 10,
    ...(parent === undefined ? {} : { parent_span_id: spanId(parent) }),
    ...overrides,
  }
}

/** A log record, in no trace; `within` puts it into `TRACE`, written in that span. */
export function log({
  within,
  ...overrides
}: Omit<Partial<Fragment>, 'span_id'> & { readonly within?: string }): Fragment {
  return {
    ...base(),
    signal: 'log',
    ...(within === undefined ? {} : { trace_id: TRACE, span_id: spanId(within) }),
    ...overrides,
  }
}

function base(): Pick<
  Fragment,
  | 'schema_version'
  | 'fragment_id'
  | 'tenant_id'
  | 'role'
  | 'dialect'
  | 'time_ms'
  | 'observed_ms'
  | 'join_key'
  | 'service'
> {
  made += 1
  return {
    schema_version: '1',
    fragment_id: made.toString(16).padStart(32, 'f'),
    tenant_id: 'default',
    role: 'event',
    dialect: 'otel-genai',
    time_ms: START_MS,
    observed_ms: START_MS,
    join_key: TRACE,
    service: { name: 'shop' },
  }
}
