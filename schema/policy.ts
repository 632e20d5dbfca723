/**
 * An agent policy as an operator writes it (`rules/policies/*.yml`), version 1: what one agent, or one group of
 * agents, may do. A closed world: where a list `allow` stands, everything that is not on it is a violation.
 *
 * Each section is a file in `schema/policy/`. Sections of the policy named by `extends` hold where this one has none.
 */
import { type Static, Type } from 'typebox'
import { ApprovalPolicy, Maturity } from './policy/approvals.ts'
import { CanaryPolicy } from './policy/canaries.ts'
import { DatasetPolicy } from './policy/datasets.ts'
import { DelegationPolicy } from './policy/delegation.ts'
import { EgressPolicy } from './policy/egress.ts'
import { IntegrityPolicy } from './policy/integrity.ts'
import { LimitsPolicy } from './policy/limits.ts'
import { PurposePolicy } from './policy/purpose.ts'
import { AgentSelector } from './policy/selector.ts'
import { SpawningPolicy } from './policy/spawning.ts'
import { RegisteredPrompt } from './policy/system-prompts.ts'
import { PolicyTestEntry } from './policy/tests.ts'
import { TokenPolicy } from './policy/tokens.ts'
import { ToolPolicy } from './policy/tools.ts'
import { Name, strict } from './policy/words.ts'

const Id = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,127}$', description: 'lower-case letters, digits, . _ -' })

export const POLICY_MODES = ['alert', 'learn', 'off'] as const
export type PolicyMode = (typeof POLICY_MODES)[number]

export const Policy = Type.Object(
  {
    version: Type.Literal(1),
    /** Unique; shown on alerts. */
    id: Id,
    /** The policy whose sections hold where this one has none. A section given here replaces that section, whole. */
    extends: Type.Optional(Id),
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    /** The team that answers for the agent. */
    owner: Type.Optional(Name),
    /** Absent: the policy governs nobody and is there to be extended. */
    agent: Type.Optional(AgentSelector),
    /** `alert` judges; `learn` judges, and what it finds pages nobody; `off` is loaded and listed, never judged. */
    mode: Type.Optional(Type.Enum([...POLICY_MODES])),
    /** From then on it governs no more. A date is its first moment in UTC. */
    expires: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2}))?$',
        description: "a date such as '2027-03-01', or a time with its zone such as '2027-03-01T12:00:00Z'",
      }),
    ),
    tools: Type.Optional(ToolPolicy),
    egress: Type.Optional(EgressPolicy),
    integrity: Type.Optional(IntegrityPolicy),
    delegation: Type.Optional(DelegationPolicy),
    spawning: Type.Optional(SpawningPolicy),
    tokens: Type.Optional(TokenPolicy),
    maturity: Type.Optional(Maturity),
    approvals: Type.Optional(ApprovalPolicy),
    canaries: Type.Optional(CanaryPolicy),
    datasets: Type.Optional(DatasetPolicy),
    purpose: Type.Optional(PurposePolicy),
    limits: Type.Optional(LimitsPolicy),
    system_prompts: Type.Optional(Type.Array(RegisteredPrompt, { maxItems: 256 })),
    /** Examples of its own, which `telltale check` holds it to. */
    tests: Type.Optional(Type.Array(PolicyTestEntry, { maxItems: 1000 })),
  },
  { ...strict, $id: 'telltale/policy/1', title: 'Telltale agent policy, version 1' },
)
export type Policy = Static<typeof Policy>
