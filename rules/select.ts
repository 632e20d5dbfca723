/** Which policy governs an agent: the one with the most specific selector, alone. */
import type { AgentSelector } from '../schema/policy.ts'
import type { Agent } from '../schema/telemetry.ts'
import { compileGlob, globsIntersect, isGlob, literalLength } from './glob.ts'

/** The fields of a selector, the most telling first. */
export const SELECTOR_FIELDS = ['id', 'name', 'owner', 'framework', 'version'] as const

/** Two numbers a field (exact before glob before absent, then the fixed length of a glob), compared from the left. */
type Specificity = readonly number[]

export function specificityOf(selector: AgentSelector): Specificity {
  return SELECTOR_FIELDS.flatMap((field) => {
    const pattern = selector[field]
    if (pattern === undefined) {
      return [0, 0]
    }
    return isGlob(pattern) ? [1, literalLength(pattern)] : [2, 0]
  })
}

/** Negative when `one` is the more specific. */
export function bySpecificity(one: AgentSelector, other: AgentSelector): number {
  const left = specificityOf(one)
  const right = specificityOf(other)
  const at = left.findIndex((rank, index) => rank !== right[index])
  return at < 0 ? 0 : (right[at] ?? 0) - (left[at] ?? 0)
}

/** Whether an agent can exist that both select, neither more specifically than the other. */
export function contradict(one: AgentSelector, other: AgentSelector): boolean {
  return (
    bySpecificity(one, other) === 0 &&
    SELECTOR_FIELDS.every((field) => globsIntersect(one[field] ?? '*', other[field] ?? '*'))
  )
}

/** Compiles a selector. An agent that does not state a field is not selected by it. */
export function compileSelector(selector: AgentSelector): (agent: Agent) => boolean {
  const tests = SELECTOR_FIELDS.flatMap((field) => {
    const pattern = selector[field]
    return pattern === undefined ? [] : [{ field, matches: compileGlob(pattern) }]
  })
  return (agent) =>
    tests.every(({ field, matches }) => {
      const value = agent[field]
      return value !== undefined && matches(value)
    })
}

/** For messages: `id 'support-*', version '2'`. */
export function describeSelector(selector: AgentSelector): string {
  return SELECTOR_FIELDS.flatMap((field) =>
    selector[field] === undefined ? [] : [`${field} '${selector[field]}'`],
  ).join(', ')
}
