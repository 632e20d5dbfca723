/**
 * A finding, version 1: a detector's opinion about one event, with its evidence.
 *
 * Detectors return a `FindingDraft`; the engine adds who, when and the deterministic id. Findings travel on
 * the bus keyed by tenant and session, so that everything about one session meets in one place.
 */
import { type Static, Type } from 'typebox'
import { Agent } from './telemetry.ts'

/** The longest agent-supplied text a finding or alert carries, in UTF-16 units. */
export const UNTRUSTED_LIMIT = 2000

const strict = { additionalProperties: false }
const Id = Type.String({ pattern: '^[0-9a-f]{32}$' })
const Line = Type.String({ minLength: 1, maxLength: 1000 })
const Scalar = Type.Union([Type.String({ maxLength: UNTRUSTED_LIMIT }), Type.Number(), Type.Boolean()])

export const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'] as const
export const Severity = Type.Enum([...SEVERITIES])
export type Severity = (typeof SEVERITIES)[number]

/** Where a severity stands in `SEVERITIES`: the graver, the greater. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

export const ALERT_KINDS = ['policy', 'content', 'integrity', 'baseline', 'rule', 'correlation'] as const
export const AlertKind = Type.Enum([...ALERT_KINDS])
export type AlertKind = (typeof ALERT_KINDS)[number]

/** The policy line that was broken, and the change that would allow what happened. */
export const PolicyReference = Type.Object(
  { file: Type.String(), line: Type.Optional(Type.Integer({ minimum: 1 })), allow_with: Type.Optional(Line) },
  strict,
)
export type PolicyReference = Static<typeof PolicyReference>

/**
 * Facts behind an opinion. Flat. A value that an agent supplied verbatim lives under a key that starts with
 * `untrusted_`, is cut to `UNTRUSTED_LIMIT`, and never enters a title or reason unescaped.
 */
export const Evidence = Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), Scalar, {
  maxProperties: 24,
  ...strict,
})
export type Evidence = Static<typeof Evidence>

const opinion = {
  /** Groups findings of one session into one alert: the same cause again is the same alert. */
  cause: Type.String({ minLength: 1, maxLength: 256 }),
  severity: Severity,
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
  /** Few fixed words, no agent-supplied text except names passed through `quoteName`. */
  title: Type.String({ minLength: 1, maxLength: 200 }),
  /** One sentence an analyst can read aloud. */
  reason: Line,
  observed: Line,
  expected: Line,
  /** What would silence it: the policy line, disposition or setting. */
  silence: Type.Optional(Line),
  /** Calibrated tail probability, for statistical findings. */
  p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  evidence: Evidence,
  /**
   * What the opinion was drawn from, where that is a text: its hash, the same wherever the text turns up. Opinions of one
   * origin are one piece of evidence, however many they are.
   */
  origin: Type.Optional(Id),
  techniques: Type.Array(Type.String({ pattern: '^AML\\.T\\d{4}(\\.\\d{3})?$' }), { maxItems: 16 }),
  policy: Type.Optional(PolicyReference),
}

/** What a detector returns; the engine completes it into a `Finding`. */
export const FindingDraft = Type.Object(opinion, strict)
export type FindingDraft = Static<typeof FindingDraft>

export const Finding = Type.Object(
  {
    schema_version: Type.Literal('1'),
    finding_id: Id,
    tenant_id: Type.String(),
    detector: Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
    detector_version: Type.Integer({ minimum: 1 }),
    kind: AlertKind,
    event_id: Id,
    time_ms: Type.Number({ minimum: 0 }),
    agent: Agent,
    session_id: Type.String(),
    trace_id: Type.Union([Type.String(), Type.Null()]),
    owasp: Type.Array(Type.String()),
    ...opinion,
  },
  { ...strict, $id: 'telltale/finding/1', title: 'Telltale finding, version 1' },
)
export type Finding = Static<typeof Finding>
