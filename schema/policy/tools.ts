/** The tools an agent may call: `tools` of a policy. */
import { type Static, Type } from 'typebox'
import { ToolPattern } from './tool-pattern.ts'
import { list, strict } from './words.ts'

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
