import fc from 'fast-check'
import type { Subject } from '../../schema/telemetry.ts'
import { CANARY, type Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const planner: Subject = { kind: 'agent', id: 'planner' }

const spawning: fc.Arbitrary<Fields> = fc.oneof(
  fc.record<Fields>({
    operation: fc.constant('agent_spawn' as const),
    content: fc.constantFrom({ arguments: 'worker-1' }, { arguments: `rogue${CANARY}` }, {}),
    outcome: fc.constantFrom('ok' as const, 'denied' as const),
  }),
  fc.record<Fields>({
    tool: fc.constantFrom({ name: 'Task' }, { name: `spawn_agent ${CANARY}` }),
    content: fc.constantFrom({ arguments: '{"subagent_type":"worker-2"}' }, { arguments: `{"name":"${CANARY}"}` }),
    subject_chain: fc.constantFrom([], [planner]),
  }),
)

export const example: DetectorExample = {
  policy: "spawning: { allow: ['worker-*'], max_per_session: 3 }",
  phases: [fc.array(spawning, { minLength: 1, maxLength: 6 })],
}
