import { describe, expect, it } from 'vitest'
import type { Agent } from '../schema/telemetry.ts'
import { compilePolicies } from './compile.ts'

function policies(...documents: readonly string[]) {
  const text = documents.map((body, index) => `version: 1\nid: p${index}\n${body}\n`).join('---\n')
  return compilePolicies([{ path: 'etc/p.yml', name: 'policies/p.yml', text }])
}

describe('the most specific policy governs', () => {
  const set = policies(
    "agent: { id: '*' }",
    "agent: { id: 'support-*' }",
    "agent: { id: 'support-eu-*' }",
    'agent: { id: support-eu-1 }',
    "agent: { id: support-eu-1, version: '2' }",
    'agent: { owner: cx }',
    "agent: { name: 'Night *' }",
  )
  it.each<[string, Agent, string]>([
    ['an exact id before any glob', { id: 'support-eu-1' }, 'p3'],
    ['an exact id with its version before the id alone', { id: 'support-eu-1', version: '2' }, 'p4'],
    ['the id alone when the version is another', { id: 'support-eu-1', version: '3' }, 'p3'],
    ['the longer glob before the shorter', { id: 'support-eu-2' }, 'p2'],
    ['the shorter glob where the longer does not match', { id: 'support-us-1' }, 'p1'],
    ['any id before a name or an owner', { id: 'x', name: 'Night shift', owner: 'cx' }, 'p0'],
  ])('%s', (_what, agent, id) => {
    expect(set.governing(agent)?.id).toBe(id)
    expect(set.governing(agent)?.id).toBe(id)
  })

  it('selects by other fields only agents that state them', () => {
    const byOwner = policies('agent: { owner: cx }', "agent: { owner: cx, framework: 'lang*' }")
    expect(byOwner.governing({ id: 'a', owner: 'cx' })?.id).toBe('p0')
    expect(byOwner.governing({ id: 'a', owner: 'cx', framework: 'langchain' })?.id).toBe('p1')
    expect(byOwner.governing({ id: 'a' })).toBeUndefined()
    expect(byOwner.governing({ id: 'cx' })).toBeUndefined()
  })

  it('is not fooled by ids that are words of the language', () => {
    for (const id of ['__proto__', 'constructor', 'toString']) {
      expect(policies('agent: { id: a }').governing({ id })).toBeUndefined()
      expect(policies(`agent: { id: ${id} }`).governing({ id })?.id).toBe('p0')
    }
  })

  it('answers the same for more agents than it remembers', () => {
    for (let n = 0; n < 25_000; n += 1) {
      expect(set.governing({ id: `support-eu-x${n}` })?.id).toBe('p2')
    }
  })

  it('lets globs of different length overlap, and exact ids stand side by side', () => {
    expect(policies("agent: { id: 'a*' }", "agent: { id: 'a*b' }", 'agent: { id: ab }').policies).toHaveLength(3)
    expect(policies('agent: { id: a }', 'agent: { id: b }').policies).toHaveLength(2)
    expect(policies("agent: { id: 'a*', owner: x }", "agent: { id: 'a*', owner: y }").policies).toHaveLength(2)
  })

  it.each([
    ['the same exact id', 'agent: { id: a }', 'agent: { id: a }'],
    ['globs that meet', "agent: { id: 'a*' }", "agent: { id: '*a' }"],
    ['different fields that meet', "agent: { id: a, owner: 'x*' }", "agent: { id: a, owner: '*y' }"],
  ])('refuses two policies with %s', (_what, one, other) => {
    expect(() => policies(one, other)).toThrow('just as specifically')
  })
})

describe('a policy', () => {
  it('says nothing about what it does not mention', () => {
    const policy = policies('agent: { id: a }').policies[0]
    expect(policy?.judgeTool({ name: 'shell.exec' })).toBeUndefined()
    expect(policy?.judgeDestination({ host: 'evil.example' })).toBeUndefined()
    expect(policy?.registeredPrompts).toEqual([])
    expect(policy?.mode).toBe('alert')
  })

  it('that is off is listed and never judges', () => {
    const set = policies(
      'agent: { id: a }\nmode: "off"\ntools: { allow: [] }\negress: { allow: [] }\nsystem_prompts: [{ name: m, shingles: [1, 2, 3, 4, 5, 6] }]',
    )
    const policy = set.governing({ id: 'a' })
    expect(policy?.mode).toBe('off')
    expect(policy?.judgeTool({ name: 'x' })).toBeUndefined()
    expect(policy?.judgeDestination({ host: 'x' })).toBeUndefined()
    expect(policy?.registeredPrompts).toEqual([])
  })

  it('names the line that decided', () => {
    const policy = policies('agent: { id: a }\ntools:\n  allow:\n    - kb.search\n  deny:\n    - kb.drop').policies[0]
    expect(policy?.judgeTool({ name: 'kb.drop' })).toMatchObject({ policy: { file: 'policies/p.yml', line: 8 } })
    expect(policy?.judgeTool({ name: 'other' })).toMatchObject({ policy: { file: 'policies/p.yml', line: 6 } })
  })
})
