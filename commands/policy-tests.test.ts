import { describe, expect, it } from 'vitest'
import { compilePolicies } from '../rules/compile.ts'
import { loadPolicies } from '../rules/load.ts'
import { describeProblem } from '../schema/errors.ts'
import { failedTests } from './policy-tests.ts'

const SECTIONS = "tools: { allow: [kb.search] }\negress: { allow: ['*.example.com'], methods: [GET] }\n"

function failures(tests: string, more = ''): string[] {
  const text = `version: 1\nid: p\nagent: { id: 'support-*', labels: { tier: gold } }\n${SECTIONS}${more}tests:\n${tests}`
  const { tests: compiled } = compilePolicies([{ path: 'p.yml', name: 'policies/p.yml', text }])
  return failedTests(compiled).map(describeProblem)
}

describe('the tests inside a policy', () => {
  it('pass when the detectors say what the author expects', () => {
    const tests = `
  - { name: a, event: { tool: kb.search }, expect: allowed }
  - { name: b, event: { tool: shell }, expect: [tool-allowlist] }
  - { name: c, event: { tool: shell, destinations: ['https://evil.test'] }, expect: [egress, tool-allowlist] }
  - { name: d, event: { destinations: [{ host: a.example.com, method: PUT }] }, expect: [egress] }
  - { name: e, event: { tool: { name: kb.search, server: any }, destinations: [a.example.com] }, expect: allowed }
`
    expect(failures(tests)).toEqual([])
  })

  it('that fail say where, what was expected, and what each detector said', () => {
    const tests = `  - name: shells are fine
    event: { tool: shell }
    expect: allowed
  - { name: searching is not, event: { tool: kb.search }, expect: [tool-allowlist] }
  - { name: both, event: { tool: shell }, expect: [tool-allowlist, egress] }
  - { name: a slip, event: { tool: shell }, expect: [tool-allowlst] }
`
    expect(failures(tests)).toEqual([
      "p.yml:7: test 'shells are fine': expected it to be allowed, but tool-allowlist says: 'support-test' called 'shell', which its policy does not list.",
      "p.yml:10: test 'searching is not': expected tool-allowlist to speak, but no detector said anything",
      "p.yml:11: test 'both': expected tool-allowlist and egress to speak, but tool-allowlist says: 'support-test' called 'shell', which its policy does not list.",
      "p.yml:12: test 'a slip': there is no detector 'tool-allowlst' (did you mean 'tool-allowlist'?)",
    ])
  })

  it('are held to what the policy says, whatever its mode and its end', () => {
    const test = '  - { name: a, event: { tool: shell }, expect: [tool-allowlist] }\n'
    for (const more of ['mode: "off"\n', 'mode: learn\n', 'expires: 2020-01-01\n']) {
      expect(failures(test, more)).toEqual([])
    }
  })

  it('of a policy that is only extended are run for it, and not again for those that extend it', () => {
    const base = `version: 1\nid: base\n${SECTIONS}tests: [{ name: a, event: { tool: x }, expect: allowed }]\n`
    const text = `${base}---\nversion: 1\nid: p\nextends: base\nagent: { id: a }\ntools: { allow: [x] }\n`
    const { tests } = compilePolicies([{ path: 'p.yml', name: 'policies/p.yml', text }])
    expect(failedTests(tests)).toHaveLength(1)
  })

  it('of the policies that come with Telltale hold, and each of these has some', async () => {
    const { tests, policies } = await loadPolicies('rules/policies')
    expect(failedTests(tests).map(describeProblem)).toEqual([])
    expect(new Set(tests.map(({ file }) => file)).size).toBe(new Set(policies.map(({ file }) => file)).size)
  })
})
