import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { AGENT, assembled, at, http, root, tool } from './example-assembly.ts'
import { log, span, spanId } from './example-fragments.ts'

describe('one call in several records', () => {
  const said = { session_id: 's1', agent: AGENT, dialect: 'claude-code' }
  const toolLog = (overrides: Partial<Fragment> = {}) =>
    log({
      ...said,
      operation: 'tool_call',
      tool: { name: 'Bash', call_id: 'c1' },
      outcome: 'ok',
      duration_ms: 7,
      content: { arguments: 'ls' },
      ...overrides,
    })
  const toolSpan = (overrides: Partial<Fragment> = {}) =>
    span('t', {
      ...said,
      operation: 'tool_call',
      tool: { name: 'Bash', call_id: 'c1' },
      duration_ms: 900,
      ...overrides,
    })

  it('is one event, sent again when a later record adds what is judged', () => {
    const { sent, outcomes, last } = assembled([toolLog(), toolSpan({ content: { result: 'file' } })])
    expect(sent).toEqual([1, 1])
    expect(outcomes).toEqual({ event: 1, merged: 1, amended: 1 })
    expect([...last.values()]).toMatchObject([
      { content: { arguments: 'ls', result: 'file' }, duration_ms: 7, span_id: spanId('t') },
    ])
  })

  it('is sent once when a later record adds nothing that is judged', () => {
    const { outcomes } = assembled([toolLog(), toolSpan()])
    expect(outcomes).toEqual({ event: 1, merged: 1 })
  })

  it('has the same id whichever record came first', () => {
    const [one] = assembled([toolLog(), toolSpan()]).events
    const [other] = assembled([toolSpan(), toolLog()]).events
    expect(one?.event_id).toBe(other?.event_id)
  })

  it('keeps as attributes what a joined record says otherwise, and only that', () => {
    const asked = toolSpan({ integrity: { model: 'gpt-4o' } })
    const answered = toolLog({ integrity: { model: 'gpt-4o-mini' }, attributes: { shell: 'zsh' } })
    const { tools } = assembled([asked, answered])
    expect(tools[0]?.integrity).toEqual({ model: 'gpt-4o' })
    expect(tools[0]?.attributes).toEqual({ shell: 'zsh', 'gen_ai.request.model': 'gpt-4o-mini' })
  })

  it('takes the arguments of the span before those of the log record, where the log does not know better', () => {
    const given = { content: { arguments: 'ls -l' } }
    const both = (dialect: string) => assembled([toolLog({ dialect }), toolSpan({ dialect, ...given })]).tools
    expect(both('otel-genai')[0]?.content?.arguments).toBe('ls -l')
    expect(both('claude-code')[0]?.content?.arguments).toBe('ls')
  })

  it('failed when a part of it failed', () => {
    const failed = span('x', {
      ...said,
      parent: 't',
      role: 'part',
      tool: { call_id: 'c1' },
      outcome: 'error',
      error_type: 'ShellError',
    })
    const { tools } = assembled([failed, toolSpan({ outcome: 'ok' })])
    expect(tools).toMatchObject([{ outcome: 'error', error_type: 'ShellError' }])
  })

  describe('that was refused', () => {
    const refused = log({
      ...said,
      role: 'part',
      operation: 'tool_call',
      tool: { name: 'Write', call_id: 'c2' },
      outcome: 'denied',
    })

    it('is an event at once when the refusal names agent and session, for it may be all that is ever told', () => {
      const { sent, tools } = assembled([refused])
      expect(sent).toEqual([1])
      expect(tools).toMatchObject([{ outcome: 'denied', tool: { name: 'Write' } }])
    })

    it('is the same event when its span comes later', () => {
      const late = at(span('t', { ...said, operation: 'tool_call', tool: { name: 'Write', call_id: 'c2' } }), 60_000)
      const { tools, outcomes } = assembled([refused, late])
      expect(tools).toMatchObject([{ outcome: 'denied', tool: { name: 'Write', call_id: 'c2' } }])
      expect(outcomes).toMatchObject({ event: 1, merged: 1 })
    })
  })

  it('still has the part that came long before it', () => {
    const decision = log({ ...said, role: 'part', tool: { call_id: 'c1' }, approval: { by: 'user' } })
    const { outcomes, tools } = assembled([decision, at(toolLog(), 60_000)])
    expect(outcomes).toEqual({ 'expired:no-call': 1, event: 1 })
    expect(tools).toMatchObject([{ approval: { by: 'user' }, content: { arguments: 'ls' } }])
  })

  it('joins the MCP client and server below the call of the same tool', () => {
    const mcp = { operation: 'tool_call', dialect: 'mcp', tool: { name: 'find', call_id: '3', server: 'crm' } } as const
    const fragments = [
      span('server', { ...mcp, parent: 'client', service: { name: 'crm-server' } }),
      span('client', { ...mcp, parent: 't' }),
      tool('t', { tool: { name: 'mcp__crm__find', call_id: 'c9' } }),
      root(),
    ]
    for (const order of [fragments, fragments.toReversed()]) {
      const { tools } = assembled(order)
      expect(tools).toMatchObject([{ tool: { name: 'mcp__crm__find', call_id: 'c9', server: 'crm' }, agent: AGENT }])
    }
  })

  it('amends an MCP call that went out before the call above it came', () => {
    const { tools, outcomes } = assembled([
      span('client', {
        parent: 't',
        operation: 'tool_call',
        dialect: 'mcp',
        tool: { name: 'search', server: 'crm' },
        agent: AGENT,
        session_id: 's1',
      }),
      tool('t', { content: { arguments: 'q' } }),
    ])
    expect(tools).toMatchObject([{ tool: { name: 'search', server: 'crm', call_id: 'call_t' } }])
    expect(outcomes).toEqual({ event: 1, merged: 1, amended: 1 })
  })

  it('pairs a span and a log record that share a twin, first come first paired', () => {
    const twin = 'e'.repeat(64)
    const chat = (prompt: string) => span(prompt, { ...said, operation: 'model_call', twin, content: { prompt } })
    const line = (output: string) => log({ ...said, operation: 'model_call', twin, content: { output } })
    const { last } = assembled([line('one'), line('two'), chat('a'), chat('b')])
    expect([...last.values()].map(({ span_id, content }) => [span_id, content])).toEqual([
      [spanId('a'), { prompt: 'a', output: 'one' }],
      [spanId('b'), { prompt: 'b', output: 'two' }],
    ])
  })

  it('is two events when one emitter reports an id twice: another call uses it again', () => {
    const { tools } = assembled([
      tool('a', { tool: { name: 'search', call_id: 'call_0' } }),
      tool('b', { tool: { name: 'send', call_id: 'call_0' } }),
      root(),
    ])
    expect(tools.map(({ tool: used }) => used?.name)).toEqual(['search', 'send'])
  })

  it('is not joined by a bare number, which every connection counts anew', () => {
    const { tools } = assembled([
      tool('a', { tool: { name: 'search', call_id: '1' }, dialect: 'mcp' }),
      tool('b', { tool: { name: 'search', call_id: '1' } }),
      root(),
    ])
    expect(tools).toHaveLength(2)
  })
})

describe('transport', () => {
  it('of a model call is no event', () => {
    const { events, outcomes } = assembled([
      http('h', 'wrapper', 'model.example'),
      span('wrapper', { parent: 'chat', role: 'context' }),
      span('chat', { parent: 'root', operation: 'model_call' }),
      root(),
    ])
    expect(events.map(({ operation }) => operation)).toEqual(['model_call', 'agent_invoke'])
    expect(outcomes.model_transport).toBe(1)
  })

  it('under no call is egress of the agent', () => {
    const { events } = assembled([http('h', 'root'), root()])
    expect(events[0]).toMatchObject({ operation: 'egress', agent: AGENT, destinations: [{ host: 'api.example' }] })
  })

  it('of a sub-agent is its own, not the call that invoked it', () => {
    const { events } = assembled([
      http('h', 'sub'),
      span('sub', { parent: 't', operation: 'agent_invoke', agent: { id: 'helper' } }),
      tool('t'),
      root(),
    ])
    expect(events.map(({ operation, agent }) => [operation, agent.id])).toEqual([
      ['egress', 'helper'],
      ['agent_invoke', 'helper'],
      ['tool_call', 'clerk'],
      ['agent_invoke', 'clerk'],
    ])
  })

  it('amends a call that went out before', () => {
    const { sent, tools } = assembled([tool('t', { agent: AGENT, session_id: 's1' }), http('h', 't')])
    expect(sent).toEqual([1, 1])
    expect(tools).toMatchObject([{ destinations: [{ host: 'api.example' }] }])
  })

  it('adds up below one call, database spans included', () => {
    const rows = (name: string, count: number) =>
      span(name, {
        parent: 't',
        role: 'part',
        operation: 'retrieval',
        dataset_scope: [{ id: `table-${name}` }],
        volume: { rows: count },
      })
    const { tools } = assembled([rows('a', 2), rows('b', 3), http('h', 't'), tool('t'), root()])
    expect(tools).toMatchObject([
      {
        volume: { rows: 5 },
        dataset_scope: [{ id: 'table-a' }, { id: 'table-b' }],
        destinations: [{ host: 'api.example' }],
      },
    ])
  })

  it('reported twice, by the library and by what it is built on, is one event', () => {
    const { events } = assembled([http('inner', 'outer'), http('outer', 'root'), root()])
    expect(events.filter(({ operation }) => operation === 'egress')).toHaveLength(1)
  })

  it('to a host that models of the service are known to be at waits in vain without becoming egress', () => {
    const { outcomes } = assembled([
      span('chat', { parent: 'root', operation: 'model_call', destinations: [{ host: 'model.example' }] }),
      root(),
      http('h', 'still-running', 'model.example'),
    ])
    expect(outcomes).toEqual({ event: 2, model_transport: 1 })
  })
})
