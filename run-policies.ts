/** The policies of a running process: followed as their files change, and what log and health say of them. */
import type { Logger } from 'pino'
import type { Health } from './api/health.ts'
import type { Config } from './config.ts'
import type { Checked } from './preflight.ts'
import { expiryNotices } from './rules/expiry.ts'
import { type LivePolicies, watchPolicies } from './rules/watch.ts'
import type { Parts } from './run-stages.ts'

/** The most problems that health lists; the log has them all. */
const PROBLEMS_SHOWN = 20

/** Follows the configured directory from what was loaded at the start. */
export function followPolicies(config: Config, { policies }: Pick<Checked, 'policies'>, log: Logger): LivePolicies {
  return watchPolicies(config.policies, policies, {
    onTaken: ({ id, count }) => log.info({ policies: id, count }, 'judging by other policies from now on'),
    onRefused: ({ id, refused }) =>
      log.error(
        { policies: id, problems: refused.problems },
        'the policies were changed and cannot be used: the last good ones stay',
      ),
  })
}

/** Whether this process judges, or tells who is judged by what. */
export function judges({ roles }: Pick<Parts, 'roles'>): boolean {
  return roles.has('detect') || roles.has('serve')
}

/** How the policies stand, for health. */
export function policiesOf(live: LivePolicies): NonNullable<Health['policies']> {
  const { id, count, sinceMs, refused } = live.state()
  return {
    id,
    count,
    since_ms: sinceMs,
    ...(refused === undefined
      ? {}
      : { refused: { since_ms: refused.sinceMs, problems: refused.problems.slice(0, PROBLEMS_SHOWN) } }),
    ending: expiryNotices(live.policies, Date.now()).map(({ message }) => message),
  }
}

/** Why the policies are not as they should be. One that is about to end is told, and is no reason. */
export function policyReasons(parts: Pick<Parts, 'policies' | 'roles'>): readonly string[] {
  if (!judges(parts)) {
    return []
  }
  const { id, refused } = parts.policies.state()
  const over = expiryNotices(parts.policies.policies, Date.now()).filter(({ isOver }) => isOver)
  return [...(refused === undefined ? [] : [refusedText(id, refused)]), ...over.map(({ message }) => message)]
}

function refusedText(
  id: string,
  { sinceMs, problems }: { readonly sinceMs: number; readonly problems: readonly string[] },
): string {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  const since = new Date(sinceMs).toISOString()
  return `policies: refused since ${since}, the set ${id} stays: ${problems[0] ?? 'no reason given'}${more}`
}
