/** Which policy governs an agent: the one with the most specific selector, alone. */
import type { AgentSelector } from '../schema/policy.ts'
import type { Agent } from '../schema/telemetry.ts'
import { compileGlob, globsIntersect, isGlob, literalLength } from './glob.ts'

/** The fields of a selector, the most telling first. */
const SELECTOR_FIELDS = ['id', 'name', 'owner', 'framework', 'version'] as const

/** Two numbers a field (exact before glob before absent, then the fixed length of a glob), compared from the left. */
type Specificity = readonly number[]

function specificityOf(selector: AgentSelector): Specificity {
  return SELECTOR_FIELDS.flatMap((field) => {
    const pattern = selector[field]
    if (pattern === undefined) {
      return [0, 0]
    }
    return isGlob(pattern) ? [1, literalLength(pattern)] : [2, 0]
  })
}

/** Negative when `one` is the more specific. */
function compareSpecificity(one: Specificity, other: Specificity): number {
  const at = one.findIndex((rank, index) => rank !== other[index])
  return at < 0 ? 0 : (other[at] ?? 0) - (one[at] ?? 0)
}

const CACHE_LIMIT = 10_000

/**
 * Finds the value of the most specific selector that selects an agent. Among thousands of selectors only those whose
 * `id` begins as the agent's does are tried, and answers are remembered, since it is asked for every event.
 */
export function mostSpecific<Value>(
  entries: readonly { readonly selector: AgentSelector; readonly value: Value }[],
): (agent: Agent) => Value | undefined {
  const ranked = entries
    .map(({ selector, value }) => ({ selector, value, specificity: specificityOf(selector) }))
    .sort((one, other) => compareSpecificity(one.specificity, other.specificity))
    .map(({ selector, value }, rank) => ({
      rank,
      value,
      selects: compileSelector(selector),
      start: startOf(selector.id),
    }))
  const byStart = new Map<string, typeof ranked>()
  for (const rule of ranked) {
    const rules = byStart.get(rule.start) ?? []
    rules.push(rule)
    byStart.set(rule.start, rules)
  }
  const lengths = [...new Set([...byStart.keys()].map((start) => start.length))]
  const find = (agent: Agent) => {
    let best: (typeof ranked)[number] | undefined
    for (const length of lengths) {
      const found = byStart.get(agent.id.slice(0, length))?.find(({ selects }) => selects(agent))
      best = found !== undefined && found.rank < (best?.rank ?? ranked.length) ? found : best
    }
    return best?.value
  }
  const fields = SELECTOR_FIELDS.filter((field) => entries.some(({ selector }) => selector[field] !== undefined))
  const known = new Map<string, Value | undefined>()
  return (agent) => {
    const [only = 'id'] = fields
    const key = fields.length <= 1 ? (agent[only] ?? '') : JSON.stringify(fields.map((field) => agent[field]))
    if (!known.has(key)) {
      if (known.size >= CACHE_LIMIT) {
        known.clear()
      }
      known.set(key, find(agent))
    }
    return known.get(key)
  }
}

/** What every text begins with that a pattern matches. */
function startOf(pattern: string | undefined): string {
  return pattern?.split('*', 1)[0] ?? ''
}

/**
 * Pairs that some agent could be under with equal right, each later entry with the first earlier one. Thousands of
 * policies are ordinary, so only pairs that can meet are compared: equal in specificity and exact fields, and the fixed
 * beginning of one glob the beginning of the other.
 */
export function rivals<Entry>(
  entries: readonly Entry[],
  selectorOf: (entry: Entry) => AgentSelector,
): readonly (readonly [Entry, Entry])[] {
  const groups = new Map<string, { readonly entry: Entry; readonly order: number; readonly start: string }[]>()
  for (const [order, entry] of entries.entries()) {
    const selector = selectorOf(entry)
    const exact = SELECTOR_FIELDS.map((field) => (isGlob(selector[field] ?? '*') ? undefined : selector[field]))
    const key = JSON.stringify([specificityOf(selector), exact])
    const group = groups.get(key)
    const member = { entry, order, start: fixedStart(selector) }
    if (group === undefined) {
      groups.set(key, [member])
    } else {
      group.push(member)
    }
  }
  const first = new Map<number, number>()
  for (const group of groups.values()) {
    group.sort((one, other) => (one.start === other.start ? one.order - other.order : one.start < other.start ? -1 : 1))
    // Sorted by beginnings, what is open are the entries whose beginning the present one continues.
    const open: typeof group = []
    for (const member of group) {
      while (open.length > 0 && !member.start.startsWith(open.at(-1)?.start ?? '')) {
        open.pop()
      }
      for (const other of open) {
        if (meet(selectorOf(member.entry), selectorOf(other.entry))) {
          const [early, late] = [Math.min(member.order, other.order), Math.max(member.order, other.order)]
          first.set(late, Math.min(early, first.get(late) ?? early))
        }
      }
      open.push(member)
    }
  }
  return [...first]
    .sort(([one], [other]) => one - other)
    .map(([late, early]) => [entries[late] as Entry, entries[early] as Entry] as const)
}

/** What the first glob of a selector begins with. */
function fixedStart(selector: AgentSelector): string {
  const glob = SELECTOR_FIELDS.map((field) => selector[field]).find(
    (pattern) => pattern !== undefined && isGlob(pattern),
  )
  return startOf(glob)
}

function meet(one: AgentSelector, other: AgentSelector): boolean {
  return SELECTOR_FIELDS.every((field) => {
    const pattern = one[field]
    const opposite = other[field]
    return pattern === undefined || opposite === undefined || globsIntersect(pattern, opposite)
  })
}

/** Compiles a selector. An agent that does not state a field is not selected by it. */
function compileSelector(selector: AgentSelector): (agent: Agent) => boolean {
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
