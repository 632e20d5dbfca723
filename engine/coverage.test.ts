import { describe, expect, it } from 'vitest'
import { coverageOf, type Described, type SeenFields, SHOWN_AGENTS } from './coverage.ts'

const tools: Described = {
  id: 'tools',
  title: 'Tools',
  on: ['tool_call'],
  needs: ['tool', 'policy.tools'],
  techniques: ['AML.T0053'],
}
const texts: Described = {
  id: 'texts',
  title: 'Texts',
  on: ['model_call', 'tool_call'],
  needs: [['content.prompt', 'content.result']],
  techniques: ['AML.T0053', 'AML.T0051.001'],
}
const seen = (id: string, operation: SeenFields['operation'], ...fields: string[]): SeenFields => ({
  agent: { id },
  operation,
  fields,
})
const of = (rows: readonly SeenFields[], governed: readonly string[] = []) =>
  coverageOf(rows, [tools, texts], ({ id }) => (governed.includes(id) ? ['tools'] : []))
const status = (rows: readonly SeenFields[], governed: readonly string[] = []) =>
  of(rows, governed).detectors.map((detector) => detector.status)

describe('a detector', () => {
  it('is covered when every agent that does what it judges gives it all that it needs', () => {
    expect(status([seen('a', 'tool_call', 'tool', 'content.result')], ['a'])).toEqual(['covered', 'covered'])
  })

  it('is blind when no agent does what it judges', () => {
    expect(of([seen('a', 'egress', 'tool')]).detectors[0]).toMatchObject({ status: 'blind', agents: 0, missing: [] })
  })

  it('misses data of the agents that lack a field or a policy section, and says which', () => {
    const rows = [seen('a', 'tool_call', 'tool'), seen('b', 'tool_call', 'tool'), seen('c', 'model_call', 'x')]
    expect(of(rows, ['b']).detectors).toMatchObject([
      {
        status: 'data-missing',
        agents: 2,
        covered: 1,
        missing: [{ needs: ['policy.tools'], agents: ['a'], count: 1 }],
      },
      {
        status: 'blind',
        agents: 3,
        covered: 0,
        missing: [{ needs: ['content.prompt', 'content.result'], agents: ['a', 'b', 'c'], count: 3 }],
      },
    ])
  })

  it('takes what it needs from any of the operations that it judges, and from no others', () => {
    expect(status([seen('a', 'tool_call', 'tool'), seen('a', 'model_call', 'content.prompt')])[1]).toBe('covered')
    expect(status([seen('a', 'tool_call', 'tool'), seen('a', 'egress', 'content.prompt')])[1]).toBe('blind')
  })

  it('names few of many agents', () => {
    const rows = Array.from({ length: 50 }, (_, n) => seen(`a${n}`, 'tool_call', 'tool'))
    const [missing] = of(rows).detectors[0]?.missing ?? []
    expect([missing?.agents.length, missing?.count]).toEqual([SHOWN_AGENTS, 50])
  })
})

describe('a technique', () => {
  it('is covered as well as the best of its detectors is', () => {
    expect(of([seen('a', 'model_call', 'content.prompt')]).techniques).toEqual([
      { id: 'AML.T0051.001', name: 'LLM Prompt Injection: Indirect', status: 'covered', detectors: ['texts'] },
      { id: 'AML.T0053', name: 'AI Agent Tool Invocation', status: 'covered', detectors: ['tools', 'texts'] },
    ])
  })
})
