import { describe, expect, it } from 'vitest'
import { Misconfigured } from '../schema/errors.ts'
import { decoyTokens } from './canaries.ts'
import { compilePolicies } from './compile.ts'

const HASH = 'a'.repeat(64)
const compile = (...sections: readonly string[]) =>
  compilePolicies(
    sections.map((section, index) => ({
      path: `p${index}.yml`,
      name: `p${index}.yml`,
      text: `version: 1\nid: p${index}\nagent: { id: a${index} }\n${section}`,
    })),
  )
const problemsOf = (section: string) => {
  try {
    compile(section)
  } catch (error) {
    return error instanceof Misconfigured ? error.problems : []
  }
  return []
}

describe('canaries of a policy', () => {
  it('are found by each of their lists', () => {
    const canaries = compile(`canaries: { datasets: ['a/*'], tools: [t], hosts: [h.example.com], tokens: [${HASH}] }`)
      .policies[0]?.canaries
    expect(canaries?.dataset('a/b')?.entry).toBe('a/*')
    expect(canaries?.tool({ name: 't' })?.entry).toBe('t')
    expect(canaries?.host('H.example.com')?.entry).toBe('h.example.com')
    expect(canaries?.host('no host at all')).toBeUndefined()
    expect(canaries?.token(HASH)?.entry).toBe(HASH)
    expect(canaries?.token(HASH.slice(0, 16))?.entry).toBe(HASH)
    expect(canaries?.hasTokens).toBe(true)
  })

  it('give collectors the tokens of all policies, but of none that is off', () => {
    const other = 'b'.repeat(64)
    const set = compile(
      `canaries: { tokens: [${HASH}] }`,
      `canaries: { tokens: [${HASH}, ${other}] }`,
      'tools: { allow: [] }',
      `mode: off\ncanaries: { tokens: [${'c'.repeat(64)}] }`,
    )
    const tokens = decoyTokens(set)
    expect(tokens()).toEqual(new Set([HASH, other]))
    expect(tokens()).toBe(tokens())
  })

  it('are others for collectors as soon as the set has taken other policies', () => {
    const set = { policies: compile(`canaries: { tokens: [${HASH}] }`).policies }
    const tokens = decoyTokens(set)
    const before = tokens()
    set.policies = compile('tools: { allow: [] }').policies
    expect(before).toEqual(new Set([HASH]))
    expect(tokens()).toEqual(new Set())
  })

  it('say where they are wrong and what to write instead', () => {
    expect(problemsOf("canaries: { hosts: ['https://h.example.com/x'] }")).toMatchObject([
      { file: 'p0.yml', line: 4, suggestion: "write 'h.example.com'" },
    ])
    expect(problemsOf('canaries: { tokens: [hunter2] }')[0]?.suggestion).toContain('sha256sum')
    expect(problemsOf('canaries: { datsets: [a] }')[0]?.suggestion).toBe("did you mean 'datasets'?")
    expect(problemsOf('canaries: {}')).toHaveLength(1)
  })
})
