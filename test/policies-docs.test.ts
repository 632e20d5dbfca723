/** `docs/policies.md`: every block of YAML is policies that compile and pass their own tests, and every key is named. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { failedTests } from '../commands/policy-tests.ts'
import { sessionDetectors, detectors as single } from '../detectors/index.ts'
import { compilePolicies } from '../rules/compile.ts'
import { PURPOSES } from '../rules/purposes.ts'
import { Policy } from '../schema/policy.ts'

const page = readFileSync('docs/policies.md', 'utf8')
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? '')

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

describe('docs/policies.md', () => {
  it('has policies that compile and judge as they say', () => {
    expect(blocks.length).toBeGreaterThan(0)
    for (const text of blocks) {
      const { policies, tests } = compilePolicies([{ path: 'docs/policies.md', name: 'policies.md', text }])
      expect(policies.length).toBeGreaterThan(0)
      expect(tests.length).toBeGreaterThan(0)
      expect(failedTests(tests)).toEqual([])
    }
  })

  it('shows every section in its example but those that need a file beside it', () => {
    const keys = Object.keys(Policy.properties).filter((key) => key !== 'system_prompts')
    expect(keys.filter((key) => !new RegExp(`^${key}:`, 'm').test(blocks[0] ?? ''))).toEqual([])
  })

  it('names every key of every section, and every purpose that is known', () => {
    const sections = Object.entries(Policy.properties as Record<string, Schema>)
    const keys = sections.flatMap(([key, { properties }]) => [key, ...Object.keys(properties ?? {})])
    const named = (word: string) => new RegExp(`[\`.]${word}\\b[^\n]*\``).test(page)
    expect([...keys, ...PURPOSES.keys()].filter((key) => !named(key) && key !== 'version')).toEqual([])
  })

  it('names detectors that there are', () => {
    const ids = [...single, ...sessionDetectors].map(({ id }) => id)
    const named = [...page.matchAll(/^### .*\((.*)\)$/gm)].flatMap(([, list]) => list?.match(/[a-z-]+/g) ?? [])
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((id) => !ids.includes(id))).toEqual([])
  })
})
