/** Which policy governs an agent: the one with the most specific selector, alone. */
import type { AgentSelector } from '../schema/policy/selector.ts'
import type { Agent } from '../schema/telemetry.ts'
import { compileGlob, globsIntersect, isGlob, literalLength } from './glob.ts'

/** The fields of a selector, the most telling first. */
const SELECTOR_FIELDS = ['id', 'name', 'owner', 'framework', 'version'] as const

/** Two numbers a field (exact before glob before absent, then the fixed length of a glob), compared from the left. */
type Specificity = readonly number[]

/** Labels come last: how many there are, how many of them are exact, and how much of the others is fixed. */
function specificityOf(selector: AgentSelector): Specificity {
  const ofFields = SELECTOR_FIELDS.flatMap((field) => {
    const pattern = selector[field]
    if (pattern === undefined) {
      return [0, 0]
    }
    return isGlob(pattern) ? [1, literalLength(pattern)] : [2, 0]
  })
  const labels = Object.values(selector.labels ?? {})
  const globs = labels.filter(isGlob)
  const fixed = globs.reduce((sum, glob) => sum + literalLength(glob), 0)
  return [...ofFields, labels.length, labels.length - globs.length, fixed]
}

/** Negative when `one` is the more specific. */
function compareSpecificity(one: Specificity, other: Specificity): number {
  const at = one.findIndex((rank, index) => rank !== other[index])
  return at < 0 ? 0 : (other[at] ?? 0) - (one[at] ?? 0)
}

const CACHE_LIMIT = 10_000

/** Values by the agents that they are for. */
export interface Selection<Value> {
  /** The value of the most specific selector that selects an agent and has not ended at a time. */
  of(agent: Agent, atMs: number): Value | undefined
  /**
   * The same for an agent of which not every field may be known: what holds whatever the others are. `undefined` also where
   * a more specific selector asks for one of them.
   */
  ofKnown(agent: Agent, atMs: number): Value | undefined
}

interface Rule<Value> extends CompiledSelector {
  readonly rank: number
  readonly value: Value
  readonly endMs: number
  readonly start: string
}

/**
 * Finds values by selectors. Among thousands of them only those whose `id` begins as the agent's does are tried, and answers
 * are remembered, since it is asked for every event.
 *
 * @param endOf when a value ends, in milliseconds since the epoch; `undefined`: never.
 */
export function mostSpecific<Value>(
  entries: readonly { readonly selector: AgentSelector; readonly value: Value }[],
  endOf: (value: Value) => number | undefined = () => undefined,
): Selection<Value> {
  const ranked = entries
    .map(({ selector, value }) => ({ selector, value, specificity: specificityOf(selector) }))
    .sort((one, other) => compareSpecificity(one.specificity, other.specificity))
    .map(
      ({ selector, value }, rank): Rule<Value> => ({
        rank,
        value,
        endMs: endOf(value) ?? Number.POSITIVE_INFINITY,
        ...compileSelector(selector),
        start: startOf(selector.id),
      }),
    )
  const byStart = new Map<string, Rule<Value>[]>()
  for (const rule of ranked) {
    const rules = byStart.get(rule.start) ?? []
    rules.push(rule)
    byStart.set(rule.start, rules)
  }
  const lengths = [...new Set([...byStart.keys()].map((start) => start.length))]
  /** Those that pass, the most specific first, as far as they can be asked for. */
  const find = (agent: Agent, passes: (rule: Rule<Value>) => boolean): readonly Rule<Value>[] => {
    const all = lengths
      .flatMap((length) => byStart.get(agent.id.slice(0, length))?.filter(passes) ?? [])
      .sort((one, other) => one.rank - other.rank)
    const last = all.findIndex((rule) => rule.endMs === Number.POSITIVE_INFINITY && rule.selects(agent))
    return last < 0 ? all : all.slice(0, last + 1)
  }
  const keyOf = keyOfAgents(entries.map(({ selector }) => selector))
  return {
    of: remembered(keyOf, (agent) => find(agent, ({ selects }) => selects(agent))),
    // What may hold says nothing until it ends, and keeps what is behind it from saying anything.
    ofKnown: remembered(keyOf, (agent) =>
      find(agent, ({ maySelect }) => maySelect(agent)).map(({ value, endMs, selects }) => ({
        value: selects(agent) ? value : undefined,
        endMs,
      })),
    ),
  }
}

interface Ending<Value> {
  readonly value: Value | undefined
  readonly endMs: number
}

/** Remembers what is found for an agent; gives the value of the first that has not ended. */
function remembered<Value>(
  keyOf: (agent: Agent) => string,
  find: (agent: Agent) => readonly Ending<Value>[],
): (agent: Agent, atMs: number) => Value | undefined {
  const known = new Map<string, readonly Ending<Value>[]>()
  return (agent, atMs) => {
    const key = keyOf(agent)
    let found = known.get(key)
    if (found === undefined) {
      if (known.size >= CACHE_LIMIT) {
        known.clear()
      }
      found = find(agent)
      known.set(key, found)
    }
    for (const { value, endMs } of found) {
      if (atMs < endMs) {
        return value
      }
    }
    return undefined
  }
}

/** What tells agents apart, for these selectors. */
function keyOfAgents(selectors: readonly AgentSelector[]): (agent: Agent) => string {
  const fields = SELECTOR_FIELDS.filter((field) => selectors.some((selector) => selector[field] !== undefined))
  const labels = [...new Set(selectors.flatMap((selector) => Object.keys(selector.labels ?? {})))]
  const [only = 'id'] = fields
  if (fields.length <= 1 && labels.length === 0) {
    return (agent) => agent[only] ?? ''
  }
  return (agent) =>
    JSON.stringify([...fields.map((field) => agent[field]), ...labels.map((label) => labelOf(agent, label))])
}

/** Names are the sender's: `constructor` is a label only when somebody gave it. */
function labelOf({ labels }: Pick<Agent, 'labels'>, name: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, name) ? labels[name] : undefined
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
  const both = (pattern: string | undefined, opposite: string | undefined) =>
    pattern === undefined || opposite === undefined || globsIntersect(pattern, opposite)
  return (
    SELECTOR_FIELDS.every((field) => both(one[field], other[field])) &&
    Object.entries(one.labels ?? {}).every(([name, pattern]) => both(pattern, labelOf(other, name)))
  )
}

interface CompiledSelector {
  /** An agent that does not state a field is not selected by it. */
  selects(agent: Agent): boolean
  /** Whether it selects the agent, or one that states more. */
  maySelect(agent: Agent): boolean
}

function compileSelector(selector: AgentSelector): CompiledSelector {
  const ofFields = SELECTOR_FIELDS.flatMap((field) => {
    const pattern = selector[field]
    return pattern === undefined ? [] : [{ fieldOf: (agent: Agent) => agent[field], matches: compileGlob(pattern) }]
  })
  const ofLabels = Object.entries(selector.labels ?? {}).map(([name, pattern]) => ({
    fieldOf: (agent: Agent) => labelOf(agent, name),
    matches: compileGlob(pattern),
  }))
  const tests = [...ofFields, ...ofLabels]
  const passes = (agent: Agent, unstated: boolean) =>
    tests.every(({ fieldOf, matches }) => {
      const value = fieldOf(agent)
      return value === undefined ? unstated : matches(value)
    })
  return { selects: (agent) => passes(agent, false), maySelect: (agent) => passes(agent, true) }
}

/** For messages: `id 'support-*', version '2', label tier 'gold'`. */
export function describeSelector(selector: AgentSelector): string {
  const fields = SELECTOR_FIELDS.map((field) => [field, selector[field]] as const)
  const labels = Object.entries(selector.labels ?? {}).map(([name, value]) => [`label ${name}`, value] as const)
  return [...fields, ...labels]
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} '${value}'`]))
    .join(', ')
}
