/** What an agent is there for, and what does not go with it: `purpose` of a policy. */
import { type Static, Type } from 'typebox'
import { list, Name, strict } from './words.ts'

/** What a call does to the world, as far as its name, its statement or its request says so. */
export const ACTS = ['read', 'write', 'delete', 'send', 'run', 'pay', 'grant'] as const
export type Act = (typeof ACTS)[number]

/**
 * A use: an act (`write`), a tool or dataset (`feature-store/*`: any act on it, reading too), or an act on one of
 * those. Tools and datasets are compared as ends of their names, without regard to case.
 */
export const Use = Type.Union([Name, Type.Object({ act: Type.Optional(Type.Enum([...ACTS])), on: Name }, strict)], {
  description: `an act (${ACTS.join(', ')}), a tool or dataset such as 'feature-store/*', or {act: ..., on: ...}`,
})
export type Use = Static<typeof Use>

export const PurposePolicy = Type.Object(
  {
    /** A purpose that `rules/purposes.ts` knows brings what it forbids along; another is shown on alerts, no more. */
    declared: Name,
    /** Forbidden in addition. */
    forbid: Type.Optional(list(Use)),
    /** Exceptions from what is forbidden. */
    allow: Type.Optional(list(Use)),
  },
  strict,
)
export type PurposePolicy = Static<typeof PurposePolicy>
