import fc from 'fast-check'
import { OUTCOMES } from '../../schema/telemetry.ts'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const disguised: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom(
    { name: 'kb.se\u0430rch' },
    { name: 'crm.re\u200bad' },
    { name: 'payments.send', server: 'other' },
  ),
})
const forbidden: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom({ name: 'shell.exec' }, { name: 'crm.delete' }, { name: 'vault.read_secret', server: 'other' }),
  outcome: fc.constantFrom(...OUTCOMES),
})

export const example: DetectorExample = {
  policy: "tools: { allow: [kb.search, 'crm.*', { name: payments.send, server: bank }], deny: [crm.delete] }",
  phases: [fc.array(forbidden, { minLength: 1, maxLength: 4 }), fc.array(disguised, { minLength: 1, maxLength: 3 })],
}
