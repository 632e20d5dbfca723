import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../../schema/telemetry.ts'
import { agentHistory, event } from '../arbitrary.ts'
import { markers } from './index.ts'

const NOT_KINDS = ['index', 'mark', 'tool-sources']

/** The kinds of marks that an event has, with their sources. */
const marks = (fields: Partial<Telemetry>) =>
  markers.flatMap((marker) => {
    const said = marker.mark(event(fields))
    return said === undefined ? [] : [`${marker.kind}: ${said.source}`]
  })
const call = (name: string, more: Partial<Telemetry> = {}) => marks({ tool: { name }, ...more })

it('the list of markers is the folder', () => {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.replace(/\.ts$/, ''))
  expect(markers.map(({ kind }) => kind).sort()).toEqual(files.filter((name) => !NOT_KINDS.includes(name)).sort())
})

describe('a call is marked', () => {
  it.each([
    ['web_fetch', ['untrusted-content: web']],
    ['browser.navigate', ['untrusted-content: web']],
    ['read_email', ['private-data: mail', 'untrusted-content: mail']],
    ['github.get_issue', ['untrusted-content: issue']],
    ['crm.get_customer', ['private-data: customer']],
    ['get_balance', ['private-data: finance']],
    ['send_email', ['outward: sending-tool']],
    ['slack.post_message', ['outward: sending-tool']],
    ['calculator', []],
    ['kb.search', []],
  ])('%s: %j', (name, expected) => {
    expect(call(name)).toEqual(expected)
  })

  it('as reading something private when the data is classified so, or values were masked in it', () => {
    const dataset = (classification: 'internal' | 'restricted') => [{ id: 'postgresql/hr/pay', classification }]
    expect(call('run', { dataset_scope: dataset('restricted') })).toEqual(['private-data: classified-dataset'])
    expect(call('run', { dataset_scope: dataset('internal') })).toEqual([])
    expect(call('run', { content: { result: 'call [masked:phone]' } })).toEqual(['private-data: masked-values'])
  })

  it('as sending outward when a request has a body and goes outside, or an address carries much', () => {
    const to = (host: string, method: string) => ({ destinations: [{ host, method }] })
    expect(call('run', to('files.test.com', 'POST'))).toEqual(['outward: request-with-a-body'])
    expect(call('run', to('files.test.com', 'GET'))).toEqual([])
    expect(call('run', to('10.0.0.7', 'POST'))).toEqual([])
    const address = (query: string) => ({ content: { arguments: `{"url":"https://a.test/p?q=${query}"}` } })
    expect(call('run', address('x'.repeat(100)))).toEqual(['outward: data-in-an-address'])
    expect(call('run', address('weather'))).toEqual([])
  })

  it('as given content from outside when it was told an address to read from', () => {
    const destinations = [{ host: 'docs.test.com', seen_in: 'argument' as const }]
    expect(call('docs.open', { destinations })).toEqual(['untrusted-content: named-address'])
    expect(call('docs.upload', { destinations })).toEqual(['outward: sending-tool'])
    expect(call('docs.open', { destinations: [{ host: 'docs.test.com', seen_in: 'network' }] })).toEqual([])
  })

  it('as nothing when it was denied or failed', () => {
    expect(call('send_email', { outcome: 'denied' })).toEqual([])
    expect(call('read_email', { outcome: 'error' })).toEqual([])
  })
})

it('an event is marked as handed over when another agent called', () => {
  const chain = (...ids: string[]) => ids.map((id) => ({ kind: 'agent' as const, id }))
  const invoked = (...subject_chain: Telemetry['subject_chain']) => marks({ operation: 'agent_invoke', subject_chain })
  expect(invoked(...chain('planner', 'support-assistant'))).toEqual(['handed-over: calling-agent'])
  expect(invoked({ kind: 'human', id: 'ann' }, ...chain('support-assistant'))).toEqual([])
  expect(marks({ subject_chain: chain('planner', 'support-assistant') })).toEqual([])
})

it('no event, however hostile, keeps a marker busy or makes it throw', () => {
  fc.assert(
    fc.property(agentHistory('a'), (events) => {
      for (const each of events) {
        expect(marks(each).length).toBeLessThanOrEqual(markers.length)
      }
    }),
    { numRuns: 30, seed: 1 },
  )
  const texts = ['http://'.repeat(1170), 'http://a?'.repeat(900), `http://${'a/'.repeat(4000)}`, '?'.repeat(8192)]
  const slowest = texts.map((text) => {
    const startMs = performance.now()
    call('run', { content: { arguments: text } })
    return performance.now() - startMs
  })
  expect(Math.max(...slowest)).toBeLessThan(5)
})
