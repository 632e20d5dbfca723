/** The integrity part of a policy, compiled: what an agent may be made of. */
import type { IntegrityPolicy, PinnedRange } from '../schema/policy/integrity.ts'
import type { ToolDefinition } from '../schema/telemetry.ts'
import { compileGlob } from './glob.ts'
import { ALLOWED, type LineOf, referenceTo, summarize, type Verdict } from './verdict.ts'

/** What is one value on an event and a list in a policy. */
export type Pinned = 'system_prompt' | 'tool_manifest' | 'knowledge_base' | 'models'

/** Answers `undefined` where the policy pins nothing of the kind. */
export interface IntegrityPins {
  readonly pinnedParameters: readonly string[]
  judge(what: Pinned, value: string): Verdict | undefined
  /** Of a tool that is pinned by name: whether this is the definition that was reviewed. */
  judgeDefinition(tool: ToolDefinition): Verdict | undefined
  /** @param name without its namespace: `temperature`. */
  judgeParameter(name: string, value: number): Verdict | undefined
}

const GLOBS: ReadonlySet<Pinned> = new Set(['knowledge_base', 'models'])

/** Compiles `integrity` of one policy. `lineOf` gives the line of a path inside it. */
export function compileIntegrity(policy: IntegrityPolicy, file: string, lineOf: LineOf): IntegrityPins {
  const refuse = (path: readonly (string | number)[], expected: string, allowWith: string): Verdict => {
    return { allowed: false, because: 'not-listed', expected, policy: referenceTo(file, lineOf(path), allowWith) }
  }
  const lists = new Map(
    (['system_prompt', 'tool_manifest', 'knowledge_base', 'models'] as const).map((what) => [
      what,
      compileList(what, policy[what]),
    ]),
  )
  const tools = new Map<string, { readonly index: number; readonly definition: string }[]>()
  for (const [index, { name, server, definition }] of (policy.tools ?? []).entries()) {
    const key = keyOf(name, server)
    tools.set(key, [...(tools.get(key) ?? []), { index, definition }])
  }
  return {
    pinnedParameters: Object.keys(policy.parameters ?? {}),
    judge(what, value) {
      const matches = lists.get(what)
      if (matches === undefined) {
        return undefined
      }
      const entries = policy[what] ?? []
      return matches(value)
        ? ALLOWED
        : refuse([what], summarize(entries.map(shortened), 'none'), `add '${value.slice(0, 200)}' to integrity.${what}`)
    },
    judgeDefinition({ name, server, hash }) {
      const pins = tools.get(keyOf(name, server)) ?? tools.get(keyOf(name, undefined))
      if (pins === undefined) {
        return undefined
      }
      const [first] = pins
      const expected = pins.map(({ definition }) => shortened(definition)).join(', ')
      return pins.some(({ definition }) => definition === hash)
        ? ALLOWED
        : refuse(['tools', first?.index ?? 0], expected, `review the definition, then set definition: ${hash}`)
    },
    judgeParameter(name, value) {
      const range = Object.hasOwn(policy.parameters ?? {}, name) ? policy.parameters?.[name] : undefined
      if (range === undefined) {
        return undefined
      }
      return value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity)
        ? ALLOWED
        : refuse(['parameters', name], describeRange(range), `widen integrity.parameters.${name} to ${value}`)
    },
  }
}

function compileList(what: Pinned, entries: readonly string[] | undefined): ((value: string) => boolean) | undefined {
  if (entries === undefined) {
    return undefined
  }
  if (!GLOBS.has(what)) {
    const known = new Set(entries)
    return (value) => known.has(value)
  }
  const globs = entries.map(compileGlob)
  return (value) => globs.some((matches) => matches(value))
}

/** A name that holds the separator stays apart from a name and a server. */
function keyOf(name: string, server: string | undefined): string {
  return JSON.stringify([name, server ?? null])
}

function shortened(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 12)}...` : value
}

function describeRange({ min, max }: PinnedRange): string {
  return min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} to ${max}`
}
