import { describe, expect, it } from 'vitest'
import type { Agent } from '../schema/telemetry.ts'
import { compilePolicies } from './compile.ts'

function policies(...documents: readonly string[]) {
  const text = documents.map((body, index) => `version: 1\nid: p${index}\n${body}\n`).join('---\n')
  return compilePolicies([{ path: 'etc/p.yml', name: 'policies/p.yml', text }])
}

const NOW = 1_790_000_000_000

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
    expect(set.governing(agent, NOW)?.id).toBe(id)
    expect(set.governing(agent, NOW)?.id).toBe(id)
  })

  it('selects by other fields only agents that state them', () => {
    const byOwner = policies('agent: { owner: cx }', "agent: { owner: cx, framework: 'lang*' }")
    expect(byOwner.governing({ id: 'a', owner: 'cx' }, NOW)?.id).toBe('p0')
    expect(byOwner.governing({ id: 'a', owner: 'cx', framework: 'langchain' }, NOW)?.id).toBe('p1')
    expect(byOwner.governing({ id: 'a' }, NOW)).toBeUndefined()
    expect(byOwner.governing({ id: 'cx' }, NOW)).toBeUndefined()
  })

  it('selects by labels, more of them and exact ones first', () => {
    const byLabels = policies(
      'agent: { labels: { tier: gold } }',
      "agent: { labels: { tier: 'g*' } }",
      "agent: { labels: { tier: gold, region: 'eu-*' } }",
      'agent: { id: a }',
    )
    const governing = (labels: Record<string, string>, id = 'x') => byLabels.governing({ id, labels }, NOW)?.id
    expect(governing({ tier: 'gold' })).toBe('p0')
    expect(governing({ tier: 'green' })).toBe('p1')
    expect(governing({ tier: 'gold', region: 'eu-1' })).toBe('p2')
    expect(governing({ tier: 'gold', region: 'us-1' })).toBe('p0')
    expect(governing({ tier: 'gold' }, 'a')).toBe('p3')
    expect(governing({ region: 'eu-1' })).toBeUndefined()
    expect(byLabels.governing({ id: 'x' }, NOW)).toBeUndefined()
  })

  it('takes the name of a label for nothing but a name', () => {
    const odd = policies("agent: { labels: { constructor: '*' } }")
    expect(odd.governing({ id: 'x', labels: {} }, NOW)).toBeUndefined()
    expect(odd.governing({ id: 'x', labels: { constructor: 'y' } }, NOW)?.id).toBe('p0')
    expect(
      policies('agent: { labels: { constructor: a, x: b } }', 'agent: { labels: { y: a, x: a } }').policies,
    ).toHaveLength(2)
  })

  it('is not fooled by ids that are words of the language', () => {
    for (const id of ['__proto__', 'constructor', 'toString']) {
      expect(policies('agent: { id: a }').governing({ id }, NOW)).toBeUndefined()
      expect(policies(`agent: { id: ${id} }`).governing({ id }, NOW)?.id).toBe('p0')
    }
  })

  it('answers the same for more agents than it remembers', () => {
    for (let n = 0; n < 25_000; n += 1) {
      expect(set.governing({ id: `support-eu-x${n}` }, NOW)?.id).toBe('p2')
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
    ['labels that meet', 'agent: { labels: { tier: gold } }', 'agent: { labels: { region: eu } }'],
    ['different fields that meet', "agent: { id: a, owner: 'x*' }", "agent: { id: a, owner: '*y' }"],
  ])('refuses two policies with %s', (_what, one, other) => {
    expect(() => policies(one, other)).toThrow('just as specifically')
  })
})

describe('a policy that extends another', () => {
  const BASE = "tools: { allow: ['kb.*'] }\negress: { allow: [a.example] }\nowner: base-team"
  const file = (...documents: readonly string[]) =>
    compilePolicies([
      { path: 'b.yml', name: 'policies/b.yml', text: `version: 1\nid: base\n${BASE}\n` },
      ...documents.map((body, index) => ({
        path: `${index}.yml`,
        name: `policies/${index}.yml`,
        text: `version: 1\nid: p${index}\n${body}\n`,
      })),
    ])

  it('has the sections it does not give, from where they stand; what it gives replaces a section whole', () => {
    const policy = file('extends: base\nagent: { id: a }\negress: { deny: [b.example] }').policies[0]
    expect(policy?.judgeTool({ name: 'shell' })).toMatchObject({ policy: { file: 'policies/b.yml', line: 3 } })
    expect(policy?.judgeDestination({ host: 'other.example' })).toEqual({ allowed: true })
    expect(policy?.judgeDestination({ host: 'b.example' })).toMatchObject({
      policy: { file: 'policies/0.yml', line: 5 },
    })
    expect(policy).toMatchObject({ owner: 'base-team', file: 'policies/0.yml' })
  })

  it('goes on to the base of its base, in whatever order they stand', () => {
    const set = file('extends: p1\nagent: { id: a }', 'extends: base\nagent: { id: b }\ntools: { deny: [x] }')
    const [first, second] = set.policies
    expect(first?.judgeTool({ name: 'shell' })).toEqual({ allowed: true })
    expect(first?.judgeTool({ name: 'x' })).toMatchObject({ policy: { file: 'policies/1.yml' } })
    expect(first?.judgeDestination({ host: 'b.example' })).toMatchObject({
      policy: { file: 'policies/b.yml', line: 4 },
    })
    expect(second?.id).toBe('p1')
  })

  it('keeps for itself whom it governs, its mode and when it ends', () => {
    const set = file(
      'agent: { id: a }\nmode: "off"\nexpires: 2020-01-01\ntools: { deny: [x] }',
      'extends: p0\nagent: { id: b }',
      'extends: base\nagent: { id: c }',
    )
    expect(set.policies[1]).toMatchObject({ mode: 'alert', expires: undefined })
    expect(set.governing({ id: 'b' }, NOW)?.judgeTool({ name: 'x' })).toMatchObject({ because: 'denied' })
  })

  it('is not confused with its base, which governs nobody', () => {
    expect(file('extends: base\nagent: { id: a }').policies.map(({ id }) => id)).toEqual(['p0'])
  })
})

describe('a policy that expires', () => {
  const END = Date.UTC(2027, 2, 1)
  const set = policies(
    "agent: { id: '*' }",
    "agent: { id: 'a*' }\nexpires: 2027-03-01",
    "agent: { id: 'ab' }\nexpires: '2027-01-01T12:00:00+02:00'",
  )
  it('governs no more from then on, in the time of the event: the next one does', () => {
    expect(set.governing({ id: 'ab' }, Date.UTC(2027, 0, 1, 10) - 1)?.id).toBe('p2')
    expect(set.governing({ id: 'ab' }, Date.UTC(2027, 0, 1, 10))?.id).toBe('p1')
    expect(set.governing({ id: 'ab' }, END - 1)?.id).toBe('p1')
    expect(set.governing({ id: 'ab' }, END)?.id).toBe('p0')
    expect(policies('agent: { id: a }\nexpires: 2027-03-01').governing({ id: 'a' }, END)).toBeUndefined()
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
    const policy = set.governing({ id: 'a' }, NOW)
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
