/** The section `tokens` of a policy: which credentials the agent may ask for and use. */
import { type Static, Type } from 'typebox'
import { Duration, list, Name, strict } from './words.ts'

export const TokenPolicy = Type.Object(
  {
    /** Scopes, `*` for any run of characters. Absent: any. */
    scopes: Type.Optional(list(Name)),
    /** Hosts (`api.example.com`, `*.example.com`) or whole identifiers (`https://graph.example.com/`). Absent: any. */
    audiences: Type.Optional(list(Name)),
    /** The longest a credential may live. */
    max_lifetime: Type.Optional(Duration),
  },
  { ...strict, minProperties: 1 },
)
export type TokenPolicy = Static<typeof TokenPolicy>
