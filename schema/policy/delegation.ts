/** The section `delegation` of a policy: who may call the agent, whom it may call, and what must hold on the way. */
import { type Static, Type } from 'typebox'
import { list, strict } from './words.ts'

/**
 * A principal of a subject chain: its kind alone (`human`: any of them), or kind and id, in which `*` stands for any
 * run of characters.
 */
export const PrincipalPattern = Type.String({
  pattern: '^(human|agent|service)(:.{1,500})?$',
  description: "write 'human', 'agent:planner' or 'service:cron-*'",
})

export const DelegationPolicy = Type.Object(
  {
    /** Who may call the agent directly. Absent: anybody. */
    callers: Type.Optional(list(PrincipalPattern)),
    /** Whom the agent may call. Absent: anybody. */
    may_call: Type.Optional(list(PrincipalPattern)),
    /** How many agents may stand above the agent in a chain. 0: only people and services call it. */
    max_depth: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
    /** Whether a chain must, or must not, begin with a human. Absent: either. */
    human_at_root: Type.Optional(Type.Enum(['required', 'forbidden'])),
    /**
     * Whether what the agent does for another agent needs a policy decision of its own (`telltale.policy_snapshot`), where
     * decisions are recorded. Absent: required.
     */
    new_decision: Type.Optional(Type.Enum(['required', 'optional'])),
  },
  { ...strict, minProperties: 1 },
)
export type DelegationPolicy = Static<typeof DelegationPolicy>
