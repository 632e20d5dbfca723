/** Which agents a policy governs: `agent` of a policy. */
import { type Static, Type } from 'typebox'
import { LABEL_LIMIT, LabelKey } from '../telemetry.ts'
import { Name, strict } from './words.ts'

/**
 * Which agents a policy governs. Every field given must match the agent; `*` stands for any run of characters.
 * The most specific selector governs alone: an exact `id`, then the longer glob, then the other fields in this order;
 * of labels, more labels before fewer, exact values before globs.
 */
export const AgentSelector = Type.Object(
  {
    id: Type.Optional(Name),
    name: Type.Optional(Name),
    owner: Type.Optional(Name),
    framework: Type.Optional(Name),
    version: Type.Optional(Name),
    /** Every label named here must be on the agent, with a value that matches. */
    labels: Type.Optional(Type.Record(LabelKey, Name, { minProperties: 1, maxProperties: LABEL_LIMIT, ...strict })),
  },
  { ...strict, minProperties: 1 },
)
export type AgentSelector = Static<typeof AgentSelector>
