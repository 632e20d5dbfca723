/** What `telltale learn` proposes: the least that would have allowed the past, and never more than one name at a time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detectors } from '../../detectors/index.ts'
import { idOf } from '../../schema/ids.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { exampleEvent } from '../../test/example-event.ts'
import { compilePolicies } from '../compile.ts'
import type { PolicySet } from '../policy.ts'
import type { Flag } from './flags.ts'
import { openHistory } from './history.ts'
import { learnedSections } from './index.ts'
import { propose } from './propose.ts'

const START_MS = 1_790_000_000_000
const events = (changes: readonly Partial<Telemetry>[]): readonly Telemetry[] =>
  changes.map((change, n) => exampleEvent({ event_id: idOf('learn', n), time_ms: START_MS + n * 60_000, ...change }))

function proposed(past: readonly Telemetry[], flags: readonly Omit<Flag, 'severity' | 'evidence'>[] = [], minSeen = 1) {
  const history = openHistory()
  past.forEach(history.observe)
  for (const flag of flags) {
    history.flag({ ...flag, severity: 'medium', evidence: {} })
  }
  return propose(history.agents(), { minSeen })
}

function compiled(proposals: ReturnType<typeof proposed>['proposals']): PolicySet {
  return compilePolicies(proposals.map(({ id, text }) => ({ path: `${id}.yml`, name: `learned/${id}.yml`, text })))
}

/** Ids of the events that a detector refers to one of the learned sections of a policy about. */
function refused(past: readonly Telemetry[], policies: PolicySet): ReadonlySet<string> {
  const found = new Set<string>()
  const states = new Map<string, object>()
  for (const event of past) {
    const policy = policies.governing(event.agent, event.time_ms)
    for (const detector of detectors.filter(({ on, kind }) => on.includes(event.operation) && kind === 'policy')) {
      const key = `${detector.id} ${event.agent.id} ${detector.scope === 'session' ? event.session_id : ''}`
      const state = states.get(key) ?? detector.initial()
      states.set(key, state)
      const drafts = detector.check(event, state, { policy, policies })
      if (drafts.some((draft) => draft.policy !== undefined)) {
        found.add(event.event_id)
      } else if (detector.scope !== 'none') {
        detector.learn(event, state, { policy, policies })
      }
    }
  }
  return found
}

const hostile = fc.constantFrom(
  '*',
  'crm.*',
  'a\nb: c',
  "it's",
  '"',
  '# x',
  '{a}',
  '\ud800',
  '- y',
  ' lead',
  '\u2028',
  'x'.repeat(512),
)
const name = fc.oneof(
  { arbitrary: fc.constantFrom('crm.read', 'crm.delete', 'kb.search', 'web/fetch', 'null', 'true', '1'), weight: 30 },
  { arbitrary: hostile, weight: 1 },
)
const host = fc.oneof(
  {
    arbitrary: fc.constantFrom('api.example.com', 'www.evil.test', '10.1.2.3', '2001:db8::1', 'localhost', '0x7f.1'),
    weight: 30,
  },
  { arbitrary: fc.constantFrom('*.com', '10.0.0.0/8', 'a b', 'u@h', 'h:80', '*'), weight: 1 },
)
const dataset = fc.constantFrom('postgresql/crm/leads', 'leads', 's3://bucket/key', 'Kb-7')
const change: fc.Arbitrary<Partial<Telemetry>> = fc
  .record({
    operation: fc.constantFrom(
      'tool_call' as const,
      'egress' as const,
      'token_request' as const,
      'agent_invoke' as const,
    ),
    agent: fc.record({ id: fc.oneof(name, fc.constantFrom('one', 'One!', 'ONE?')) }),
    tool: fc.option(fc.record({ name, server: name }, { requiredKeys: ['name'] })),
    destinations: fc.array(
      fc.record(
        {
          host,
          port: fc.constantFrom(443, 22),
          scheme: fc.constantFrom('https', 'ssh', 'x'),
          method: fc.constant('GET'),
        },
        { requiredKeys: ['host'] },
      ),
      { maxLength: 3 },
    ),
    dataset_scope: fc.array(fc.record({ id: fc.oneof(name, dataset) }), { maxLength: 2 }),
    token: fc.option(
      fc.record(
        { scopes_requested: fc.array(name, { maxLength: 3 }), audience: fc.oneof(name, fc.webUrl()) },
        { requiredKeys: [] },
      ),
    ),
    subject_chain: fc.array(
      fc.record({ kind: fc.constantFrom('human' as const, 'agent' as const, 'service' as const), id: name }),
      {
        maxLength: 2,
      },
    ),
  })
  .map((made) => ({ ...made, subject_chain: [...made.subject_chain, { kind: 'agent' as const, id: made.agent.id }] }))
const histories = fc.array(change, { minLength: 1, maxLength: 25 }).map(events)

describe('a proposal', () => {
  it('compiles, and refuses nothing of the past that it does not say it leaves out', () => {
    let allowed = 0
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 3 }), (past, minSeen) => {
        const { proposals, unproposed } = proposed(past, [], minSeen)
        const policies = compiled(proposals)
        const leftOf = new Map(
          proposals.map(({ agentId, left }) => [agentId, new Set(left.map(({ used }) => JSON.stringify(used.entry)))]),
        )
        const told = refused(past, policies)
        for (const event of past) {
          const uses = learnedSections.flatMap(({ usesOf }) => usesOf(event).map(({ entry }) => JSON.stringify(entry)))
          const isLeft = uses.some((use) => leftOf.get(event.agent.id)?.has(use) === true)
          expect(told.has(event.event_id) && !isLeft, JSON.stringify(event)).toBe(false)
          allowed += isLeft ? 0 : 1
        }
        expect(new Set([...proposals, ...unproposed].map(({ agentId }) => agentId))).toEqual(
          new Set(past.map(({ agent }) => agent.id)),
        )
      }),
      { numRuns: 100, seed: 12 },
    )
    expect(allowed).toBeGreaterThan(150)
  })

  it('never stands for more names than were seen', () => {
    fc.assert(
      fc.property(histories, (past) => {
        for (const policy of compiled(proposed(past).proposals).policies) {
          expect(policy.judgeTool({ name: 'never.seen' })?.allowed).not.toBe(true)
          expect(policy.judgeDestination({ host: 'never.seen.example.org' })?.allowed).not.toBe(true)
        }
      }),
      { numRuns: 60, seed: 13 },
    )
  })

  it('says how often and when each thing was seen, pins servers, and names what it leaves out and why', () => {
    const DAY_MS = 86_400_000
    const past = events([
      ...[0, 1, 2].map((day) => ({
        time_ms: START_MS + day * DAY_MS,
        tool: { name: 'crm.read', server: 'crm' },
        destinations: [{ host: 'api.example.com', scheme: 'https' }],
      })),
      { tool: { name: 'shell.exec' } },
      { tool: { name: 'shell.exec' } },
      { tool: { name: 'once.only' } },
      { tool: { name: 'any*' } },
      { tool: { name: 'any*' } },
    ])
    const flags = past.slice(3, 5).map((event) => ({ ...event, detector: 'tool-allowlist' }))
    const [{ text } = { text: '' }] = proposed(past, flags, 2).proposals
    expect(text.split('\n').slice(1)).toEqual([
      '# 8 events of 1 session, 2026-09-21 to 2026-09-23.',
      'version: 1',
      "id: 'support-assistant'",
      "agent: { id: 'support-assistant' }",
      'tools:',
      '  allow:',
      "    - { name: 'crm.read', server: 'crm' } # 3 times, 2026-09-21 to 2026-09-23",
      "    # not proposed: 'any\\u{2a}', seen 2 times, 2026-09-21, it holds a '*', which stands for anything in a policy",
      "    # not proposed: 'once.only', seen once, 2026-09-21",
      "    # not proposed: 'shell.exec', flagged by tool-allowlist 2 times, 2026-09-21",
      'egress:',
      '  allow:',
      "    - 'api.example.com:443' # 3 times, 2026-09-21 to 2026-09-23",
      '# datasets: nothing was seen, so nothing is said',
      '# delegation: nothing was seen, so nothing is said',
      '# tokens: nothing was seen, so nothing is said',
      '',
    ])
  })

  it('holds nothing that was only tried: denied, refused, or asked for and not granted', () => {
    const past = events([
      { tool: { name: 'crm.read' } },
      { tool: { name: 'crm.read' }, outcome: 'refused' },
      ...(['denied', 'refused', 'ok'] as const).map((outcome) => ({
        tool: { name: 'shell.exec' },
        destinations: [{ host: 'files.example.org' }],
        dataset_scope: [{ id: 'postgresql/crm/leads' }],
        outcome,
        policy_decision: outcome === 'ok' ? ('deny' as const) : null,
      })),
      // Failing is not being denied.
      { tool: { name: 'mail.send' }, outcome: 'error' },
      {
        operation: 'token_request',
        tool: null,
        token: { scopes_requested: ['crm:read', 'crm:admin'], scopes_granted: ['crm:read'] },
      },
      { operation: 'token_request', tool: null, token: { scopes_requested: ['kb:read'] } },
      { operation: 'token_request', tool: null, token: { scopes_requested: ['all'] }, outcome: 'denied' },
    ])
    const [{ text, left } = { text: '', left: [] }] = proposed(past).proposals
    expect(text.split('\n').slice(1)).toEqual([
      '# 9 events of 1 session, 2026-09-21. 5 of them were denied or refused: what was only tried is not proposed.',
      'version: 1',
      "id: 'support-assistant'",
      "agent: { id: 'support-assistant' }",
      'tools:',
      '  allow:',
      "    - 'crm.read' # once, 2026-09-21; not counted: denied once",
      "    - 'mail.send' # once, 2026-09-21",
      "    # not proposed: 'shell.exec', denied 3 times, 2026-09-21",
      'egress:',
      '  allow: []',
      "    # not proposed: 'files.example.org', denied 3 times, 2026-09-21",
      'datasets:',
      '  allow: []',
      "    # not proposed: 'postgresql/crm/leads', denied 3 times, 2026-09-21",
      '# delegation: nothing was seen, so nothing is said',
      'tokens:',
      '  scopes:',
      "    - 'crm:read' # once, 2026-09-21",
      "    - 'kb:read' # once, 2026-09-21",
      "    # not proposed: 'all', denied once, 2026-09-21",
      "    # not proposed: 'crm:admin', denied once, 2026-09-21",
      '',
    ])
    expect(left).toHaveLength(5)
  })

  it('holds nothing that a session did after something grave was found in it', () => {
    const past = events([
      { tool: { name: 'web.read' } },
      { tool: { name: 'mail.send' } },
      { tool: { name: 'mail.send' } },
      { tool: { name: 'kb.search' }, session_id: 'other' },
      { tool: { name: 'web.read' }, session_id: 'other' },
    ])
    const history = openHistory()
    const found = {
      ...(past[0] as Telemetry),
      detector: 'injection',
      severity: 'high' as const,
      evidence: {},
    }
    history.flag(found)
    history.suspect(found)
    past.forEach(history.observe)
    const [{ text } = { text: '' }] = propose(history.agents(), { minSeen: 1 }).proposals
    expect(text).toContain("    - 'web.read' # once, 2026-09-21; not counted: flagged by injection once\n")
    expect(text).toContain(
      "    # not proposed: 'mail.send', after a grave finding in its session 2 times, 2026-09-21\n",
    )
  })

  it('is none for an agent whose id would select others', () => {
    const { proposals, unproposed } = proposed(events([{ agent: { id: '*' } }]))
    expect([proposals, unproposed.map(({ agentId }) => agentId)]).toEqual([[], ['*']])
  })

  it('counts an amended event once, with what the amendment adds', () => {
    const [first, second] = events([{ tool: { name: 'crm.read' } }, {}])
    const amended = { ...(first as Telemetry), destinations: [{ host: 'api.example.com' }] }
    const { proposals } = proposed([first as Telemetry, amended, amended, second as Telemetry], [], 1)
    expect(proposals[0]?.text).toContain("'crm.read' # once,")
    expect(proposals[0]?.text).toContain("'api.example.com' # once,")
  })
})
