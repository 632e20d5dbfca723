import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { log, START_MS, span, spanId, TRACE } from './example-fragments.ts'
import { type AssembleOptions, openAssembler } from './index.ts'

const AGENT = { id: 'clerk', version: '1' }
const root = (overrides: Partial<Fragment> = {}) =>
  span('root', { operation: 'agent_invoke', agent: AGENT, session_id: 's1', ...overrides })
const tool = (name: string, overrides: Parameters<typeof span>[1] = {}) =>
  span(name, {
    parent: 'root',
    operation: 'tool_call',
    tool: { name: 'search', call_id: `call_${name}` },
    outcome: 'ok',
    ...overrides,
  })
const http = (name: string, parent: string, host = 'api.example', overrides: Partial<Fragment> = {}) =>
  span(name, {
    parent,
    role: 'part',
    operation: 'egress',
    transport: true,
    destinations: [{ host, seen_in: 'network' }],
    ...overrides,
  })
const at = (fragment: Fragment, laterMs: number): Fragment => ({ ...fragment, observed_ms: START_MS + laterMs })

/** Absorbs the fragments; tells what came out at each step, and all in all. */
function assembled(fragments: readonly Fragment[], options: Partial<AssembleOptions> = {}) {
  const assembler = openAssembler(options, [])
  const steps: Telemetry[][] = []
  const outcomes: Record<string, number> = {}
  const take = ({ events, outcomes: counted }: ReturnType<typeof assembler.absorb>) => {
    steps.push([...events])
    for (const [outcome, count] of counted) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    }
  }
  for (const fragment of fragments) {
    take(assembler.absorb(fragment))
  }
  const sent = steps.map((events) => events.length)
  take(assembler.flush())
  const events = steps.flat()
  return {
    /** Events that went out with each fragment; the end of the input not counted. */
    sent,
    outcomes,
    events,
    last: new Map(events.map((event) => [event.event_id, event])),
    tools: [...new Map(events.map((event) => [event.event_id, event])).values()].filter(
      ({ operation }) => operation === 'tool_call',
    ),
  }
}

describe('a fragment that names agent and session', () => {
  it('is never held, although its parent is unknown', () => {
    const { sent, events } = assembled([tool('t', { agent: AGENT, session_id: 's1' })])
    expect(sent).toEqual([1])
    expect(events[0]).toMatchObject({ agent: AGENT, session_id: 's1', tool: { name: 'search', call_id: 'call_t' } })
  })

  it('takes in the children that waited for it, and goes out once', () => {
    const { sent, events, outcomes } = assembled([http('h', 't'), tool('t', { agent: AGENT, session_id: 's1' })])
    expect(sent).toEqual([0, 1])
    expect(events[0]?.destinations).toEqual([{ host: 'api.example', seen_in: 'network' }])
    expect(outcomes).toEqual({ merged: 1, event: 1 })
  })
})

describe('identity', () => {
  it('comes from the ancestor, and lets everything that waited go, in the order it came', () => {
    const { sent, events } = assembled([tool('a'), tool('b'), root()])
    expect(sent).toEqual([0, 0, 3])
    expect(events.map(({ span_id }) => span_id)).toEqual(['a', 'b', 'root'].map(spanId))
    expect(events.map(({ agent }) => agent)).toEqual([AGENT, AGENT, AGENT])
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

  it('finds the principal that another record of the session named', () => {
    const { tools } = assembled([
      log({ role: 'context', session_id: 's1', principal }),
      log({ operation: 'tool_call', tool: { name: 'x' }, session_id: 's1', agent: AGENT }),
    ])
    expect(tools[0]?.subject_chain[0]).toEqual(principal)
  })
})

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

describe('time', () => {
  it('is the latest observed time, and a tick moves it', () => {
    const assembler = openAssembler({ holdMs: 100 }, [])
    assembler.absorb(tool('t'))
    expect(assembler.nextDeadlineMs()).toBe(START_MS + 100)
    expect(assembler.absorb(assembler.tick(START_MS + 99)).events).toEqual([])
    expect(assembler.absorb(assembler.tick(START_MS + 100)).events).toHaveLength(1)
    expect(assembler.nextDeadlineMs()).toBeUndefined()
  })

  it('lets go what is due in the order of deadlines, then of arrival', () => {
    const { events } = assembled([at(tool('late'), 50), tool('b'), tool('a'), at(tool('now'), 9000)])
    expect(events.map(({ span_id }) => span_id)).toEqual(['b', 'a', 'late', 'now'].map(spanId))
  })

  it('of an event from the future is that of its arrival, give or take clocks, and marked, amended or not', () => {
    const decade = 10 * 365 * 24 * 60 * 60 * 1000
    const { events } = assembled([root({ time_ms: START_MS + decade })])
    expect(events[0]).toMatchObject({
      time_ms: START_MS + 5 * 60 * 1000,
      attributes: { 'telltale.clock_skew': true },
    })
    const amended = assembled([
      tool('t', { agent: AGENT, session_id: 's1', time_ms: START_MS + decade }),
      http('h', 't'),
    ]).events
    expect(amended).toHaveLength(2)
    expect(amended[1]).toMatchObject({ time_ms: amended[0]?.time_ms, attributes: { 'telltale.clock_skew': true } })
    expect(assembled([root({ time_ms: START_MS + decade })], { clamp: false }).events[0]?.time_ms).toBe(
      START_MS + decade,
    )
  })
})

describe('bounds', () => {
  it('let the oldest trace go on early when too much waits', () => {
    const traces = ['b', 'c', 'd'].map((digit) => digit.repeat(32))
    const { sent, outcomes } = assembled(
      traces.map((trace_id) => tool('t', { trace_id })),
      { maxHeld: 2 },
    )
    expect(sent).toEqual([0, 0, 1])
    expect(outcomes).toEqual({ 'event:early': 1, event: 2 })
  })

  it('count the text that waits, not only the fragments', () => {
    const { sent } = assembled([tool('a', { content: { result: 'x'.repeat(8000) } })], { maxHeldText: 4000 })
    expect(sent).toEqual([1])
  })

  it('end a circle of parents', () => {
    const { events } = assembled([tool('a', { parent: 'b' }), tool('b', { parent: 'a' }), http('h', 'h')])
    expect(events).toHaveLength(3)
  })

  it('take a record sent again for a duplicate', () => {
    const line = log({ operation: 'tool_call', tool: { name: 'x' }, session_id: 's1', agent: AGENT })
    expect(assembled([root(), root(), line, line]).outcomes).toEqual({ event: 2, duplicate: 2 })
  })

  it('hold thousands of transport spans below one call in one event', () => {
    const many = Array.from({ length: 5000 }, (_, n) => http(`h${n}`, 't', `host${n}.example`))
    const { tools, outcomes } = assembled([...many, tool('t'), root()])
    expect(outcomes).toEqual({ merged: 5000, event: 2 })
    expect(tools[0]?.destinations).toHaveLength(64)
  })
})
