import fc from 'fast-check'
import { CANARY, type Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const PINNED = '1'.repeat(64)

const settled: fc.Arbitrary<Fields[]> = fc.integer({ min: 31, max: 60 }).map((calls) =>
  Array.from({ length: calls }, () => ({
    operation: 'model_call' as const,
    integrity: { model: 'gpt-4o', knowledge_base_version: 'kb-1' },
    attributes: { 'gen_ai.request.temperature': 0.2 },
  })),
)
const changed: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('model_call' as const, 'agent_invoke' as const, 'retrieval' as const),
  integrity: fc.record(
    {
      model: fc.constantFrom('gpt-4o', 'gpt-4o-mini', `${CANARY}model`),
      knowledge_base_version: fc.constantFrom('kb-1', `kb-${CANARY}`),
      system_prompt_hash: fc.constantFrom(PINNED, '2'.repeat(64)),
    },
    { requiredKeys: [] },
  ),
  attributes: fc.constantFrom({}, { 'gen_ai.request.temperature': 0.2 }, { 'gen_ai.request.temperature': 1.5 }),
})

export const example: DetectorExample = {
  policy: `integrity: { system_prompt: ['${PINNED}'], parameters: { temperature: { max: 1 } } }`,
  phases: [fc.tuple(settled, fc.array(changed, { minLength: 1, maxLength: 6 })).map((parts) => parts.flat())],
}
