import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { approval } from './approval.ts'
import { event, examplePolicy } from './arbitrary.ts'

const strict = examplePolicy("approvals: { required: [payments.send], by: ['*@example.com'], max_age: 10m }")
const NOW = 1_700_000_000_000

function judge(fields: Partial<Telemetry>, policy: typeof strict | undefined = strict, state = approval.initial()) {
  return approval.check(event(fields), state, { policy })
}

const pay = (given: Telemetry['approval'], more: Partial<Telemetry> = {}): Partial<Telemetry> => ({
  tool: { name: 'payments.send' },
  approval: given,
  ...more,
})

describe('approval', () => {
  it('says nothing where no human is needed, where one approved, and where the call was stopped', () => {
    expect(judge({ tool: { name: 'payments.status' } })).toEqual([])
    expect(judge(pay({ required: true, by: 'ana@example.com', at_ms: NOW - 60_000, id: 'a' }))).toEqual([])
    expect(judge(pay(null, { outcome: 'denied' }))).toEqual([])
    expect(judge(pay(null, { policy_decision: 'deny' }))).toEqual([])
    expect(judge(pay(null), examplePolicy())).toEqual([])
    expect(approval.check(event(pay(null)), approval.initial(), { policy: undefined })).toEqual([])
  })

  it('explains a call that nobody approved', () => {
    expect(judge(pay(null, { content: { arguments: '{"to":"x"}' } }))).toMatchObject([
      {
        severity: 'high',
        title: "Agent acted without approval: 'payments.send'",
        reason:
          "'support-assistant' called 'payments.send', which needs the approval of a human, and none is recorded.",
        observed: 'no approval, outcome ok',
        expected: 'approval by a human among *@example.com for payments.send',
        silence: "policies/example.yml:5: remove 'payments.send' from approvals.required",
        evidence: { untrusted_tool: 'payments.send', untrusted_arguments: '{"to":"x"}', rule: 'missing' },
        techniques: ['AML.T0053', 'AML.T0048.000', 'AML.T0086'],
        policy: { file: 'policies/example.yml', line: 5 },
      },
    ])
    expect(judge(pay({ required: true }))).toMatchObject([{ evidence: { rule: 'missing' } }])
  })

  it('does not take a setting for a human', () => {
    for (const by of ['config', 'auto_accept', 'AutomatedReviewer', 'hook', 'agent:reviewer', 'service:approver']) {
      expect(judge(pay({ required: false, by }))).toMatchObject([{ evidence: { rule: 'automatic' } }])
    }
  })

  it('takes the user at the keyboard for who started the chain', () => {
    const chain = (id: string) => ({ subject_chain: [{ kind: 'human' as const, id }] })
    expect(judge(pay({ by: 'User' }, chain('ana@example.com')))).toEqual([])
    expect(judge(pay({ by: 'user_temporary' }, chain('eve@evil.test')))).toMatchObject([
      { evidence: { rule: 'approver' } },
    ])
    // Who that is, telemetry may say only later, or never.
    expect(judge(pay({ by: 'user' }))).toEqual([])
  })

  it('refuses approvers that the policy does not name', () => {
    expect(judge(pay({ by: 'eve@evil.test' }))).toMatchObject([
      {
        title: "Action approved by somebody who may not: 'payments.send'",
        observed: "approval by 'eve\\u{40}evil.test', outcome ok",
        policy: { allow_with: "add 'eve\\u{40}evil.test' to approvals.by" },
      },
    ])
  })

  it.each([
    ['its id', 'support-assistant', []],
    ['its id as a principal', 'agent:support-assistant', []],
    ['an agent above it', 'Planner', [{ kind: 'agent' as const, id: 'planner' }]],
    ['a service above it', 'cron', [{ kind: 'service' as const, id: 'cron' }]],
    ['the word for it', 'assistant', []],
  ])('refuses the agent as its own approver, by %s, with and without a policy', (_what, by, chain) => {
    const own = pay({ by }, { subject_chain: chain })
    expect(judge(own)).toMatchObject([{ evidence: { rule: 'itself' }, policy: { line: 5 } }])
    expect(approval.check(event(own), approval.initial(), { policy: undefined })).toMatchObject([
      { title: "Agent approved its own action: 'payments.send'", severity: 'high' },
    ])
    // A policy that is still being learned makes it no milder.
    const learned = examplePolicy('approvals: { required: [payments.send] }\nmode: learn')
    expect(judge(own, learned)).toMatchObject([{ severity: 'high', silence: expect.stringContaining('telltale') }])
    expect(judge(pay(null), learned)).toMatchObject([{ severity: 'informational' }])
  })

  it('takes a human for a human though an agent bears the same name', () => {
    const chain = [{ kind: 'human' as const, id: 'ana@example.com', name: 'support-assistant' }]
    expect(judge(pay({ by: 'support-assistant' }, { subject_chain: chain }))).toEqual([])
  })

  it('refuses a stale approval, and one that came afterwards', () => {
    expect(judge(pay({ by: 'ana@example.com', at_ms: NOW - 601_000 }))).toMatchObject([
      { severity: 'medium', evidence: { rule: 'age', approval_age_s: 601 } },
    ])
    expect(judge(pay({ by: 'ana@example.com', at_ms: NOW + 70_000 }))).toMatchObject([
      { evidence: { rule: 'afterwards' } },
    ])
    // A span begins when the call was asked for, and lasts while the user decides.
    expect(judge(pay({ by: 'ana@example.com', at_ms: NOW + 70_000 }, { duration_ms: 90_000 }))).toEqual([])
  })

  it.each([
    ['an id', { by: 'ana@example.com', id: 'apr-1' }],
    ['its time', { by: 'ana@example.com', at_ms: NOW }],
  ])('refuses an approval, known by %s, for a second and different action, not for a retry', (_what, given) => {
    const state = approval.initial()
    const first = event(pay(given, { content: { arguments: '{"to":"a"}' } }))
    expect(approval.check(first, state, { policy: strict })).toEqual([])
    expect(approval.learn(first, state, { policy: strict })).toBe(true)
    expect(approval.learn(first, state, { policy: strict })).toBe(false)
    const again = { event_id: '1'.repeat(32), content: { arguments: '{"to":"a"}' } }
    expect(judge(pay(given, again), strict, state)).toEqual([])
    const other = { event_id: '1'.repeat(32), content: { arguments: '{"to":"b"}' } }
    expect(judge(pay(given, other), strict, state)).toMatchObject([{ evidence: { rule: 'reused' } }])
    const amended = event(pay(given, { content: { arguments: '{"to":"a, b"}' } }))
    expect(approval.check(amended, state, { policy: strict, repeated: true })).toEqual([])
  })

  it('leaves its state alone for what needs no approval', () => {
    const read = event({ tool: { name: 'kb.search' }, approval: { by: 'ana@example.com', id: 'a' } })
    expect(approval.learn(read, approval.initial(), { policy: strict })).toBe(false)
  })

  it.each([
    ['intern', 'notes.write', 'medium'],
    ['intern', 'mail.send', 'medium'],
    ['associate', 'crm.delete_customer', 'high'],
    ['associate', 'issue_refund', 'high'],
    ['associate', 'run_command', 'high'],
  ])('asks of an agent of maturity %s for %s', (maturity, name, severity) => {
    expect(judge({ tool: { name } }, examplePolicy(`maturity: ${maturity}`))).toMatchObject([
      { severity, policy: { allow_with: `add '${name}' to approvals.exempt` } },
    ])
  })

  it.each([
    ['intern', 'kb.search'],
    ['associate', 'mail.send'],
    ['senior', 'crm.delete_customer'],
  ])('does not ask of an agent of maturity %s for %s', (maturity, name) => {
    expect(judge({ tool: { name } }, examplePolicy(`maturity: ${maturity}`))).toEqual([])
  })

  it('weighs what failed less', () => {
    expect(judge(pay(null, { outcome: 'error' }))[0]?.severity).toBe('medium')
  })
})
