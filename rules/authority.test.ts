/** The sections of a policy that say who may act and with whose leave, from YAML to verdicts. */
import { describe, expect, it } from 'vitest'
import type { GatedAction } from './approvals.ts'
import { compilePolicies } from './compile.ts'

function policy(sections: string) {
  const text = `version: 1\nid: p\nagent: { id: a }\n${sections}\n`
  const compiled = compilePolicies([{ path: 'etc/p.yml', name: 'policies/p.yml', text }]).policies[0]
  if (compiled === undefined) {
    throw new Error('no policy')
  }
  return compiled
}

it('says nothing about what it does not mention, and nothing at all when it is off', () => {
  const sections = 'delegation: { max_depth: 1 }\nspawning: { allow: [] }\ntokens: { scopes: [] }\nmaturity: intern'
  for (const silent of [policy(''), policy(`${sections}\nmode: "off"`)]) {
    const { delegation, spawning, tokens, approvals } = silent
    expect([delegation, spawning, tokens, approvals]).toEqual([undefined, undefined, undefined, undefined])
  }
})

describe('delegation', () => {
  const rules = policy(
    "delegation:\n  callers: [human, 'agent:planner', 'service:cron-*']\n  may_call: ['agent:writer']\n  max_depth: 2\n  human_at_root: required",
  ).delegation

  it('knows principals by kind, and by kind and id', () => {
    expect(rules?.judgeCaller({ kind: 'human', id: 'ana' }).allowed).toBe(true)
    expect(rules?.judgeCaller({ kind: 'service', id: 'cron-nightly' }).allowed).toBe(true)
    expect(rules?.judgeCaller({ kind: 'agent', id: 'planner' }).allowed).toBe(true)
    expect(rules?.judgeCaller({ kind: 'service', id: 'planner' }).allowed).toBe(false)
  })

  it('says where it says so, and what would allow it', () => {
    expect(rules?.judgeCaller({ kind: 'agent', id: 'stranger' })).toEqual({
      allowed: false,
      because: 'caller',
      expected: 'called by human, agent:planner, service:cron-*',
      policy: { file: 'policies/p.yml', line: 5, allow_with: "add 'agent:stranger' to delegation.callers" },
    })
    expect(rules?.judgeCallee({ kind: 'agent', id: 'payer' })).toMatchObject({ policy: { line: 6 } })
    expect(rules?.judgeDepth(3)).toMatchObject({ policy: { line: 7, allow_with: 'raise delegation.max_depth to 3' } })
    expect(rules?.judgeDepth(2).allowed).toBe(true)
  })

  it('asks for a human at the root, or for none', () => {
    expect(rules?.judgeRoot({ kind: 'human', id: 'ana' }).allowed).toBe(true)
    expect(rules?.judgeRoot({ kind: 'service', id: 'cron' })).toMatchObject({ because: 'human-missing' })
    expect(rules?.judgeRoot(undefined)).toMatchObject({ because: 'human-missing' })
    const forbidden = policy('delegation: { human_at_root: forbidden }').delegation
    expect(forbidden?.judgeRoot({ kind: 'human', id: 'ana' })).toMatchObject({ because: 'human-forbidden' })
    expect(forbidden?.judgeRoot(undefined).allowed).toBe(true)
  })

  it('wants new decisions unless told otherwise', () => {
    expect(rules?.reusedDecision?.because).toBe('decision')
    expect(policy('delegation: { new_decision: optional }').delegation?.reusedDecision).toBeUndefined()
  })
})

describe('spawning', () => {
  it('lists, counts and limits depth; what is created creates nothing unless told otherwise', () => {
    const rules = policy("spawning: { allow: ['worker-*'], max_per_session: 2 }").spawning
    expect(rules?.judgeSpawn(['x', 'worker-1']).allowed).toBe(true)
    expect(rules?.judgeSpawn(['x'])).toMatchObject({ policy: { line: 4, allow_with: "add 'x' to spawning.allow" } })
    expect(rules?.judgeSpawn([]).allowed).toBe(true)
    expect(rules?.judgeCount(2).allowed).toBe(true)
    expect(rules?.judgeCount(3)).toMatchObject({ expected: 'at most 2 agents created in a session' })
    expect(rules?.judgeDepth(1).allowed).toBe(true)
    expect(rules?.judgeDepth(2)).toMatchObject({ policy: { allow_with: 'set spawning.max_depth to 2' } })
  })

  it('allows nobody, named or not, with an empty list', () => {
    const rules = policy('spawning: { allow: [] }').spawning
    expect(rules?.judgeSpawn([])).toMatchObject({ because: 'spawn', expected: 'creates no agents' })
  })
})

describe('tokens', () => {
  const rules = policy(
    "tokens: { scopes: ['read:*', openid], audiences: [api.example.com, '*.svc.example.com', 'https://graph.example.com/v1'], max_lifetime: 1h }",
  ).tokens

  it.each([
    ['read:users', true],
    ['read:*', true],
    ['openid', true],
    ['write:users', false],
    ['*', false],
    ['READ:users', false],
  ])('scope %s: %s', (scope, allowed) => {
    expect(rules?.judgeScope(scope).allowed).toBe(allowed)
  })

  it.each([
    ['api.example.com', true],
    ['https://api.example.com/', true],
    ['https://API.example.com:8443/x', true],
    ['a.svc.example.com', true],
    ['https://graph.example.com/v1', true],
    ['https://graph.example.com/v2', false],
    ['https://evil.test/.svc.example.com', false],
    ['evil.test/a.svc.example.com', false],
    ['https://api.example.com@evil.test/', false],
    ['https://evil.test', false],
  ])('audience %s: %s', (audience, allowed) => {
    expect(rules?.judgeAudience(audience).allowed).toBe(allowed)
  })

  it('limits the lifetime', () => {
    expect(rules?.judgeLifetime(3600).allowed).toBe(true)
    expect(rules?.judgeLifetime(86_400)).toMatchObject({
      expected: 'a lifetime of at most 1 h',
      policy: { line: 4, allow_with: 'set tokens.max_lifetime to 24h' },
    })
  })
})

describe('approvals', () => {
  const needs = (sections: string, tool: string, ...actions: GatedAction[]) => {
    const verdict = policy(sections).approvals?.judgeUnapproved({ name: tool }, new Set(actions))
    return verdict?.allowed === false ? verdict.because : undefined
  }

  it('are needed for listed tools, however they are written', () => {
    expect(needs('approvals: { required: [payments.send] }', 'Payments.Send')).toBe('listed')
    expect(needs('approvals: { required: [payments.send] }', 'payments.status', 'pays')).toBeUndefined()
  })

  it('are needed by maturity, but for tools that are exempt', () => {
    expect(needs('maturity: intern', 'x', 'writes')).toBe('maturity')
    expect(needs('maturity: associate', 'x', 'writes')).toBeUndefined()
    expect(needs('maturity: associate', 'x', 'deletes')).toBe('maturity')
    expect(needs('maturity: senior', 'x', 'deletes')).toBeUndefined()
    expect(needs('maturity: intern\napprovals: { exempt: [x] }', 'x', 'writes')).toBeUndefined()
    expect(needs('maturity: intern\napprovals: { exempt: [x], required: [x] }', 'x', 'writes')).toBe('listed')
  })

  it('come from those who may give them, and not from long ago', () => {
    const rules = policy("approvals: { by: ['*@example.com'], max_age: 10m }").approvals
    expect(rules?.judgeApprover(['Ana@Example.com']).allowed).toBe(true)
    expect(rules?.judgeApprover(['eve@evil.test'])).toMatchObject({ because: 'approver' })
    expect(rules?.judgeAge(600_000).allowed).toBe(true)
    expect(rules?.judgeAge(600_001)).toMatchObject({ policy: { allow_with: 'set approvals.max_age to 11m' } })
  })
})
