/** Telemetry that comes twice, late, out of order, from the future or without a time: each thing done is one event. */
import { describe, expect, it } from 'vitest'
import { type CallParts, callSpan, spanIdOf, traceIdOf } from '../one-call.ts'
import { expectGoodEnd, next, useWhole, warned } from './whole.ts'

const whole = useWhole()

describe('time and order', () => {
  it('a span a thousand times is one event', async () => {
    const span = callSpan({ call: next(), session: 'thousand', startMs: Date.now() })
    const before = (await whole.telltale.health()).records.outcomes['assemble.duplicate'] ?? 0
    for (let request = 0; request < 10; request += 1) {
      await whole.send(Array.from({ length: 100 }, () => span))
    }
    await whole.settled()
    expect(await whole.events({ session: 'thousand' })).toHaveLength(1)
    expect((await whole.telltale.health()).records.outcomes['assemble.duplicate']).toBe(before + 999)
  })

  it('a span sent again with other content stays one event, and the first word stands', async () => {
    const call = next()
    const first = { call, session: 'changed', tool: 'search', arguments: '{"q":"first"}', startMs: Date.now() }
    await whole.send([callSpan(first)])
    await whole.settled()
    await whole.send([callSpan({ ...first, tool: 'shell', arguments: '{"q":"second"}' })])
    await whole.settled()
    const found = await whole.events({ session: 'changed' })
    expect(found.map(({ tool, content }) => [tool?.name, content?.arguments])).toEqual([['search', '{"q":"first"}']])
  })

  it("children before their parent are the parent's", async () => {
    const [root, ...children] = [next(), next(), next(), next()]
    const trace = root as number
    const nameless = (call: number): object => {
      const span = callSpan({ call, trace, parent: trace, session: 'late' }) as { attributes: { key: string }[] }
      const attributes = span.attributes.filter(
        ({ key }) => key !== 'gen_ai.agent.id' && key !== 'gen_ai.conversation.id',
      )
      return { ...span, attributes }
    }
    for (const call of children) {
      await whole.send([nameless(call)], { service: 'children-first' })
    }
    const parent = {
      ...(callSpan({ call: trace, trace, session: 'late', agent: 'late-parent' }) as { attributes: { key: string }[] }),
      name: 'invoke_agent',
    }
    const attributes = parent.attributes
      .filter(({ key }) => !key.startsWith('gen_ai.tool'))
      .map((entry) =>
        entry.key === 'gen_ai.operation.name' ? { ...entry, value: { stringValue: 'invoke_agent' } } : entry,
      )
    await whole.send([{ ...parent, attributes }], { service: 'children-first' })
    await whole.settled()
    const found = (await whole.events({ trace: traceIdOf(trace) })).filter(({ operation }) => operation === 'tool_call')
    expect(found).toHaveLength(3)
    expect(new Set(found.map(({ agent, session_id }) => `${agent.id} ${session_id}`))).toEqual(
      new Set(['late-parent late']),
    )
  })

  it('a child whose parent never comes is told all the same', async () => {
    const [call, trace] = [next(), next()]
    const span = callSpan({ call, trace, parent: 999_999 }) as { attributes: { key: string }[] }
    await whole.send([{ ...span, attributes: span.attributes.filter(({ key }) => !/agent|conversation/.test(key)) }], {
      service: 'orphanage',
    })
    await whole.settled()
    const [event] = await whole.events({ trace: traceIdOf(trace) })
    expect([event?.agent.id, event?.span_id, event?.parent_span_id]).toEqual([
      'orphanage',
      spanIdOf(call),
      spanIdOf(999_999),
    ])
  })

  it('a span that is its own parent, and a circle of two, are told', async () => {
    const [self, one, two] = [next(), next(), next()]
    const nameless = (parts: CallParts) => {
      const span = callSpan(parts) as { attributes: { key: string }[] }
      return { ...span, attributes: span.attributes.filter(({ key }) => !/agent|conversation/.test(key)) }
    }
    await whole.send([nameless({ call: self, trace: self, parent: self })], { service: 'circle' })
    await whole.send(
      [nameless({ call: one, trace: one, parent: two }), nameless({ call: two, trace: one, parent: one })],
      { service: 'circle' },
    )
    await whole.settled()
    expect(await whole.events({ trace: traceIdOf(self) })).toHaveLength(1)
    expect(await whole.events({ trace: traceIdOf(one) })).toHaveLength(2)
  })

  it('clocks that are years off move no event into the future', async () => {
    const year = 365 * 86_400_000
    const now = Date.now()
    const times = [now - 10 * year, now + 10 * year, now - year / 365 / 24, now + year / 365 / 24, 0, 1, 2 ** 43]
    await whole.send(times.map((startMs) => callSpan({ call: next(), session: 'clocks', startMs })))
    await whole.settled()
    const found = await whole.events({ session: 'clocks' })
    expect(found).toHaveLength(times.length)
    for (const { time_ms } of found) {
      expect(time_ms).toBeLessThanOrEqual(Date.now() + 5 * 60_000)
      expect(time_ms).toBeGreaterThanOrEqual(0)
    }
    expect(found.filter(({ attributes }) => attributes?.['telltale.clock_skew'] !== undefined)).toHaveLength(3)
  })

  it('times that are none, end before they start or overflow cost no event', async () => {
    const span = callSpan({ call: next(), session: 'no-time' }) as Record<string, unknown>
    const times = [
      ['0', '0'],
      ['1795287594000000000', '1795287593000000000'],
      ['9223372036854775807', '9223372036854775807'],
      ['18446744073709551615', '0'],
      ['-1', '-1'],
      ['soon', null],
      [1e308, -1e308],
    ]
    const spans = times.map(([startTimeUnixNano, endTimeUnixNano]) => {
      return { ...span, spanId: spanIdOf(next()), startTimeUnixNano, endTimeUnixNano }
    })
    await whole.send(spans, warned('6 times were out of range and were unset'))
    await whole.settled()
    const found = await whole.events({ session: 'no-time' })
    expect(found).toHaveLength(times.length)
    for (const { duration_ms } of found) {
      expect(duration_ms ?? 0).toBeGreaterThanOrEqual(0)
    }
  })

  it('two thousand events of one moment are all kept, and all are listed', async () => {
    const startMs = Date.now() - 60_000
    await whole.send(Array.from({ length: 2000 }, () => callSpan({ call: next(), session: 'moment', startMs })))
    await whole.settled()
    const found = await whole.events({ session: 'moment', limit: '300' })
    expect(new Set(found.map(({ event_id }) => event_id)).size).toBe(2000)
    expect(found).toHaveLength(2000)
  })

  it('ids that are none are told without them, and spans of ids that cannot be are rejected', async () => {
    const span = callSpan({ call: next(), session: 'no-ids' }) as Record<string, unknown>
    const [none, capitals] = [['', '0'.repeat(32), null], 'A'.repeat(32)]
    const impossible = ['xyz', 'a'.repeat(31), 'a'.repeat(34), 7]
    const spans = [...none, capitals, ...impossible].map((id, index) => {
      return { ...span, name: `n${index}`, traceId: id, spanId: typeof id === 'string' ? id.slice(0, 16) : id }
    })
    await whole.send(spans, {
      receipt: { partialSuccess: { rejectedSpans: '4', errorMessage: '4 rejected: invalid-trace-id' } },
    })
    await whole.settled()
    const found = await whole.events({ session: 'no-ids' })
    expect(found.map(({ trace_id, span_id }) => `${trace_id} ${span_id}`).sort()).toEqual([
      `${'a'.repeat(32)} ${'a'.repeat(16)}`,
      ...none.map(() => 'null null'),
    ])
  })
})

expectGoodEnd(whole)
