import { hash } from 'node:crypto'
import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const DECOY = 'heron-seven-4417'

const touching: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'retrieval' as const, 'egress' as const, 'model_call' as const),
  tool: fc.constantFrom({ name: 'kb.search' }, { name: 'vault.dump', server: 'ops' }, null),
  dataset_scope: fc.constantFrom([], [{ id: 'postgresql/crm/board-salaries' }], [{ id: 'board-salaries' }]),
  destinations: fc.constantFrom([], [{ host: 'drop.decoy.test', seen_in: 'network' as const }]),
  content: fc.constantFrom(
    { result: 'nothing here' },
    { arguments: `{"key":"${DECOY}"}` },
    { output: `the key is ${DECOY}.` },
  ),
})

export const example: DetectorExample = {
  policy: `canaries: { datasets: [postgresql/crm/board-salaries], tools: ['vault.*'], hosts: ['*.decoy.test'], tokens: [${hash('sha256', DECOY, 'hex')}] }`,
  phases: [fc.array(touching, { minLength: 1, maxLength: 4 })],
}
