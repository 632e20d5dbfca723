/** What the sections of a policy share: names, lists and durations. */
import { Type } from 'typebox'

/** The most entries one list of a policy may have. */
export const POLICY_LIST_LIMIT = 10_000

export const strict = { additionalProperties: false }
export const Name = Type.String({ minLength: 1, maxLength: 512 })
export const list = <T extends Type.TSchema>(item: T) => Type.Array(item, { maxItems: POLICY_LIST_LIMIT })

/** `30s`, `10m`, `1h`, `7d`: a whole number of at most six digits and a unit. `rules/duration.ts` reads it. */
export const Duration = Type.String({
  pattern: '^[0-9]{1,6}[smhd]$',
  description: 'a duration such as 30s, 10m, 1h or 7d',
})
