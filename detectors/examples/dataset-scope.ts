import fc from 'fast-check'
import { CLASSIFICATIONS, OUTCOMES } from '../../schema/telemetry.ts'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const dataset = fc.record(
  {
    id: fc.constantFrom(
      'postgresql/crm/leads',
      'leads',
      'postgresql/hr/salaries',
      'salaries',
      's3://reports',
      'KB1A2B',
    ),
    classification: fc.constantFrom(...CLASSIFICATIONS),
    tenant: fc.constantFrom('acme', 'beta', 'globex'),
    operation: fc.constantFrom('read' as const, 'write' as const, 'delete' as const),
  },
  { requiredKeys: ['id'] },
)
const touching: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'retrieval' as const, 'egress' as const),
  tool: fc.constantFrom({ name: 'crm.read' }, { name: 's3.delete_object' }, null),
  dataset_scope: fc.array(dataset, { maxLength: 12 }),
  volume: fc.constantFrom({}, { rows: 20 }, { rows: 2000 }),
  outcome: fc.constantFrom(...OUTCOMES),
})

export const example: DetectorExample = {
  policy: `datasets: { allow: ['postgresql/crm/*', { id: 's3://reports', operations: [read], max_rows: 1000 }], deny: [salaries],
    clearance: confidential, tenants: [acme, beta], max_rows: 100 }`,
  phases: [fc.array(touching, { minLength: 1, maxLength: 6 })],
}
