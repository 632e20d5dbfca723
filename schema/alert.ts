/**
 * The alert, version 1: one or more findings that somebody should look at, with a stable id and a lifecycle. It tells the
 * story of one session: its findings stand in the order of event time, whichever agents and detectors they are of.
 */
import { type Static, Type } from 'typebox'
import { AlertKind, Evidence, PolicyReference, Severity } from './finding.ts'
import { Agent } from './telemetry.ts'

const strict = { additionalProperties: false }
const Id = Type.String({ pattern: '^[0-9a-f]{32}$' })
const Line = Type.String({ minLength: 1, maxLength: 1000 })

/** A finding as an alert carries it: the opinion, without what the alert already says. */
export const AlertFinding = Type.Object(
  {
    finding_id: Id,
    detector: Type.String(),
    event_id: Id,
    time_ms: Type.Number({ minimum: 0 }),
    /** Whose event it was: the findings of an alert may be about several agents of one session. */
    agent_id: Agent.properties.id,
    severity: Severity,
    reason: Line,
    observed: Line,
    expected: Line,
    silence: Type.Optional(Line),
    p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    evidence: Evidence,
    techniques: Type.Array(Type.String()),
  },
  strict,
)
export type AlertFinding = Static<typeof AlertFinding>

/** A technique with the words an analyst needs beside its id. */
export const AlertTechnique = Type.Object(
  { id: Type.String(), name: Type.String(), tactics: Type.Array(Type.String()) },
  strict,
)
export type AlertTechnique = Static<typeof AlertTechnique>

/** How far somebody is with it, in order. */
export const ALERT_STATUSES = ['new', 'acknowledged', 'closed'] as const

export const Alert = Type.Object(
  {
    schema_version: Type.Literal('1'),
    alert_id: Id,
    /** Event time of the event that opened it, raised it or let another detector join: what was known by then is in it. */
    time_ms: Type.Number({ minimum: 0 }),
    first_event_ms: Type.Number({ minimum: 0 }),
    tenant_id: Type.String(),
    /** Of the worst finding. */
    agent: Agent,
    session_id: Type.String(),
    trace_id: Type.Union([Type.String(), Type.Null()]),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    reason: Line,
    severity: Severity,
    confidence: Type.Number({ minimum: 0, maximum: 1 }),
    kind: AlertKind,
    findings: Type.Array(AlertFinding, { minItems: 1, maxItems: 20 }),
    techniques: Type.Array(AlertTechnique),
    atlas_version: Type.String(),
    owasp: Type.Array(Type.String()),
    policy: Type.Optional(PolicyReference),
    runbook: Type.Array(Line, { minItems: 1 }),
    status: Type.Enum([...ALERT_STATUSES]),
    disposition: Type.Optional(Type.Enum(['benign', 'false_positive', 'true_positive'])),
  },
  { ...strict, $id: 'telltale/alert/1', title: 'Telltale alert, version 1' },
)
export type Alert = Static<typeof Alert>

/** An alert on its way to somebody: what happened to it, once per change of the alert. Travels on `[alerts]`. */
export interface Notice {
  readonly type: 'alert.created' | 'alert.updated'
  readonly alert: Alert
  /** The same over every retry; receivers deduplicate on it. 32 hex. */
  readonly notice_id: string
}
