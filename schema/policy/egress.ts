/** The destinations an agent may reach: `egress` of a policy. */
import { type Static, Type } from 'typebox'
import { list, Name, POLICY_LIST_LIMIT, strict } from './words.ts'

export const EgressPolicy = Type.Object(
  {
    /** `api.example.com`, `*.example.com` (any depth below it, not itself), `10.0.0.0/8`, `203.0.113.7`, `host:8443`, `*`. */
    allow: Type.Optional(list(Name)),
    /** Beats `allow`. */
    deny: Type.Optional(list(Name)),
    /** Ports allowed where the entry of `allow` names none. Absent: any. */
    ports: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: POLICY_LIST_LIMIT }),
    ),
  },
  { ...strict, minProperties: 1 },
)
export type EgressPolicy = Static<typeof EgressPolicy>
