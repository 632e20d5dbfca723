/** The system prompts whose leak is looked for: `system_prompts` of a policy. */
import { type Static, Type } from 'typebox'
import { Name, POLICY_LIST_LIMIT, strict } from './words.ts'

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
