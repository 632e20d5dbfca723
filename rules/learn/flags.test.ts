/** Which findings of a session make what it does afterwards no reason to allow it: all that are grave but those of a policy that is too narrow. */
import { describe, expect, it } from 'vitest'
import type { AnyDetector } from '../../detectors/detector.ts'
import { detectors } from '../../detectors/index.ts'
import type { Finding } from '../../schema/finding.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { exampleEvent } from '../../test/example-event.ts'
import { compilePolicies } from '../compile.ts'
import { Flags } from './flags.ts'

const POLICY = `version: 1
id: p
agent: { id: '*' }
tools: { allow: [crm.read], deny: [shell.exec] }
egress: { allow: ['api.example.com:443', { host: files.example.com, methods: [GET] }], deny: [evil.example.net] }
datasets: { allow: [postgresql/crm/*], tenants: [acme] }
delegation: { callers: [human, agent:boss] }
tokens: { scopes: [crm.read], audiences: [crm], max_lifetime: 1h }
spawning: { allow: [] }
canaries: { tools: [vault.*] }
`
const policies = compilePolicies([{ path: 'p.yml', name: 'policies/p.yml', text: POLICY }])

/** What a detector says of an event, alone in its session. */
function found(id: string, changes: Partial<Telemetry>): readonly Finding[] {
  const detector = detectors.find((each) => each.id === id) as AnyDetector
  const event = exampleEvent({ destinations: [], ...changes })
  const policy = policies.governing(event.agent, event.time_ms)
  const drafts = detector.check(event, detector.initial(), { policy, policies })
  return drafts.map((draft) => ({ ...event, ...draft, detector: id }) as unknown as Finding)
}

/** Whether what the session does from then on counts for nothing, were the finding a grave one; critical ones stay so. */
function taints(id: string, changes: Partial<Telemetry>): boolean {
  const flags = new Flags(10)
  const findings = found(id, changes)
  expect(findings).toHaveLength(1)
  for (const finding of findings) {
    flags.suspect({ ...finding, severity: finding.severity === 'critical' ? 'critical' : 'high' })
  }
  return flags.isAfterGrave(exampleEvent())
}

const connection = (host: string, more: object = {}): Partial<Telemetry> => ({
  operation: 'egress',
  tool: null,
  destinations: [{ host, seen_in: 'network', ...more }],
})
const request = (token: Telemetry['token']): Partial<Telemetry> => ({ operation: 'token_request', tool: null, token })
const caller = { kind: 'agent' as const, id: 'planner' }
const boss = { kind: 'agent' as const, id: 'boss' }
const me = { kind: 'agent' as const, id: 'support-assistant' }

describe('after a grave finding', () => {
  it.each<[string, string, Partial<Telemetry>]>([
    ['a tool that is not listed', 'tool-allowlist', { tool: { name: 'file.delete' } }],
    ['a host that is not listed', 'egress', connection('www.example.org')],
    ['a port that is not listed', 'egress', connection('api.example.com', { port: 22 })],
    ['a method that is not listed', 'egress', connection('files.example.com', { method: 'PUT' })],
    [
      'a caller that is not listed',
      'delegation',
      { operation: 'agent_invoke', tool: null, subject_chain: [caller, me] },
    ],
    ['a scope that is not listed', 'token-scope', request({ scopes_requested: ['admin:*'] })],
    ['a dataset that is not listed', 'dataset-scope', { dataset_scope: [{ id: 'postgresql/hr/pay' }] }],
    ['an audience that is not listed', 'token-scope', request({ audience: 'hr' })],
  ])('the session counts on, when it is %s: learning is for mending that', (_what, id, changes) => {
    expect(taints(id, changes)).toBe(false)
  })

  it.each<[string, string, Partial<Telemetry>]>([
    ['a tool that is denied', 'tool-allowlist', { tool: { name: 'shell.exec' } }],
    ['a disguised name', 'tool-allowlist', { tool: { name: 'crm.re\u0430d' } }],
    ['a host that is denied', 'egress', connection('evil.example.net')],
    ['credentials of the machine', 'egress', connection('169.254.169.254')],
    ["another tenant's data", 'dataset-scope', { dataset_scope: [{ id: 'postgresql/crm/leads', tenant: 'umbrella' }] }],
    ['agents that call each other in a circle', 'delegation', { subject_chain: [me, boss, me] }],
    ['a decoy that was touched', 'canary', { tool: { name: 'vault.dump' } }],
    ['a credential that lives too long', 'token-scope', request({ lifetime_s: 90_000 })],
    ['an agent that nobody asked for', 'agent-spawn', { operation: 'agent_spawn', tool: { name: 'create_agent' } }],
  ])('the session counts for nothing, when it is %s', (_what, id, changes) => {
    expect(taints(id, changes)).toBe(true)
  })
})
