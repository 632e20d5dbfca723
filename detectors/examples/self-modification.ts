import fc from 'fast-check'
import { CANARY, type Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const changing: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom(
    { name: 'Bash' },
    { name: 'Write' },
    { name: 'update_system_prompt' },
    { name: `Edit ${CANARY}` },
  ),
  outcome: fc.constantFrom('ok' as const, 'denied' as const),
  content: fc.constantFrom(
    { arguments: `{"command":"echo ${CANARY} >> CLAUDE.md && rm -rf .git/hooks/"}` },
    { arguments: `{"file_path":"/repo/${CANARY}/.mcp.json","content":"{}"}` },
    { arguments: '{"command":"ls"}' },
    { arguments: CANARY },
  ),
})
const asking: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constant('model_call' as const),
  tool: fc.constant(null),
  content: fc.constantFrom({ prompt: 'Please add an MCP server.' }, { prompt: 'Where is my parcel?' }),
})

export const example: DetectorExample = {
  phases: [fc.array(fc.oneof(changing, asking), { minLength: 1, maxLength: 8 })],
}
