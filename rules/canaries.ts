/** The decoys of a policy, compiled: asked for every dataset, tool, host and word that an agent touches. */

import type { PolicyReference } from '../schema/finding.ts'
import { DECOY, DECOY_DIGITS } from '../schema/masks.ts'
import type { CanaryPolicy } from '../schema/policy/canaries.ts'
import type { Tool } from '../schema/telemetry.ts'
import { isPatternProblem, readEgressPattern } from './egress-pattern.ts'
import { foldName } from './fold-name.ts'
import { compileGlob, isGlob, type Matches } from './glob.ts'
import { HostTable } from './host-table.ts'
import { embeddedV4, readHost } from './hosts.ts'
import { type LineOf, referenceTo, type SectionProblem } from './verdict.ts'

/** A decoy that was touched. */
export interface Canary {
  /** As the policy names it. */
  readonly entry: string
  /** The name fits by its end alone: arguments often name a dataset without what it lies in. */
  readonly partly: boolean
  readonly policy: PolicyReference
}

/** The decoys of one policy. Every question is answered without looking at the others. */
export interface Canaries {
  dataset(id: string): Canary | undefined
  tool(tool: Tool): Canary | undefined
  host(host: string): Canary | undefined
  /** @param hash SHA-256 of a word, or as much of it as the mask of a decoy tells, in hexadecimal */
  token(hash: string): Canary | undefined
  /** Whether any token is named at all: hashing words is worth its while only then. */
  readonly hasTokens: boolean
  /** SHA-256 of every decoy credential: what collectors name in masks. */
  readonly tokens: readonly string[]
}

interface Entry {
  readonly canary: Canary
  readonly matches: Matches
  /** The id, when it is no glob. */
  readonly exact: string | undefined
}

/** Compiles `canaries` of one policy. `lineOf` gives the line of a path inside `canaries`. */
export function compileCanaries(
  policy: CanaryPolicy,
  file: string,
  lineOf: LineOf,
): { readonly canaries: Canaries; readonly problems: readonly SectionProblem[] } {
  const canaryOf = (section: keyof CanaryPolicy, text: string, index: number): Canary => {
    const allowWith = `remove '${text.slice(0, 200)}' from canaries.${section}`
    return { entry: text, partly: false, policy: referenceTo(file, lineOf([section, index]), allowWith) }
  }
  const entries = (section: 'datasets' | 'tools'): readonly Entry[] =>
    (policy[section] ?? []).map((text, index) => ({
      canary: canaryOf(section, text, index),
      matches: compileGlob(foldName(text)),
      exact: isGlob(text) ? undefined : foldName(text),
    }))
  const problems: SectionProblem[] = []
  const hosts = new HostTable<Canary>()
  for (const [index, text] of (policy.hosts ?? []).entries()) {
    const pattern = readEgressPattern(text)
    if (isPatternProblem(pattern)) {
      problems.push({ ...pattern, path: ['hosts', index] })
    } else {
      hosts.add(pattern.hosts, canaryOf('hosts', text, index))
    }
  }
  const tokens = new Map<string, Canary>()
  for (const [index, hash] of (policy.tokens ?? []).entries()) {
    const canary = canaryOf('tokens', hash, index)
    tokens.set(hash, canary)
    tokens.set(hash.slice(0, DECOY_DIGITS), canary)
  }
  const datasets = entries('datasets')
  const tools = entries('tools')
  return {
    problems,
    canaries: {
      dataset: (id) => findDataset(datasets, foldName(id)),
      tool: ({ name, server }) => {
        const names = server === undefined ? [foldName(name)] : [foldName(name), foldName(`${server}/${name}`)]
        return tools.find(({ matches }) => names.some(matches))?.canary
      },
      host: (text) => {
        const host = policy.hosts === undefined ? undefined : readHost(text)?.host
        const inner = host === undefined ? undefined : embeddedV4(host)
        return host === undefined ? undefined : (hosts.find(host)[0] ?? (inner && hosts.find(inner)[0]))
      },
      token: (hash) => tokens.get(hash),
      hasTokens: tokens.size > 0,
      tokens: policy.tokens ?? [],
    },
  }
}

/** The hash that the mask of a decoy tells, from its kind; `undefined` for any other kind. */
export function decoyOfMask(kind: string): string | undefined {
  return kind.startsWith(DECOY) ? kind.slice(DECOY.length) : undefined
}

/** Policies, some of which may be replaced by others while a process runs. */
interface Canaried {
  readonly policies: readonly { readonly canaries?: Canaries | undefined }[]
}

/**
 * SHA-256 of the decoy credentials of all policies, for the collectors of this process, whichever agents they hear. Asked again
 * when the set has taken other policies it gives another set of hashes; until then, the very same.
 */
export function decoyTokens(set: Canaried): () => ReadonlySet<string> {
  let policies: Canaried['policies'] | undefined
  let tokens: ReadonlySet<string> = new Set()
  return () => {
    if (set.policies !== policies) {
      policies = set.policies
      tokens = new Set(policies.flatMap(({ canaries }) => canaries?.tokens ?? []))
    }
    return tokens
  }
}

/** A name without a path fits a decoy that ends with it. */
function findDataset(entries: readonly Entry[], id: string): Canary | undefined {
  const whole = entries.find(({ matches }) => matches(id))
  if (whole !== undefined) {
    return whole.canary
  }
  const part = entries.find(({ exact }) => exact?.endsWith(`/${id}`) === true)
  return part && { ...part.canary, partly: true }
}
