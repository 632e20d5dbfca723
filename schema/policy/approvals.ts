/** The section `approvals` of a policy, and the maturity of an agent, which presets it. */
import { type Static, Type } from 'typebox'
import { ToolPattern } from './tool-pattern.ts'
import { Duration, list, Name, strict } from './words.ts'

export const MATURITIES = ['intern', 'associate', 'senior'] as const
/**
 * How far an agent is trusted to act alone. `intern`: what writes, sends, pays, deletes, grants or runs commands needs a
 * human. `associate`: what pays, deletes, grants or runs commands. `senior`: only what `approvals.required` lists.
 */
export const Maturity = Type.Enum([...MATURITIES])
export type Maturity = (typeof MATURITIES)[number]

export const ApprovalPolicy = Type.Object(
  {
    /** Tools that need a human, beside those that the maturity of the agent presets. */
    required: Type.Optional(list(ToolPattern)),
    /** Tools that need none, whatever the maturity presets. `required` beats it. */
    exempt: Type.Optional(list(ToolPattern)),
    /** Who may approve: ids of people, `*` for any run of characters. Absent: any human. */
    by: Type.Optional(list(Name)),
    /** How long an approval holds. Absent: it does not grow stale. */
    max_age: Type.Optional(Duration),
  },
  { ...strict, minProperties: 1 },
)
export type ApprovalPolicy = Static<typeof ApprovalPolicy>
