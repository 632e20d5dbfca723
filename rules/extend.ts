/**
 * `extends`: the sections of a base hold where a policy has none of its own. Explicit and whole: nothing is merged inside
 * a section, so that whoever reads a section has read all of it.
 */
import type { Problem } from '../schema/errors.ts'
import type { Policy } from '../schema/policy.ts'
import { nearest } from './suggestion.ts'
import type { YamlDocument } from './yaml-document.ts'

/** One policy as it was read. */
export interface PolicySource {
  readonly policy: Policy
  readonly document: YamlDocument
  /** What alerts call its file. */
  readonly file: string
}

export type Section = Exclude<keyof Policy, (typeof OWN)[number]>

/** A policy with the sections that it inherits. */
export interface Extended extends PolicySource {
  /** Where a section stands: in the policy itself, or in the base that it comes from. */
  sourceOf(section: Section): PolicySource
}

/** What is of one policy alone: never inherited. */
const OWN = ['version', 'id', 'extends', 'description', 'agent', 'mode', 'expires', 'tests'] as const

/**
 * Gives every policy the sections of what it extends, in the same order. Pure.
 *
 * @param unreadable ids of policies that have problems of their own, so that nobody is told they do not exist.
 */
export function extendPolicies(
  sources: readonly PolicySource[],
  unreadable: ReadonlySet<string>,
): { readonly extended: readonly Extended[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const byId = new Map<string, PolicySource[]>()
  for (const source of sources) {
    byId.set(source.policy.id, [...(byId.get(source.policy.id) ?? []), source])
  }
  const complain = ({ document }: PolicySource, message: string, suggestion: string): undefined => {
    problems.push({ file: document.file, ...document.positionOf(['extends']), message, suggestion })
  }
  const baseOf = (source: PolicySource): PolicySource | undefined => {
    const id = source.policy.extends
    const [base, ...twins] = id === undefined ? [] : (byId.get(id) ?? [])
    if (id === undefined || (base === undefined && unreadable.has(id))) {
      return undefined
    }
    if (base === undefined) {
      const meant = nearest(
        id,
        [...byId.keys()].filter((other) => other !== source.policy.id),
      )
      const hint = meant === undefined ? 'write the id of another policy of this directory' : `did you mean '${meant}'?`
      return complain(source, `there is no policy '${id}'`, hint)
    }
    return twins.length === 0
      ? base
      : complain(source, `'${id}' is the id of ${twins.length + 1} policies`, 'give each of them an id of its own')
  }

  const done = new Map<PolicySource, Extended>()
  const extend = (source: PolicySource, below: readonly PolicySource[]): Extended => {
    const known = done.get(source)
    if (known !== undefined) {
      return known
    }
    const base = baseOf(source)
    const path = [...below, source]
    const isCycle = base !== undefined && path.includes(base)
    if (base !== undefined && isCycle) {
      const round = [...path.slice(path.indexOf(base)), base].map(({ policy }) => policy.id).join(' -> ')
      complain(source, `extends itself: ${round}`, "take 'extends' out of one of them")
    }
    const extended = base === undefined || isCycle ? alone(source) : joined(source, extend(base, path))
    done.set(source, extended)
    return extended
  }
  return { extended: sources.map((source) => extend(source, [])), problems }
}

function alone(source: PolicySource): Extended {
  return { ...source, sourceOf: () => source }
}

function joined(source: PolicySource, base: Extended): Extended {
  const own = new Set<string>(OWN)
  const inherited = Object.fromEntries(Object.entries(base.policy).filter(([key]) => !own.has(key)))
  return {
    ...source,
    policy: { ...inherited, ...source.policy },
    sourceOf: (section) => (source.policy[section] === undefined ? base.sourceOf(section) : source),
  }
}
