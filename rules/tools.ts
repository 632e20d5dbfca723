/** The tools part of a policy, compiled: exact names to a map, globs to a short list. */
import type { ToolPattern } from '../schema/policy/tool-pattern.ts'
import type { ToolPolicy } from '../schema/policy/tools.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Tool } from '../schema/telemetry.ts'
import { foldName } from './fold-name.ts'
import { compileGlob, isGlob, type Matches } from './glob.ts'
import { ALLOWED, type LineOf, referenceTo, summarize, type Verdict, VerdictCache } from './verdict.ts'

/** Judges one call. */
export type JudgeTool = (tool: Tool) => Verdict

/** A tool as a list compares it: folded once, however many patterns it is compared with. */
interface Folded {
  /** The names under which a pattern without server may find it. */
  readonly names: readonly string[]
  readonly name: string
  readonly server: string | undefined
}

interface Rule {
  /** As the policy writes it. */
  readonly text: string
  readonly line: number | undefined
  readonly matches: (tool: Folded) => boolean
}

/** Compiles `tools` of one policy. `lineOf` gives the line of a path inside `tools`. */
export function compileTools(policy: ToolPolicy, file: string, lineOf: LineOf): JudgeTool {
  const allowed = policy.allow === undefined ? undefined : new ToolList(policy.allow, ['allow'], lineOf, 'strictly')
  const denied = new ToolList(policy.deny ?? [], ['deny'], lineOf, 'loosely')
  const pins = (policy.allow ?? []).flatMap((pattern, index) => pinOf(pattern, lineOf(['allow', index])))
  const expected = describeExpected(policy)
  const allowLine = lineOf(['allow'])

  const judge = (tool: Tool): Verdict => {
    const denial = denied.find(tool)
    if (denial !== undefined) {
      const allowWith = `remove '${denial.text.slice(0, 200)}' from tools.deny`
      return { allowed: false, because: 'denied', expected, policy: referenceTo(file, denial.line, allowWith) }
    }
    if (allowed === undefined || allowed.find(tool) !== undefined) {
      return ALLOWED
    }
    const pinned = pins.find((pin) => pin.isOtherServer(tool))
    if (pinned !== undefined) {
      const allowWith = `add { name: ${quoteName(tool.name)}, server: ${quoteName(tool.server ?? '')} } to tools.allow`
      return { allowed: false, because: 'other-server', expected, policy: referenceTo(file, pinned.line, allowWith) }
    }
    const allowWith = `add ${quoteName(tool.name)} to tools.allow`
    return { allowed: false, because: 'not-listed', expected, policy: referenceTo(file, allowLine, allowWith) }
  }
  const cache = new VerdictCache()
  return (tool) => cache.get(JSON.stringify([tool.name, tool.server]), () => judge(tool))
}

/** A name of a policy's lists, for judging what looks like it. */
export interface ListedTool {
  /** As it is written: a name or a glob, without the server that it is pinned to. */
  readonly name: string
  readonly list: 'allow' | 'deny'
}

/** The names that a policy lists. */
export function listedTools({ allow = [], deny = [] }: ToolPolicy): readonly ListedTool[] {
  const named = (patterns: readonly ToolPattern[], list: ListedTool['list']) =>
    patterns.map((pattern) => ({ name: typeof pattern === 'string' ? pattern : pattern.name, list }))
  return [...named(allow, 'allow'), ...named(deny, 'deny')]
}

/** A pattern that names a server, and tools that it would allow from that server alone. */
interface Pin {
  readonly line: number | undefined
  readonly isOtherServer: (tool: Tool) => boolean
}

/** A tool that names no server is no other one: its telemetry says too little. */
function pinOf(pattern: ToolPattern, line: number | undefined): readonly Pin[] {
  const slash = typeof pattern === 'string' ? pattern.indexOf('/') : -1
  if (typeof pattern === 'string' && slash < 1) {
    return []
  }
  const { name, server } =
    typeof pattern === 'string' ? { name: pattern.slice(slash + 1), server: pattern.slice(0, slash) } : pattern
  const matchesName = compileGlob(name)
  const matchesServer = compileGlob(server)
  // Every tool of a server is no name that another could take.
  return name === '*'
    ? []
    : [
        {
          line,
          isOtherServer: (tool) => tool.server !== undefined && matchesName(tool.name) && !matchesServer(tool.server),
        },
      ]
}

/** How a list compares: `strictly` for allow, `loosely` for deny, so that doubt never speaks for the agent. */
interface Comparison {
  fold(text: string): string
  /** The names under which a tool may be found by a pattern without server. */
  names(tool: Tool): readonly string[]
}

const COMPARISONS = {
  strictly: {
    fold: (text) => text,
    names: ({ name, server }) => {
      if (server === undefined) {
        return [name]
      }
      // A tool may not speak for another server through a slash in its own name.
      const own = name.includes('/') && !name.startsWith(`${server}/`) ? [] : [name]
      return [...own, `${server}/${name}`]
    },
  },
  loosely: {
    fold: foldName,
    names: ({ name, server }) => (server === undefined ? [name] : [name, `${server}/${name}`]),
  },
} as const satisfies Record<string, Comparison>

/** Patterns by which a section names tools. `loosely`: for what restricts the agent; `strictly`: for what frees it. */
export class ToolList {
  readonly #exact = new Map<string, Rule>()
  readonly #others: Rule[] = []
  readonly #comparison: Comparison

  /** @param at the path of the list inside the section that `lineOf` knows */
  constructor(
    patterns: readonly ToolPattern[],
    at: readonly string[],
    lineOf: LineOf,
    compares: keyof typeof COMPARISONS,
  ) {
    this.#comparison = COMPARISONS[compares]
    patterns.forEach((pattern, index) => {
      const rule = compileRule(pattern, lineOf([...at, index]), this.#comparison)
      if (typeof pattern === 'string' && !isGlob(pattern)) {
        this.#exact.set(this.#comparison.fold(pattern), rule)
      } else {
        this.#others.push(rule)
      }
    })
  }

  /** The pattern that a tool is under. */
  find(tool: Tool): Rule | undefined {
    const { fold, names } = this.#comparison
    const folded = {
      names: names(tool).map(fold),
      name: fold(tool.name),
      server: tool.server === undefined ? undefined : fold(tool.server),
    }
    for (const name of folded.names) {
      const rule = this.#exact.get(name)
      if (rule !== undefined) {
        return rule
      }
    }
    return this.#others.find((rule) => rule.matches(folded))
  }
}

function compileRule(pattern: ToolPattern, line: number | undefined, { fold }: Comparison): Rule {
  const text = describePattern(pattern)
  if (typeof pattern === 'string') {
    const matches = compileGlob(fold(pattern))
    return { text, line, matches: ({ names }) => names.some(matches) }
  }
  const matchesName: Matches = compileGlob(fold(pattern.name))
  const matchesServer: Matches = compileGlob(fold(pattern.server))
  return {
    text,
    line,
    matches: ({ name, server }) => server !== undefined && matchesName(name) && matchesServer(server),
  }
}

/** `crm.read`, or `crm.read on crm` where the server is pinned. */
export function describePattern(pattern: ToolPattern): string {
  return typeof pattern === 'string' ? pattern : `${pattern.name} on ${pattern.server}`
}

function describeExpected({ allow, deny }: ToolPolicy): string {
  const allowed = allow === undefined ? 'any tool' : summarize(allow.map(describePattern), 'no tool')
  const denied = deny === undefined || deny.length === 0 ? '' : `; never ${summarize(deny.map(describePattern), '')}`
  return `${allowed}${denied}`
}
