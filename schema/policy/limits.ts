/** How much an agent may do in a session, an hour or a day: `limits` of a policy. */
import { type Static, Type } from 'typebox'
import { strict } from './words.ts'

const Limit = Type.Number({ minimum: 0 })

export const LimitsPolicy = Type.Object(
  {
    /** Calls of tools and retrievals in one session. */
    calls_per_session: Type.Optional(Limit),
    /** The same in one hour of the clock (UTC), over all sessions of one agent. */
    calls_per_hour: Type.Optional(Limit),
    /** Input and output tokens of model calls in one session. */
    tokens_per_session: Type.Optional(Limit),
    /** US dollars that model calls cost in one day (UTC), over all sessions of one agent. */
    cost_usd_per_day: Type.Optional(Limit),
  },
  { ...strict, minProperties: 1 },
)
export type LimitsPolicy = Static<typeof LimitsPolicy>
