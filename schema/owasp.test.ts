import { expect, test } from 'vitest'
import { OWASP_AGENTIC_2026, OWASP_LLM_2025, owaspName } from './owasp.ts'

test('both lists have ten entries, ids in the form that findings use', () => {
  expect([...OWASP_LLM_2025.keys()]).toEqual(Array.from({ length: 10 }, (_, i) => `LLM${two(i + 1)}:2025`))
  expect([...OWASP_AGENTIC_2026.keys()]).toEqual(Array.from({ length: 10 }, (_, i) => `ASI${two(i + 1)}`))
})

test('a name is found in either list', () => {
  expect(owaspName('LLM06:2025')).toBe('Excessive Agency')
  expect(owaspName('ASI02')).toBe('Tool Misuse and Exploitation')
  expect(owaspName('LLM06')).toBeUndefined()
})

function two(number: number): string {
  return String(number).padStart(2, '0')
}
