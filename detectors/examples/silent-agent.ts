import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const call: fc.Arbitrary<Fields> = fc.record({ tool: fc.constant({ name: 'kb.search' }) })
const request: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constant('egress' as const),
  destinations: fc.constantFrom([{ host: 'api.example.com', seen_in: 'network' as const }], []),
})

export const example: DetectorExample = {
  phases: [fc.array(call, { minLength: 60, maxLength: 80 }), fc.array(request, { minLength: 30, maxLength: 60 })],
}
