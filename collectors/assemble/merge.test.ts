import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { ATTRIBUTE_LIMIT } from '../../schema/telemetry.ts'
import { Contribution } from './contribution.ts'
import { log, span } from './example-fragments.ts'
import { childOf, foldChild, mergeDraft, withAttribute } from './merge.ts'

function merged(...fragments: readonly Fragment[]) {
  return mergeDraft({
    contributions: fragments.map((fragment, rank) => new Contribution(rank, fragment)),
    children: undefined,
  })
}

const call = (overrides: Partial<Fragment>) => span('t', { operation: 'tool_call', ...overrides })

describe('records of one event', () => {
  it('of which there is only one are that record', () => {
    const only = call({ content: { arguments: 'x' } })
    expect(merged(only)).toBe(only)
  })

  it.each([
    [['ok', 'error'], 'error'],
    [['error', 'denied'], 'denied'],
    [['timeout', 'error', 'ok'], 'timeout'],
    [['ok', undefined], 'ok'],
    [[undefined, undefined], undefined],
  ] as const)('with outcomes %j end in %s', (outcomes, expected) => {
    expect(merged(...outcomes.map((outcome) => call(outcome === undefined ? {} : { outcome }))).outcome).toBe(expected)
  })

  it('give the error type that goes with the outcome', () => {
    const both = merged(
      call({ outcome: 'error', error_type: '_OTHER' }),
      call({ outcome: 'timeout', error_type: 'DeadlineExceeded' }),
    )
    expect(both.error_type).toBe('DeadlineExceeded')
  })

  it('are denied when any decision was to deny', () => {
    expect(merged(call({ policy_decision: 'allow' }), call({ policy_decision: 'deny' })).policy_decision).toBe('deny')
  })

  it('keep the stricter classification of a dataset', () => {
    const { dataset_scope } = merged(
      call({ dataset_scope: [{ id: 'crm', classification: 'internal' }] }),
      call({ dataset_scope: [{ id: 'crm', classification: 'restricted' }, { id: 'kb' }] }),
    )
    expect(dataset_scope).toEqual([{ id: 'crm', classification: 'restricted' }, { id: 'kb' }])
    const leads = { id: 'crm', classification: 'restricted' as const, operation: 'read' as const }
    expect(
      merged(call({ dataset_scope: [{ id: 'crm', operation: 'delete' }] }), call({ dataset_scope: [leads] }))
        .dataset_scope,
    ).toEqual([{ ...leads, operation: 'delete' }])
  })

  it('fill in for each other, field by field', () => {
    const { tool, content } = merged(
      call({ tool: { name: 'search' }, content: { arguments: 'a' } }),
      call({ tool: { name: 'mcp_tool', server: 'crm' }, content: { arguments: 'b', result: 'r' } }),
    )
    expect(tool).toEqual({ name: 'search', server: 'crm' })
    expect(content).toEqual({ arguments: 'a', result: 'r' })
  })

  it('keep attributes within their bound, and hostile names as names', () => {
    const many = Object.fromEntries(Array.from({ length: ATTRIBUTE_LIMIT }, (_, n) => [`a${n}`, n]))
    const hostile = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>
    const { attributes } = merged(call({ attributes: hostile }), call({ attributes: many }))
    expect(Object.keys(attributes ?? {})).toHaveLength(ATTRIBUTE_LIMIT)
    expect(Object.keys(attributes ?? {}).slice(0, 2)).toEqual(['__proto__', 'constructor'])
    expect(Object.keys(withAttribute(many, 'ours', true))).toHaveLength(ATTRIBUTE_LIMIT)
    expect(withAttribute(many, 'ours', true)).toHaveProperty('ours', true)
  })

  it('take the time of a call that a user was asked about from its log record or its execution', () => {
    const outer = call({ dialect: 'claude-code', duration_ms: 60_000 })
    const execution = span('x', { dialect: 'claude-code', role: 'part', tool: { call_id: 'c' }, duration_ms: 20 })
    const line = log({ dialect: 'claude-code', operation: 'tool_call', duration_ms: 21 })
    expect(merged(outer, execution).duration_ms).toBe(20)
    expect(merged(outer, line, execution).duration_ms).toBe(21)
    expect(merged(call({ duration_ms: 5 }), line).duration_ms).toBe(21)
    expect(merged(call({ duration_ms: 5 }), call({ duration_ms: 6 })).duration_ms).toBe(5)
  })
})

describe('spans below an event', () => {
  const below = (host: string, bytes: number): Fragment =>
    span(host, {
      role: 'part',
      operation: 'egress',
      transport: true,
      destinations: [{ host }],
      volume: { bytes_out: bytes },
    })

  it('add up, and are compared with what the event says itself', () => {
    const children = [below('b', 10), below('a', 20), below('a', 5)]
      .map((fragment) => childOf(fragment))
      .reduce((sum, child) => (child === undefined ? sum : foldChild(sum, child)), undefined)
    const contributions = [new Contribution(0, call({ volume: { bytes_out: 3, rows: 2 } }))]
    expect(mergeDraft({ contributions, children })).toMatchObject({
      destinations: [{ host: 'a' }, { host: 'b' }],
      volume: { bytes_out: 35, rows: 2 },
    })
  })

  it('are not what speaks for the event itself', () => {
    expect(childOf(span('x', { role: 'part', outcome: 'error' }))).toBeUndefined()
    expect(childOf(span('x', { role: 'part', operation: 'tool_call' }))).toBeUndefined()
    expect(childOf(span('x', { operation: 'retrieval' }))).toBeUndefined()
  })
})
