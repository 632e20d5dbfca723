import fc from 'fast-check'
import type { Fields } from '../arbitrary.ts'
import type { DetectorExample } from './example.ts'

const failing: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constant({ name: 'kb.search' }),
  outcome: fc.integer({ min: 0, max: 9 }).map((n) => (n === 7 ? 'ok' : 'error')),
})

export const example: DetectorExample = { phases: [fc.array(failing, { minLength: 40, maxLength: 70 })] }
