import fc from 'fast-check'
import { OUTCOMES } from '../../schema/telemetry.ts'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const foreign: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'retrieval' as const, 'egress' as const),
  tool: fc.constantFrom(
    { name: 'crm.delete_lead' },
    { name: 'features.put', server: 'store' },
    { name: 'crm.read' },
    null,
  ),
  dataset_scope: fc.constantFrom(
    [],
    [{ id: 'feature-store/users' }],
    [{ id: 'postgresql/crm/leads', operation: 'delete' as const }],
  ),
  outcome: fc.constantFrom(...OUTCOMES),
})

export const example: DetectorExample = {
  policy: "purpose: { declared: evaluation, forbid: ['vault/*'], allow: [crm.delete_test_lead] }",
  phases: [fc.array(foreign, { minLength: 1, maxLength: 4 })],
}
