/** What policies grant and nobody used, and what was used and no policy grants. */
import type { Agent } from '../../schema/telemetry.ts'
import type { CompiledPolicy, PolicySet } from '../policy.ts'
import type { AgentHistory, SeenUse } from './history.ts'
import type { Grant } from './use.ts'

export interface Entitlements {
  /** Entries that no agent under their policy used, in the order of files and lines. */
  readonly unused: readonly Grant[]
  /** Policies that govern no agent that was seen: of their entries nothing is said. */
  readonly idle: readonly CompiledPolicy[]
  /** What agents used, or tried to, against the policy that governs them. */
  readonly ungranted: readonly { readonly agent: Agent; readonly policy: CompiledPolicy; readonly use: SeenUse }[]
  /** Agents that no policy governs. */
  readonly ungoverned: readonly Agent[]
}

export function entitlementsOf(histories: readonly AgentHistory[], policies: PolicySet): Entitlements {
  const governed = histories.map((history) => ({
    history,
    policy: policies.governing(history.agent, history.lastMs),
  }))
  const used = new Map<string, { readonly grant: Grant; isUsed: boolean }>()
  const idle: CompiledPolicy[] = []
  const ungranted: Entitlements['ungranted'][number][] = []
  for (const policy of policies.policies) {
    const own = governed.filter((each) => each.policy === policy).map(({ history }) => history)
    if (own.length === 0) {
      idle.push(policy)
      continue
    }
    const grants = policy.grants()
    for (const grant of grants.entries) {
      // Policies that extend one base share its entries.
      const key = JSON.stringify([grant.file, grant.line, grant.section, grant.list, grant.text])
      const isUsed = own.some(({ uses }) =>
        uses.some((use) => use.section === grant.section && wasDone(use) && grant.covers(use.used)),
      )
      used.set(key, { grant, isUsed: isUsed || used.get(key)?.isUsed === true })
    }
    for (const { agent, uses } of own) {
      const refused = uses.filter((use) => grants.allows(use.section, use.used) === false)
      ungranted.push(...refused.map((use) => ({ agent, policy, use })))
    }
  }
  return {
    unused: [...used.values()]
      .filter(({ isUsed }) => !isUsed)
      .map(({ grant }) => grant)
      .sort(byPlace),
    idle,
    ungranted,
    ungoverned: governed.filter(({ policy }) => policy === undefined).map(({ history }) => history.agent),
  }
}

/** Trying what is denied uses nothing. */
function wasDone({ events, denied }: SeenUse): boolean {
  return events > denied
}

function byPlace(one: Grant, other: Grant): number {
  return one.file === other.file ? (one.line ?? 0) - (other.line ?? 0) : one.file < other.file ? -1 : 1
}
