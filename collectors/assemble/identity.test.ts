import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { AGENT, assembled, at, root, tool } from './example-assembly.ts'
import { log, span, spanId, TRACE } from './example-fragments.ts'

describe('identity', () => {
  it('comes from the ancestor, and lets everything that waited go, in the order it came', () => {
    const { sent, events } = assembled([tool('a'), tool('b'), root()])
    expect(sent).toEqual([0, 0, 3])
    expect(events.map(({ span_id }) => span_id)).toEqual(['a', 'b', 'root'].map(spanId))
    expect(events.map(({ agent }) => agent)).toEqual([AGENT, AGENT, AGENT])
  })

  it('comes with its labels: those of the record that names the agent', () => {
    const labels = { tier: 'gold' }
    const { tools } = assembled([
      tool('a', { agent: { labels: { tier: 'tools' } } }),
      root({ agent: { ...AGENT, labels } }),
    ])
    expect(tools[0]?.agent).toEqual({ ...AGENT, labels })
  })

  it('comes from each record as it says itself, when one trace has the same agent labelled otherwise', () => {
    const of = (tier: string) => ({ agent: { ...AGENT, labels: { tier } } })
    const { tools } = assembled([
      root(of('gold')),
      span('sub', { parent: 'root', operation: 'agent_invoke', ...of('basic') }),
      tool('inner', { parent: 'sub' }),
    ])
    expect(tools[0]?.agent.labels).toEqual({ tier: 'basic' })
  })

  it('is the service with its labels, when nobody names an agent', () => {
    const labels = { tier: 'gold' }
    const { events } = assembled([tool('a', { agent: { labels, owner: 'cx' }, session_id: 's9' })])
    expect(events[0]?.agent).toEqual({ id: 'shop', labels, owner: 'cx' })
  })

  it('comes from the nearest ancestor that names an agent', () => {
    const { tools } = assembled([
      tool('inner', { parent: 'sub' }),
      span('sub', { parent: 'root', operation: 'agent_invoke', agent: { id: 'helper' } }),
      tool('outer'),
      root(),
    ])
    expect(tools.map(({ agent }) => agent.id)).toEqual(['helper', 'clerk'])
  })

  it('of an agent that was invoked is told at once, and again with everybody above it when the root has come', () => {
    const invoked = (name: string, parent: string) =>
      span(name, { parent, operation: 'agent_invoke', agent: { id: name }, session_id: 's1' })
    const principal = { kind: 'human', id: 'ana' } as const
    const { sent, events, outcomes } = assembled([
      invoked('writer', 'editor'),
      invoked('editor', 'root'),
      root({ principal }),
    ])
    expect(sent).toEqual([1, 1, 3])
    const chains = events.map(({ agent, subject_chain: chain }) => [agent.id, ...chain.map(({ id }) => id)])
    expect(chains).toContainEqual(['writer', 'writer'])
    expect(chains.filter(([id]) => id === 'writer').at(-1)).toEqual(['writer', 'ana', 'clerk', 'editor', 'writer'])
    expect(chains.filter(([id]) => id === 'editor').at(-1)).toEqual(['editor', 'ana', 'clerk', 'editor'])
    expect(outcomes).toMatchObject({ event: 3, amended: 2 })
  })

  it('comes from any span of the trace once the root is known to name none', () => {
    const { sent, tools } = assembled([
      span('chat', { parent: 'root', operation: 'model_call', agent: AGENT, session_id: 's1' }),
      tool('t'),
      span('root', { role: 'context' }),
    ])
    expect(sent).toEqual([1, 0, 1])
    expect(tools[0]).toMatchObject({ agent: AGENT, session_id: 's1' })
  })

  it('is lent at once by a service that has only ever run one agent', () => {
    const other = 'b'.repeat(32)
    const { sent, events } = assembled([root(), tool('t', { trace_id: other, session_id: 's2' })])
    expect(sent).toEqual([1, 1])
    expect(events[1]?.agent.id).toBe('clerk')
  })

  it('is not lent by a service that runs two agents', () => {
    const others = ['b', 'c'].map((digit) => digit.repeat(32)) as [string, string]
    const { sent, events } = assembled([
      root(),
      span('root', { trace_id: others[0], operation: 'agent_invoke', agent: { id: 'other' }, session_id: 's2' }),
      tool('t', { trace_id: others[1], session_id: 's3' }),
    ])
    expect(sent).toEqual([1, 1, 0])
    expect(events[2]?.agent.id).toBe('shop')
  })

  it('is not lent to the trace it was learned from, whose sub-agents may be on their way', () => {
    const { tools } = assembled([
      span('chat', { parent: 'root', operation: 'model_call', agent: AGENT, session_id: 's1' }),
      tool('inner', { parent: 'sub' }),
      span('sub', { parent: 'root', operation: 'agent_invoke', agent: { id: 'helper' } }),
      root(),
    ])
    expect(tools[0]?.agent.id).toBe('helper')
  })

  it('is the service after the deadline, and stays so for the trace', () => {
    const { sent, events } = assembled([
      tool('a'),
      at(tool('b', { service: { name: 'other' } }), 2500),
      at(span('x', { parent: 'root', role: 'context' }), 5000),
    ])
    expect(sent).toEqual([0, 1, 1])
    expect(events.map(({ agent, session_id }) => [agent.id, session_id])).toEqual([
      ['shop', TRACE],
      ['shop', TRACE],
    ])
  })

  it('is unknown when not even a service is named', () => {
    const { service: _, ...nameless } = tool('a')
    expect(assembled([nameless]).events[0]?.agent).toEqual({ id: 'unknown' })
  })

  it('gives a record without trace and session a session of its service', () => {
    expect(assembled([log({ operation: 'tool_call', agent: AGENT })]).events[0]?.session_id).toBe(
      'unknown-session:shop',
    )
  })

  it('never crosses tenants', () => {
    const { events } = assembled([root(), tool('t', { tenant_id: 'other' })])
    expect(events.at(-1)).toMatchObject({ tenant_id: 'other', agent: { id: 'shop' }, session_id: TRACE })
  })
})

describe('the subject chain', () => {
  const principal = { kind: 'human', id: 'ann' } as const

  it('runs from the principal through the invoking agents to the one that acts', () => {
    const { tools } = assembled([
      tool('t', { parent: 'sub' }),
      span('sub', { parent: 'root', operation: 'agent_invoke', agent: { id: 'helper', name: 'Helper' } }),
      root({ principal }),
    ])
    expect(tools[0]?.subject_chain).toEqual([
      principal,
      { kind: 'agent', id: 'clerk' },
      { kind: 'agent', id: 'helper', name: 'Helper' },
    ])
  })

  it('is what the agent states, continued below', () => {
    const stated = [{ kind: 'service', id: 'scheduler' }] as const
    const { tools } = assembled([tool('t'), root({ subject_chain: stated })])
    expect(tools[0]?.subject_chain).toEqual([...stated, { kind: 'agent', id: 'clerk' }])
  })

  it('holds the agents that a log record names above its own, once', () => {
    const callers = ['clerk', 'clerk/reader'].map((id) => ({ kind: 'agent', id }) as const)
    const of = (root: Fragment[]) => {
      const read = log({
        operation: 'tool_call',
        tool: { name: 'x' },
        ...acting,
        trace_id: TRACE,
        within: 'sub',
      })
      return assembled([...root, read]).tools[0]?.subject_chain.map(({ id }) => id)
    }
    const acting = { session_id: 's1', agent: { id: 'clerk/reader/lens' }, callers, principal }
    expect(of([])).toEqual(['ann', 'clerk', 'clerk/reader', 'clerk/reader/lens'])
    expect(
      of([root(), span('sub', { parent: 'root', operation: 'agent_invoke', agent: { id: 'clerk/reader' } })]),
    ).toEqual(['ann', 'clerk', 'clerk/reader', 'clerk/reader/lens'])
  })

  it('finds the principal that another record of the session named', () => {
    const { tools } = assembled([
      log({ role: 'context', session_id: 's1', principal }),
      log({ operation: 'tool_call', tool: { name: 'x' }, session_id: 's1', agent: AGENT }),
    ])
    expect(tools[0]?.subject_chain[0]).toEqual(principal)
  })
})
