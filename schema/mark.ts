/**
 * A mark, version 1: a small fact about one event that detectors of whole sessions need, and no opinion. Marks travel on
 * `[findings]` beside findings, keyed by session, so that what several agents did meets in one place. They are not stored.
 */
import { type Static, Type } from 'typebox'
import type { Finding } from './finding.ts'
import { Agent, NAME_LIMIT } from './telemetry.ts'

export const MARK_KINDS = ['private-data', 'untrusted-content', 'outward', 'handed-over'] as const
/**
 * `private-data`: something private was read. `untrusted-content`: the agent was given text that an outsider may have
 * written. `outward`: data was sent to the outside. `handed-over`: another agent called this one.
 */
export type MarkKind = (typeof MARK_KINDS)[number]

/** What is said of an event: how it shows, in fixed words, and the name behind it as the agent gave it. */
const said = {
  kind: Type.Enum([...MARK_KINDS]),
  source: Type.String({ pattern: '^[a-z][a-z-]{0,63}$' }),
  untrusted_name: Type.Optional(Type.String({ maxLength: NAME_LIMIT })),
}

const Id = Type.String({ pattern: '^[0-9a-f]{32}$' })

export const Mark = Type.Object(
  {
    schema_version: Type.Literal('1'),
    mark_id: Id,
    tenant_id: Type.String(),
    event_id: Id,
    time_ms: Type.Number({ minimum: 0 }),
    agent: Agent,
    session_id: Type.String(),
    trace_id: Type.Union([Type.String(), Type.Null()]),
    ...said,
  },
  { additionalProperties: false, $id: 'telltale/mark/1', title: 'Telltale mark, version 1' },
)
export type Mark = Static<typeof Mark>

/** What a marker returns; the engine completes it into a `Mark`. */
export type MarkDraft = Pick<Mark, keyof typeof said>

/** Tells apart what travels on `[findings]`. */
export function isMark(value: Finding | Mark): value is Mark {
  return 'mark_id' in value
}
