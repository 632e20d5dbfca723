/** The section `integrity` of a policy: what the agent is made of, pinned. */
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: 512 })
const Hash = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'a SHA-256 of 64 hexadecimal characters, in lower case',
})
const LIST_LIMIT = 1000
const list = <T extends Type.TSchema>(item: T) => Type.Array(item, { minItems: 1, maxItems: LIST_LIMIT })

/** One tool as it was reviewed. */
export const PinnedTool = Type.Object(
  { name: Name, server: Type.Optional(Name), definition: Hash },
  { ...strict, description: '{name: ..., definition: <SHA-256>}, and the server where several offer the name' },
)
export type PinnedTool = Static<typeof PinnedTool>

/** The numbers that a parameter may have. */
export const PinnedRange = Type.Object(
  { min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) },
  { ...strict, minProperties: 1 },
)
export type PinnedRange = Static<typeof PinnedRange>

/** What is pinned must be what is written here; what is not pinned is compared with what this version ran with. */
export const IntegrityPolicy = Type.Object(
  {
    /** SHA-256 of each system prompt that the agent may run with, as events carry it. */
    system_prompt: Type.Optional(list(Hash)),
    /** SHA-256 of each set of tools that it may be offered. */
    tool_manifest: Type.Optional(list(Hash)),
    tools: Type.Optional(list(PinnedTool)),
    /** Globs of versions. */
    knowledge_base: Type.Optional(list(Name)),
    /** Globs of models. */
    models: Type.Optional(list(Name)),
    /** By name without its namespace: `temperature`, `top_p`, `max_tokens`. */
    parameters: Type.Optional(Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), PinnedRange)),
  },
  { ...strict, minProperties: 1 },
)
export type IntegrityPolicy = Static<typeof IntegrityPolicy>
