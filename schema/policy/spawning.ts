/** The section `spawning` of a policy: which agents the agent may create, how many, and how deep. */
import { type Static, Type } from 'typebox'
import { list, Name, strict } from './words.ts'

export const SpawningPolicy = Type.Object(
  {
    /** Names or ids of agents that may be created; `*` for any run of characters. Absent: any. Empty: none. */
    allow: Type.Optional(list(Name)),
    /** The most agents created in one session. Absent: any number. */
    max_per_session: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    /** 1: what the agent creates may create nothing itself. Absent: 1. */
    max_depth: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
  },
  { ...strict, minProperties: 1 },
)
export type SpawningPolicy = Static<typeof SpawningPolicy>
