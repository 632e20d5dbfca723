/** The section `spawning` of a policy, compiled: which agents the agent may create, how many, and how deep. */
import type { SpawningPolicy } from '../schema/policy/spawning.ts'
import { quoteName } from '../schema/quote-name.ts'
import { compileGlob } from './glob.ts'
import { ALLOWED, type Judgement, type LineOf, referenceTo, summarize } from './verdict.ts'

/** How deep agents may create agents where the policy does not say: what is created creates nothing. */
const DEPTH = 1

export interface SpawningRules {
  /** Whether `allow` names agents at all; without it any may be created. */
  readonly lists: boolean
  /** Whether an agent may be created, by the names it goes by; none when telemetry names it nowhere. */
  judgeSpawn(names: readonly string[]): Judgement<'spawn'>
  /** Whether so many agents may be created in one session. */
  judgeCount(created: number): Judgement<'count'>
  /** Whether an agent may be created so many steps below this one; 1: by this one itself. */
  judgeDepth(stepsBelow: number): Judgement<'depth'>
}

/** Compiles `spawning` of one policy. `lineOf` gives the line of a path inside `spawning`. */
export function compileSpawning(policy: SpawningPolicy, file: string, lineOf: LineOf): SpawningRules {
  const { allow, max_per_session: max, max_depth: depth = DEPTH } = policy
  const allowed = allow?.map(compileGlob)
  return {
    lists: allow !== undefined,
    judgeSpawn: (names) => {
      // An agent without a name may be one that is allowed, unless none is.
      const unknown = names.length === 0 && allowed?.length !== 0
      return allowed === undefined || unknown || names.some((name) => allowed.some((matches) => matches(name)))
        ? ALLOWED
        : {
            allowed: false,
            because: 'spawn',
            expected: `creates ${summarize(allow ?? [], 'no agents')}`,
            policy: referenceTo(file, lineOf(['allow']), `add ${quoteName(names[0] ?? '*')} to spawning.allow`),
          }
    },
    judgeCount: (created) =>
      max === undefined || created <= max
        ? ALLOWED
        : {
            allowed: false,
            because: 'count',
            expected: `at most ${max} agents created in a session`,
            policy: referenceTo(file, lineOf(['max_per_session']), `raise spawning.max_per_session to ${created}`),
          },
    judgeDepth: (below) =>
      below <= depth
        ? ALLOWED
        : {
            allowed: false,
            because: 'depth',
            expected:
              depth === 1 ? 'agents that it creates create none' : `agents are created at most ${depth} steps below it`,
            policy: referenceTo(file, lineOf(['max_depth']), `set spawning.max_depth to ${below}`),
          },
  }
}
