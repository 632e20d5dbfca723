/** The dead letter: a record that no stage could process, or an alert that a sink will never get, whole, with why. */
import { type Static, Type } from 'typebox'

const Count = Type.Integer({ minimum: 0 })

/** Where it comes from is trusted, what it holds is not: `key` and `value_base64` are as whoever wrote them wanted. */
export const DeadLetter = Type.Object(
  {
    /** From what was given up, by whom: over a crash one may be written twice, and is one. */
    letter_id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    tenant_id: Type.String({ description: 'Whose it was. Empty when nobody can tell.' }),
    /** When it was given up, by the clock: what cannot be read has no time of its own. */
    time_ms: Type.Number({ minimum: 0 }),
    stage: Type.String({ description: 'Who gave it up: collect, assemble, detect, correlate, write or deliver.' }),
    reason: Type.String({ description: 'Kebab-case.' }),
    detail: Type.Optional(Type.String({ description: 'What the other side said, or what is wrong.' })),
    sink: Type.Optional(Type.String({ description: 'Name of the sink that will not get it.' })),
    attempts: Type.Optional(Count),
    alert_id: Type.Optional(Type.String({ description: 'Of the alert that was to be delivered.' })),
    /** The three say where the record stood on the log; an alert to be delivered is found by its id. */
    topic: Type.Optional(Type.String()),
    partition: Type.Optional(Count),
    offset: Type.Optional(Count),
    /** Of the record; it begins with the tenant, unless a stranger wrote it. */
    key: Type.String(),
    value_base64: Type.String({ description: 'The bytes as they were; they need not be text.' }),
  },
  { additionalProperties: false },
)
export type DeadLetter = Static<typeof DeadLetter>
