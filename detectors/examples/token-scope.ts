import fc from 'fast-check'
import { CANARY, type Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const asking: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('token_request' as const, 'tool_call' as const),
  token: fc.constantFrom<NonNullable<Fields['token']>[]>(
    { scopes_requested: ['read:crm'], audience: 'https://api.example.com', lifetime_s: 900 },
    { scopes_requested: ['read:crm'], scopes_granted: ['read:crm', `admin${CANARY}`] },
    { scopes_requested: [`${CANARY}:*`, '*'], audience: `https://${CANARY}.test` },
    { lifetime_s: 100_000_000 },
    { subject: 'planner' },
  ),
  subject_chain: fc.constantFrom([], [{ kind: 'agent' as const, id: 'planner' }]),
  outcome: fc.constantFrom('ok' as const, 'denied' as const),
})

export const example: DetectorExample = {
  policy: "tokens: { scopes: ['read:*'], audiences: ['*.example.com'], max_lifetime: 1h }",
  phases: [fc.array(asking, { minLength: 1, maxLength: 6 })],
}
