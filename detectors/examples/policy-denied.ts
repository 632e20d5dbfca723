import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const tried: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'tool_call' as const, 'policy_decision' as const),
  tool: fc.constantFrom({ name: 'crm.read' }, { name: 'sql.query' }, { name: 'kb.search' }, { name: 'shell.exec' }),
  dataset_scope: fc.constantFrom([], [{ id: 'postgresql/crm/leads' }], [{ id: 'postgresql/crm/cards' }]),
  outcome: fc.constantFrom('ok' as const, 'denied' as const),
  policy_decision: fc.constantFrom('deny' as const, null),
})

export const example: DetectorExample = { phases: [fc.array(tried, { minLength: 3, maxLength: 20 })] }
