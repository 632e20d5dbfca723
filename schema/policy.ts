/**
 * An agent policy as an operator writes it (`rules/policies/*.yml`), version 1: what one agent, or one group of
 * agents, may do. A closed world: where a list `allow` stands, everything that is not on it is a violation.
 */
import { type Static, Type } from 'typebox'
import { ApprovalPolicy, Maturity } from './policy/approvals.ts'
import { DelegationPolicy } from './policy/delegation.ts'
import { IntegrityPolicy } from './policy/integrity.ts'
import { SpawningPolicy } from './policy/spawning.ts'
import { TokenPolicy } from './policy/tokens.ts'
import { ToolPattern } from './policy/tool-pattern.ts'
import { list, Name, POLICY_LIST_LIMIT, strict } from './policy/words.ts'

/**
 * Which agents a policy governs. Every field given must match the agent; `*` stands for any run of characters.
 * The most specific selector governs alone: an exact `id`, then the longer glob, then the other fields in this order.
 */
export const AgentSelector = Type.Object(
  {
    id: Type.Optional(Name),
    name: Type.Optional(Name),
    owner: Type.Optional(Name),
    framework: Type.Optional(Name),
    version: Type.Optional(Name),
  },
  { ...strict, minProperties: 1 },
)
export type AgentSelector = Static<typeof AgentSelector>

export const ToolPolicy = Type.Object(
  {
    /** What may be called. Absent: everything that `deny` does not name. Empty: nothing. */
    allow: Type.Optional(list(ToolPattern)),
    /** Beats `allow`, and is compared without regard to case and Unicode form. */
    deny: Type.Optional(list(ToolPattern)),
  },
  { ...strict, minProperties: 1 },
)
export type ToolPolicy = Static<typeof ToolPolicy>

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

/** 32 bits. */
const Shingle = Type.Integer({ minimum: 0, maximum: 0xffff_ffff })

/**
 * A system prompt known by its hashed shingles alone, so that its leak is found although its text is stored
 * nowhere: either the numbers, or a file beside the policy with one number a line, as `telltale shingles` makes it.
 */
export const RegisteredPrompt = Type.Object(
  {
    name: Name,
    shingles: Type.Optional(Type.Array(Shingle, { minItems: 1, maxItems: POLICY_LIST_LIMIT })),
    /** `*.shingles`, in the directory of the policy. */
    file: Type.Optional(Name),
  },
  {
    ...strict,
    description:
      "a system prompt known by hashed shingles alone: the numbers, or the name of a *.shingles file beside the policy, made by 'telltale shingles'",
  },
)
export type RegisteredPrompt = Static<typeof RegisteredPrompt>

export const Policy = Type.Object(
  {
    version: Type.Literal(1),
    /** Unique; shown on alerts. */
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,127}$', description: 'lower-case letters, digits, . _ -' }),
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    /** The team that answers for the agent. */
    owner: Type.Optional(Name),
    agent: AgentSelector,
    /** `alert` judges; `off` is loaded and listed, never judged. */
    mode: Type.Optional(Type.Enum(['alert', 'off'])),
    tools: Type.Optional(ToolPolicy),
    egress: Type.Optional(EgressPolicy),
    integrity: Type.Optional(IntegrityPolicy),
    delegation: Type.Optional(DelegationPolicy),
    spawning: Type.Optional(SpawningPolicy),
    tokens: Type.Optional(TokenPolicy),
    maturity: Type.Optional(Maturity),
    approvals: Type.Optional(ApprovalPolicy),
    system_prompts: Type.Optional(Type.Array(RegisteredPrompt, { maxItems: 256 })),
  },
  { ...strict, $id: 'telltale/policy/1', title: 'Telltale agent policy, version 1' },
)
export type Policy = Static<typeof Policy>
