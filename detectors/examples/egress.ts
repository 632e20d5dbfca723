import fc from 'fast-check'
import type { Destination } from '../../schema/telemetry.ts'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const hosts = fc.constantFrom(
  'api.example.com',
  'files.example.com',
  'evil.test',
  'a.evil.test',
  '169.254.169.254',
  '0x7f.1',
  '10.1.2.3',
  'a b',
)
const destination: fc.Arbitrary<Destination> = fc.record(
  {
    host: hosts,
    port: fc.constantFrom(443, 22, 8080),
    scheme: fc.constantFrom('https', 'ssh'),
    seen_in: fc.constantFrom('network' as const, 'argument' as const),
  },
  { requiredKeys: ['host'] },
)

const foreign: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('tool_call' as const, 'egress' as const, 'retrieval' as const, 'token_request' as const),
  tool: fc.constantFrom({ name: 'kb.search' }, null),
  destinations: fc.array(destination, { maxLength: 12 }),
})

export const example: DetectorExample = {
  policy: "egress: { allow: ['*.example.com', 10.0.0.0/8], deny: [files.example.com], ports: [443] }",
  phases: [fc.array(foreign, { minLength: 1, maxLength: 4 })],
}
