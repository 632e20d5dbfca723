import fc from 'fast-check'
import { CANARY, type Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const acting: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom(
    { name: 'payments.send' },
    { name: 'files.delete', server: 'files' },
    { name: `delete_${CANARY}` },
    { name: 'notes.read' },
  ),
  subject_chain: fc.constantFrom([], [{ kind: 'human' as const, id: 'ana@example.com' }]),
  approval: fc.constantFrom(
    null,
    { required: true },
    { by: 'ana@example.com', id: 'apr-1' },
    { by: 'ana@example.com', at_ms: 1_700_000_000_000 },
    { by: `eve${CANARY}` },
    { by: 'user' },
    { by: 'config', required: false },
    { by: 'agent' },
  ),
  content: fc.constantFrom({ arguments: '{"to":"a"}' }, { arguments: '{"to":"b"}' }),
  outcome: fc.constantFrom('ok' as const, 'error' as const, 'denied' as const),
})

export const example: DetectorExample = {
  policy: "maturity: associate\napprovals: { required: [payments.send], by: ['*@example.com'], max_age: 10m }",
  phases: [fc.array(acting, { minLength: 1, maxLength: 6 })],
}
