/** The limits part of a policy, compiled: one entry for each limit that is set. */
import type { PolicyReference } from '../schema/finding.ts'
import type { LimitsPolicy } from '../schema/policy/limits.ts'
import { type LineOf, referenceTo } from './verdict.ts'

export type LimitKind = keyof LimitsPolicy

/** One limit: how much there may be, and the line that says so. */
export interface Limit {
  readonly kind: LimitKind
  readonly most: number
  readonly policy: PolicyReference
}

const KINDS: readonly LimitKind[] = ['calls_per_session', 'calls_per_hour', 'tokens_per_session', 'cost_usd_per_day']

/** Compiles `limits` of one policy. `lineOf` gives the line of a path inside `limits`. */
export function compileLimits(policy: LimitsPolicy, file: string, lineOf: LineOf): readonly Limit[] {
  return KINDS.flatMap((kind) => {
    const most = policy[kind]
    if (most === undefined) {
      return []
    }
    return [{ kind, most, policy: referenceTo(file, lineOf([kind]), `raise limits.${kind} above ${most}`) }]
  })
}
