/** What a finding takes over from the refusal of a policy. */
import type { CompiledPolicy } from '../../rules/policy.ts'
import type { FindingDraft, PolicyReference } from '../../schema/finding.ts'

interface Refused {
  readonly expected: string
  readonly policy: PolicyReference
}

/** What the policy expected, where it says so, and what would silence the finding. */
export function refusedBy({ expected, policy }: Refused): Pick<FindingDraft, 'expected' | 'policy' | 'silence'> {
  const place = policy.line === undefined ? policy.file : `${policy.file}:${policy.line}`
  return {
    expected: expected.slice(0, 1000),
    policy,
    ...(policy.allow_with === undefined ? {} : { silence: `${place}: ${policy.allow_with}`.slice(0, 1000) }),
  }
}

/** A finding by the policy of another agent than the event's: what is still being learned pages nobody there, either. */
export function byPolicyOf(policy: CompiledPolicy, finding: FindingDraft): FindingDraft {
  return policy.mode === 'learn' ? { ...finding, severity: 'informational' } : finding
}
