import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { AGENT, assembled, at, root, tool } from './example-assembly.ts'
import { log, START_MS, span } from './example-fragments.ts'

describe('calls that models speak of', () => {
  const chat = (name: string, overrides: Partial<Fragment>) =>
    span(name, { parent: 'root', operation: 'model_call', content: { output: 'o' }, ...overrides })
  const asked = { call_id: 'c1', name: 'search', arguments: '{"q":1}' }

  it('become events when no record of theirs comes by the deadline, with what was answered', () => {
    const { tools, outcomes } = assembled([
      chat('one', { requested_calls: [asked] }),
      chat('two', { answered_calls: [{ call_id: 'c1', result: 'nothing', outcome: 'error' }] }),
      root(),
    ])
    expect(tools).toMatchObject([
      {
        tool: { name: 'search', call_id: 'c1' },
        content: { arguments: '{"q":1}', result: 'nothing' },
        outcome: 'error',
        agent: AGENT,
        session_id: 's1',
        attributes: { 'telltale.origin': 'inferred' },
      },
    ])
    expect(outcomes).toEqual({ event: 3, synthesized: 1 })
  })

  it('have the callers of the agent that asked, which no span above them names', () => {
    const acting = {
      session_id: 's1',
      agent: { id: 'clerk/reader' },
      callers: [{ kind: 'agent' as const, id: 'clerk' }],
    }
    const { tools } = assembled([log({ operation: 'model_call', ...acting, requested_calls: [asked] })])
    expect(tools[0]?.subject_chain.map(({ id }) => id)).toEqual(['clerk', 'clerk/reader'])
  })

  it('reach and touch what the request names', () => {
    const named = {
      destinations: [{ host: 'two.example', seen_in: 'argument' as const }],
      dataset_scope: [{ id: 'leads' }],
    }
    const { tools } = assembled([chat('one', { requested_calls: [{ ...asked, ...named }] }), root()])
    expect(tools).toMatchObject([named])
  })

  it('are no events of their own when the record comes', () => {
    const { tools, outcomes } = assembled([
      chat('one', { requested_calls: [asked] }),
      tool('t', { tool: { name: 'search', call_id: 'c1' } }),
      root(),
    ])
    expect(tools).toMatchObject([{ content: { arguments: '{"q":1}' }, attributes: {} }])
    expect(tools[0]?.attributes).not.toHaveProperty('telltale.origin')
    expect(outcomes).toEqual({ event: 3 })
  })

  it('are amended by a record that comes after the deadline', () => {
    const { tools, outcomes } = assembled([
      chat('one', { requested_calls: [asked] }),
      root(),
      at(tool('t', { tool: { name: 'search', call_id: 'c1' }, content: { result: 'late' } }), 60_000),
    ])
    expect(tools).toMatchObject([{ content: { arguments: '{"q":1}', result: 'late' } }])
    expect(tools[0]?.attributes).not.toHaveProperty('telltale.origin')
    expect(outcomes).toMatchObject({ synthesized: 1, amended: 1, merged: 1 })
  })

  it('claim the record of the same tool that names no call id, whichever comes first', () => {
    const nameless = tool('t', { tool: { name: 'search' } })
    const request = chat('one', { requested_calls: [asked] })
    for (const order of [
      [nameless, request, root()],
      [request, nameless, root()],
    ]) {
      const { tools } = assembled(order)
      expect(tools).toMatchObject([{ tool: { name: 'search', call_id: 'c1' }, content: { arguments: '{"q":1}' } }])
    }
  })

  it('are asked for again under an id used before: another call', () => {
    const { tools } = assembled([
      root(),
      chat('one', { requested_calls: [asked] }),
      at(chat('two', { requested_calls: [{ ...asked, arguments: '{"q":2}' }] }), 5000),
    ])
    expect(tools.map(({ content }) => content?.arguments)).toEqual(['{"q":1}', '{"q":2}'])
  })

  it('are answered by what was told before the request', () => {
    const { tools } = assembled([
      tool('t', { tool: { name: 'search' }, outcome: 'ok' }),
      span('merged', {
        parent: 'root',
        role: 'context',
        answered_calls: [{ call_id: 'c1', outcome: 'error', result: 'no' }],
      }),
      chat('one', { requested_calls: [asked] }),
      root(),
    ])
    expect(tools).toMatchObject([
      { outcome: 'error', tool: { call_id: 'c1' }, content: { arguments: '{"q":1}', result: 'no' } },
    ])
  })

  it('tell the failure that the record of the call did not', () => {
    const { tools } = assembled([
      tool('t', { tool: { name: 'search', call_id: 'c1' } }),
      chat('two', { answered_calls: [{ call_id: 'c1', result: 'no such table', outcome: 'error' }] }),
      root(),
    ])
    expect(tools).toMatchObject([{ outcome: 'error', content: { result: 'no such table' } }])
  })
})

describe('messages logged beside a model call', () => {
  const message = (content: Fragment['content'], laterMs = 0) =>
    log({ within: 'chat', role: 'context', content: content ?? {}, time_ms: START_MS + laterMs })
  const chat = span('chat', { parent: 'root', operation: 'model_call' })

  it('belong to its event, whether they come before or after', () => {
    const messages = [message({ prompt: 'first' }), message({ prompt: 'last' }, 1), message({ output: 'answer' }, 2)]
    for (const order of [
      [...messages, chat, root()],
      [chat, root(), ...messages],
    ]) {
      const model = [...assembled(order).last.values()].find(({ operation }) => operation === 'model_call')
      expect(model?.content).toEqual({ prompt: 'last', output: 'answer' })
    }
  })
})
