/** The destinations an agent may reach: `egress` of a policy. */
import { type Static, Type } from 'typebox'
import { list, Name, POLICY_LIST_LIMIT, strict } from './words.ts'

const Ports = Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: POLICY_LIST_LIMIT })
const Methods = Type.Array(
  Type.String({ pattern: '^[A-Z]{1,20}$', description: 'a method in capitals, such as GET or POST' }),
  { minItems: 1, maxItems: 32 },
)

/** `api.example.com`, `*.example.com` (any depth below it, not itself), `10.0.0.0/8`, `203.0.113.7`, `host:8443`, `*`. */
export const EgressEntry = Type.Union(
  [Name, Type.Object({ host: Name, ports: Type.Optional(Ports), methods: Type.Optional(Methods) }, strict)],
  { description: "a host such as '*.example.com', or {host: ..., ports: [443], methods: [GET]}" },
)
export type EgressEntry = Static<typeof EgressEntry>

export const EgressPolicy = Type.Object(
  {
    /** What may be reached. Absent: everything that `deny` does not name. Empty: nothing. */
    allow: Type.Optional(list(EgressEntry)),
    /** Beats `allow`. An entry with ports or methods denies these alone. */
    deny: Type.Optional(list(EgressEntry)),
    /** Ports allowed where the entry of `allow` names none. Absent: any. */
    ports: Type.Optional(Ports),
    /** Methods allowed where the entry of `allow` names none. Absent: any. Telemetry that names no method is let pass. */
    methods: Type.Optional(Methods),
  },
  { ...strict, minProperties: 1 },
)
export type EgressPolicy = Static<typeof EgressPolicy>
