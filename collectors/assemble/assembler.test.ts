import { describe, expect, it } from 'vitest'
import { AGENT, assembled, at, http, root, tool } from './example-assembly.ts'
import { log, START_MS, spanId } from './example-fragments.ts'
import { openAssembler } from './index.ts'

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
