import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { isBroad } from './token-scope/broad-scope.ts'
import { tokenScope } from './token-scope.ts'

const policy = examplePolicy("tokens: { scopes: ['read:*', openid], audiences: ['*.example.com'], max_lifetime: 1h }")
type Given = NonNullable<Telemetry['token']>

function judge(token: Given, more: Partial<Telemetry> = {}, under: typeof policy | null = policy) {
  const each = event({ operation: 'token_request', token, ...more })
  return tokenScope.check(each, tokenScope.initial(), { policy: under ?? undefined })
}

/** The rules broken by each request of one agent. */
function follow(...tokens: readonly Given[]) {
  const state = tokenScope.initial()
  return tokens.map((token) => {
    const each = event({ operation: 'token_request', token })
    const findings = tokenScope.check(each, state, { policy: undefined })
    const absorb = findings.length > 0 ? tokenScope.spoke : tokenScope.learn
    absorb?.call(tokenScope, each, state, { policy: undefined })
    return findings.map(({ evidence, severity }) => `${evidence.rule} ${severity}`)
  })
}

describe('token-scope', () => {
  it('says nothing of what the policy allows, and of events without a credential', () => {
    const fine = { scopes_requested: ['read:crm', 'openid'], audience: 'https://api.example.com/', lifetime_s: 900 }
    expect(judge(fine)).toEqual([])
    expect(judge({ ...fine, scopes_granted: ['read:crm'] }, { operation: 'tool_call' })).toEqual([])
    expect(tokenScope.check(event(), tokenScope.initial(), { policy })).toEqual([])
  })

  it('says what it says without a policy of what one refuses that is still being learned', () => {
    const learned = examplePolicy("tokens: { scopes: ['read:*'], max_lifetime: 90d }\nmode: learn")
    const told = (token: Given) =>
      judge(token, {}, learned).map(({ evidence, severity }) => `${evidence.rule} ${severity}`)
    expect(told({ scopes_requested: ['read:crm'], scopes_granted: ['read:crm', 'admin'] })).toEqual([
      'scope informational',
      'more-than-asked medium',
    ])
    expect(told({ lifetime_s: 40 * 86_400 })).toEqual([])
    expect(told({ lifetime_s: 100 * 86_400 })).toEqual(['lifetime informational', 'long-lived medium'])
  })

  it('explains scopes beyond the policy, and weighs those granted more', () => {
    expect(judge({ scopes_requested: ['read:crm', 'write:crm'] })).toMatchObject([
      {
        severity: 'medium',
        title: "Credential with scopes beyond policy: 'write:crm'",
        reason: "'support-assistant' asked for 'write:crm', which its policy does not list.",
        expected: 'scopes read:*, openid',
        silence: "policies/example.yml:5: add 'write:crm' to tokens.scopes",
        evidence: { untrusted_scopes: 'read:crm write:crm', rule: 'scope' },
        techniques: ['AML.T0012'],
      },
    ])
    expect(judge({ scopes_requested: ['read:crm'], scopes_granted: ['write:crm'] })[0]?.severity).toBe('high')
    expect(judge({ scopes_requested: ['admin:org'] })[0]?.severity).toBe('high')
    expect(judge({ scopes_requested: ['admin:org'] }, { outcome: 'denied' })[0]?.severity).toBe('medium')
  })

  it('explains an audience and a lifetime beyond the policy', () => {
    expect(judge({ audience: 'https://evil.test/', lifetime_s: 7200 })).toMatchObject([
      { title: "Credential for an audience beyond policy: 'https:/\\u{2f}evil.test/'", evidence: { rule: 'audience' } },
      { expected: 'a lifetime of at most 1 h', policy: { allow_with: 'set tokens.max_lifetime to 120m' } },
    ])
  })

  it('notices more granted than was asked for, but not what providers add by themselves', () => {
    const granted = (...scopes: string[]) =>
      judge({ scopes_requested: ['repo:read', 'email'], scopes_granted: scopes }, {}, null)
    expect(granted('repo:read', 'repo:write')).toMatchObject([
      { severity: 'low', evidence: { rule: 'more-than-asked' } },
    ])
    expect(granted('repo:read', 'admin:org')).toMatchObject([{ severity: 'medium' }])
    expect(granted('repo:read')).toEqual([])
    expect(granted('repo:read', 'openid', 'https://www.googleapis.com/auth/userinfo.email')).toEqual([])
    const all = { scopes_requested: ['https://graph.example.com/.default'], scopes_granted: ['Mail.Read'] }
    expect(judge(all, {}, null)).toEqual([])
  })

  it('notices a broad scope that an agent asks for newly, once, the more surely the longer it did not', () => {
    const usual = { scopes_requested: ['read:crm'] }
    const broad = { scopes_requested: ['read:crm', 'crm:*'] }
    expect(follow(broad, broad)).toEqual([[], []])
    expect(follow(usual, broad, broad)).toEqual([[], ['newly-broad low'], []])
    expect(follow(usual, usual, usual, broad)).toEqual([[], [], [], ['newly-broad medium']])
    expect(follow(usual, usual, { scopes_requested: ['read:crm', 'write:crm'] })).toEqual([[], [], []])
  })

  it.each([
    ['*', true],
    ['*:*', true],
    ['crm:*', true],
    ['admin:org', true],
    ['Directory.ReadWrite.All', true],
    ['https://www.googleapis.com/auth/cloud-platform', true],
    ['arn:aws:iam::aws:policy/AdministratorAccess', true],
    ['user_impersonation', true],
    ['read:crm', false],
    ['crm:read:*', false],
    ['openid', false],
    ['Mail.Read', false],
    ['administrate-nothing-ownership', false],
  ])('takes %s for broad: %s', (scope, broad) => {
    expect(isBroad(scope)).toBe(broad)
  })

  it('notices a credential that lives longer than a day, once', () => {
    const days = (count: number) => ({ lifetime_s: count * 86_400 })
    expect(follow(days(1), days(7), days(8), days(90), days(90))).toEqual([
      [],
      ['long-lived low'],
      [],
      ['long-lived medium'],
      [],
    ])
  })

  it('notices a credential of another agent of the chain, not of the human whom it acts for', () => {
    const chain = [
      { kind: 'human' as const, id: 'ana' },
      { kind: 'agent' as const, id: 'planner' },
    ]
    const used = (subject: string) => judge({ subject }, { operation: 'tool_call', subject_chain: chain }, null)
    expect(used('planner')).toMatchObject([
      { severity: 'medium', evidence: { rule: 'shared' }, techniques: ['AML.T0012', 'AML.T0091.000'] },
    ])
    expect(used('ana')).toEqual([])
    expect(used('support-assistant')).toEqual([])
    expect(used('0a1b2c')).toEqual([])
  })

  it('leaves its state alone once it knows the habit', () => {
    const state = tokenScope.initial()
    const each = event({ operation: 'token_request', token: { scopes_requested: ['read:crm'] } })
    for (let n = 0; n < 100; n += 1) {
      expect(tokenScope.learn(each, state, { policy: undefined })).toBe(true)
    }
    expect(tokenScope.learn(each, state, { policy: undefined })).toBe(false)
  })
})
