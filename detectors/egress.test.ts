import { describe, expect, it } from 'vitest'
import type { Destination, Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { egress } from './egress.ts'
import { example } from './examples/egress.ts'

const policy = examplePolicy(example.policy)

function judge(destinations: readonly Destination[], fields: Partial<Telemetry> = {}) {
  const tool = { name: 'kb.search' }
  return egress.check(event({ tool, destinations: [...destinations], ...fields }), egress.initial(), { policy })
}

describe('egress', () => {
  it('says nothing about allowed destinations, no destinations, and agents without a policy', () => {
    expect(judge([{ host: 'api.example.com', port: 443 }, { host: '10.2.3.4' }])).toEqual([])
    expect(judge([])).toEqual([])
    expect(
      egress.check(event({ destinations: [{ host: 'evil.test' }] }), egress.initial(), { policy: undefined }),
    ).toEqual([])
  })

  it('listens to tools, sockets, retrievals and token requests, not to model transport', () => {
    expect(egress.on).toEqual(['tool_call', 'egress', 'retrieval', 'token_request'])
  })

  it('says of a place that carries data out what it says without a policy, while the policy is being learned', () => {
    const learned = examplePolicy("egress: { allow: ['*.example.com', requestbin.com] }\nmode: learn")
    const told = (host: string) =>
      egress
        .check(event({ destinations: [{ host }] }), egress.initial(), { policy: learned })
        .map(({ severity, title }) => [severity, title.split(':')[0]])
    expect(told('evil.test')).toEqual([['informational', 'Agent reached for an unexpected destination']])
    expect(told('webhook.site')).toEqual([['medium', 'Agent reached for a place that carries data out']])
    expect(told('requestbin.com')).toEqual([])
  })

  it('explains a destination named in arguments', () => {
    expect(judge([{ host: 'evil.test', scheme: 'https', seen_in: 'argument' }])).toMatchObject([
      {
        severity: 'medium',
        title: "Agent reached for an unexpected destination: 'evil.test'",
        reason:
          "'support-assistant' named 'evil.test' in the arguments of 'kb.search', which its policy does not list.",
        expected: '*.example.com, 10.0.0.0/8 on port 443; never files.example.com',
        evidence: { untrusted_destination: 'evil.test', seen_in: 'argument', rule: 'not-listed', policy_id: 'example' },
        techniques: ['AML.T0086'],
        policy: { file: 'policies/example.yml', line: 5, allow_with: "add 'evil.test' to egress.allow" },
      },
    ])
  })

  it('weighs what was reached more than what was named, and tags it by who reached it', () => {
    expect(judge([{ host: 'evil.test', seen_in: 'network' }])).toMatchObject([
      { severity: 'high', techniques: ['AML.T0086', 'AML.T0025'] },
    ])
    expect(judge([{ host: 'evil.test' }], { operation: 'egress', tool: null })).toMatchObject([
      { severity: 'high', techniques: ['AML.T0025'] },
    ])
    expect(judge([{ host: 'evil.test', seen_in: 'argument' }], { operation: 'retrieval', tool: null })).toMatchObject([
      { severity: 'medium' },
    ])
    expect(judge([{ host: 'evil.test', seen_in: 'network' }], { outcome: 'denied' })[0]?.severity).toBe('medium')
  })

  it.each([
    ['a bare address', '8.8.8.8', 'high', { address_literal: true }],
    ['an internal address', '192.168.1.1', 'high', { internal_address: true }],
    ['the metadata service', '169.254.169.254', 'critical', { metadata_service: true }],
    ['the metadata service, disguised', '0xa9fea9fe', 'critical', { metadata_service: true }],
    ['the metadata service by name', 'metadata.google.internal', 'critical', { metadata_service: true }],
    ['a denied host', 'files.example.com', 'high', { rule: 'denied' }],
    ['what cannot be read', 'evil.test\\.example.com', 'high', { rule: 'unreadable' }],
    ['another port', 'api.example.com:22', 'medium', { rule: 'port' }],
  ])('weighs %s named in arguments', (_what, host, severity, evidence) => {
    expect(judge([{ host, seen_in: 'argument' }])).toMatchObject([{ severity, evidence }])
  })

  it('takes many names under one domain for one cause', () => {
    const tunnelled = Array.from({ length: 60 }, (_, index) => ({ host: `chunk${index}.evil.test` }))
    expect(judge(tunnelled)).toHaveLength(1)
    expect(judge([{ host: 'a.github.io' }, { host: 'b.evil.co.uk' }, { host: 'c.evil.co.uk' }])).toHaveLength(2)
  })

  it('keeps the worst findings and counts the rest', () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ host: `evil-${index}.test` }))
    const findings = judge([...many, { host: '169.254.169.254' }])
    expect(findings).toHaveLength(8)
    expect(findings[0]?.severity).toBe('critical')
    expect(findings.at(-1)?.evidence).toMatchObject({ more_destinations: 13 })
  })

  it('says which method the policy does not allow', () => {
    const reading = examplePolicy('egress: { allow: [files.test], methods: [GET] }')
    const reach = (method: string) =>
      egress.check(event({ destinations: [{ host: 'files.test', method }] }), egress.initial(), { policy: reading })
    expect(reach('GET')).toEqual([])
    expect(reach('PUT')).toMatchObject([
      {
        severity: 'medium',
        title: "Agent used an unexpected method: 'files.test'",
        reason: expect.stringContaining('by a method its policy does not list.'),
        silence: "policies/example.yml:5: add { host: 'files.test', methods: [PUT] } to egress.allow",
        evidence: { rule: 'method', untrusted_method: 'PUT' },
      },
    ])
  })
})

describe('a destination that was stopped', () => {
  const state = egress.initial()
  const reach = (seconds: number, host: string, fields: Partial<Telemetry> = {}) => {
    const time_ms = 1_790_000_000_000 + seconds * 1000
    const each = event({
      event_id: String(seconds).padStart(32, '0'),
      time_ms,
      destinations: [{ host, seen_in: 'network' }],
      ...fields,
    })
    const found = egress.check(each, state, { policy })
    if (found.length > 0) {
      egress.spoke?.(each, state, { policy })
    }
    return found
  }

  it('weighs more when it is tried again, by whatever name under its domain and with whatever tool', () => {
    expect(reach(1, 'a.evil.test', { outcome: 'denied' })).toMatchObject([{ severity: 'medium' }])
    expect(reach(2, 'b.evil.test', { tool: { name: 'other' } })).toMatchObject([
      {
        severity: 'critical',
        reason: expect.stringContaining('; it was stopped once before in this session.'),
        evidence: { stopped_before: 1 },
        techniques: ['AML.T0086', 'AML.T0025', 'AML.T0117'],
      },
    ])
    expect(reach(3, 'other.test')).toMatchObject([{ severity: 'high' }])
    expect(reach(4, 'api.example.com', { outcome: 'denied' })).toEqual([])
    expect(state.stopped).toHaveLength(1)
  })
})
