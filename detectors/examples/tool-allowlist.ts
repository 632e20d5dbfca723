import fc from 'fast-check'
import { OUTCOMES } from '../../schema/telemetry.ts'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const forbidden: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom({ name: 'shell.exec' }, { name: 'crm.delete' }, { name: 'vault.read_secret', server: 'other' }),
  outcome: fc.constantFrom(...OUTCOMES),
})

export const example: DetectorExample = {
  policy: "tools: { allow: [kb.search, 'crm.*'], deny: [crm.delete] }",
  phases: [fc.array(forbidden, { minLength: 1, maxLength: 4 })],
}
