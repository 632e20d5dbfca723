/** What a finding takes over from the refusal of a policy. */
import type { CompiledPolicy } from '../../rules/policy.ts'
import type { FindingDraft, PolicyReference } from '../../schema/finding.ts'

interface Refused {
  readonly expected: string
  readonly policy: PolicyReference
}

/** What the policy expected, where it says so, and what would silence the finding. */
export function refusedBy({ expected, policy }: Refused): Pick<FindingDraft, 'expected' | 'policy' | 'silence'> {
  return { expected: expected.slice(0, 1000), ...silencedBy(policy) }
}

/** The place in a policy that a finding is about, and what would silence it: `policies/crm.yml:12: add 'x' to datasets.allow`. */
export function silencedBy(policy: PolicyReference): Pick<FindingDraft, 'policy' | 'silence'> {
  const { file, line, allow_with: change } = policy
  const place = line === undefined ? file : `${file}:${line}`
  return { policy, ...(change === undefined ? {} : { silence: `${place}: ${change}`.slice(0, 1000) }) }
}

/**
 * A finding that rests on a policy, of whatever agent: while that one is still being learned, the finding is told for
 * reading, and pages nobody. What needs no policy is not given to this.
 */
export function byPolicyOf(policy: CompiledPolicy, finding: FindingDraft): FindingDraft {
  return isLearned(policy) ? { ...finding, severity: 'informational' } : finding
}

/** Whether a policy is still being learned. Then what would be said without it is said of what it refuses, too. */
export function isLearned(policy: CompiledPolicy | undefined): boolean {
  return policy?.mode === 'learn'
}
