import { describe, expect, it } from 'vitest'
import { idOf } from '../../schema/ids.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { exampleEvent } from '../../test/example-event.ts'
import { compilePolicies } from '../compile.ts'
import { entitlementsOf } from './entitlements.ts'
import { openHistory } from './history.ts'
import { entryText } from './use.ts'

const policies = compilePolicies([
  {
    path: 'a.yml',
    name: 'policies/a.yml',
    text: [
      'version: 1',
      'id: support',
      "agent: { id: 'support-*' }",
      'tools:',
      '  allow:',
      '    - kb.search',
      "    - 'crm.*'",
      '    - { name: mail.send, server: mail }',
      'egress:',
      "  allow: ['*.example.com', 10.0.0.0/8]",
      '  deny: [files.example.com]',
      '---',
      'version: 1',
      'id: nobody',
      'agent: { id: nobody }',
      'tools: { allow: [x] }',
    ].join('\n'),
  },
])

function of(...changes: readonly Partial<Telemetry>[]) {
  const history = openHistory()
  for (const [n, change] of changes.entries()) {
    history.observe(exampleEvent({ event_id: idOf('e', n), ...change }))
  }
  return entitlementsOf(history.agents(), policies)
}

describe('entitlements', () => {
  it('that nobody used are told with their place, globs and networks by what they stand for', () => {
    const { unused } = of(
      { tool: { name: 'crm.read' }, destinations: [{ host: '10.1.2.3' }] },
      { tool: { name: 'mail.send', server: 'other' } },
    )
    expect(unused.map(({ file, line, section, text }) => `${file}:${line} ${section} ${text}`)).toEqual([
      'policies/a.yml:6 tools kb.search',
      'policies/a.yml:8 tools mail.send on mail',
      'policies/a.yml:10 egress *.example.com',
    ])
  })

  it('that are missing are what agents used and their policy does not list or denies', () => {
    const { ungranted } = of({ tool: { name: 'shell.exec' }, destinations: [{ host: 'files.example.com' }] })
    expect(ungranted.map(({ policy, use }) => [policy.id, entryText(use.used.entry)])).toEqual([
      ['support', 'files.example.com'],
      ['support', 'shell.exec'],
    ])
  })

  it('are not used by trying what is denied', () => {
    const { unused, ungranted } = of(
      { tool: { name: 'crm.read' }, outcome: 'denied' },
      { tool: { name: 'shell.exec' }, outcome: 'denied' },
    )
    expect(unused.map(({ text }) => text)).toContain('crm.*')
    expect(ungranted.map(({ use: { clean, denied } }) => [clean, denied])).toEqual([[0, 1]])
  })

  it('of policies without an agent that was seen are not called unused, and agents without a policy are named', () => {
    const { idle, unused, ungoverned } = of({ agent: { id: 'stranger' } })
    expect([idle.map(({ id }) => id), unused, ungoverned.map(({ id }) => id)]).toEqual([
      ['support', 'nobody'],
      [],
      ['stranger'],
    ])
  })
})
