import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const busy: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'model_call' as const),
  volume: fc.record({
    input_tokens: fc.nat(5000),
    output_tokens: fc.nat(500),
    cost_usd: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
})

export const example: DetectorExample = {
  policy: 'limits: { calls_per_session: 400, calls_per_hour: 400, tokens_per_session: 40000, cost_usd_per_day: 10 }',
  phases: [fc.array(busy, { minLength: 10, maxLength: 60 })],
}
