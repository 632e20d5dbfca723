import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { example } from './examples/tool-allowlist.ts'
import { toolAllowlist } from './tool-allowlist.ts'

const policy = examplePolicy(example.policy)

function judge(fields: Partial<Telemetry>, context = { policy: policy as typeof policy | undefined }) {
  return toolAllowlist.check(event(fields), toolAllowlist.initial(), context)
}

/** Runs events, a second apart, through the detector as the engine does; the last one's findings. */
function afterwards(...events: readonly Partial<Telemetry>[]) {
  const state = toolAllowlist.initial()
  let last: ReturnType<typeof judge> = []
  for (const [index, fields] of events.entries()) {
    const each = event({
      event_id: String(index).padStart(32, '0'),
      time_ms: 1_790_000_000_000 + index * 1000,
      ...fields,
    })
    last = toolAllowlist.check(each, state, { policy })
    if (last.length > 0) {
      toolAllowlist.spoke?.(each, state, { policy })
    }
  }
  return last
}

describe('tool-allowlist', () => {
  it('says nothing about allowed tools, about agents without a policy, and about what is no call', () => {
    expect(judge({ tool: { name: 'kb.search' } })).toEqual([])
    expect(judge({ tool: { name: 'crm.read' } })).toEqual([])
    expect(judge({ tool: { name: 'shell.exec' } }, { policy: undefined })).toEqual([])
    expect(judge({ tool: null })).toEqual([])
    expect(toolAllowlist.on).not.toContain('model_call')
  })

  it('explains a call that is not on the list', () => {
    expect(
      judge({
        tool: { name: 'calendar.invite', server: 'office' },
        content: { arguments: '{"to":"<b>everyone</b>"}' },
      }),
    ).toMatchObject([
      {
        severity: 'medium',
        title: "Agent called a forbidden tool: 'calendar.invite'",
        reason: "'support-assistant' called 'calendar.invite', which its policy does not list.",
        observed: "call of 'calendar.invite', outcome ok",
        expected: 'kb.search, crm.*, payments.send on bank; never crm.delete',
        silence: "policies/example.yml:5: add 'calendar.invite' to tools.allow",
        evidence: {
          untrusted_tool: 'calendar.invite',
          untrusted_server: 'office',
          untrusted_arguments: '{"to":"<b>everyone</b>"}',
          outcome: 'ok',
          policy_id: 'example',
          rule: 'not-listed',
        },
        techniques: ['AML.T0053'],
        policy: { file: 'policies/example.yml', line: 5, allow_with: "add 'calendar.invite' to tools.allow" },
      },
    ])
  })

  it('lets deny beat allow, and takes it seriously', () => {
    expect(judge({ tool: { name: 'crm.delete' } })).toMatchObject([
      { severity: 'high', evidence: { rule: 'denied' }, silence: expect.stringContaining("remove 'crm.delete'") },
    ])
  })

  it.each([
    ['shell.exec', 'high'],
    ['run_command', 'high'],
    ['PythonCodeExecution', 'high'],
    ['mcp__host__Bash', 'high'],
    ['vault.read_secret', 'high'],
    ['getApiKeys', 'medium'],
    ['execute_query', 'medium'],
    ['weather', 'medium'],
    ['bashful.greet', 'medium'],
  ])('weighs %s as %s', (name, severity) => {
    expect(judge({ tool: { name } })[0]?.severity).toBe(severity)
  })

  it('weighs a call that was stopped less, and says what it tells', () => {
    expect(judge({ tool: { name: 'shell.exec' }, outcome: 'denied' })).toMatchObject([
      {
        severity: 'medium',
        reason: expect.stringContaining('the call was stopped'),
        techniques: ['AML.T0053', 'AML.T0133'],
      },
    ])
    expect(judge({ tool: { name: 'x' }, policy_decision: 'deny' })[0]?.severity).toBe('low')
    expect(judge({ tool: { name: 'x' }, outcome: 'error', error_type: 'ToolNotFound' })[0]?.techniques).toContain(
      'AML.T0133',
    )
    expect(judge({ tool: { name: 'x' }, outcome: 'error', error_type: 'timeout' })[0]?.techniques).toEqual([
      'AML.T0053',
    ])
  })

  it('names credential harvesting when the tool reads secrets', () => {
    expect(judge({ tool: { name: 'vault.read_secret' } })[0]?.techniques).toEqual(['AML.T0053', 'AML.T0098'])
  })

  it('is one cause a tool, however long and alike the names', () => {
    const cause = (name: string, server?: string) =>
      judge({ tool: { name, ...(server === undefined ? {} : { server }) } })[0]?.cause
    expect(cause('a.b')).toBe(cause('a.b'))
    expect(cause(`${'x'.repeat(500)}1`)).not.toBe(cause(`${'x'.repeat(500)}2`))
    expect(cause('a.b', 'one')).not.toBe(cause('a.b', 'two'))
  })

  it('judges the spawn of an agent by its tool', () => {
    expect(judge({ operation: 'agent_spawn', tool: { name: 'Task' } })).toHaveLength(1)
    expect(toolAllowlist.on).toContain('agent_spawn')
  })

  it('says that another server answers than the pinned one, and takes it seriously', () => {
    const pinned = examplePolicy('tools: { allow: [{ name: payments.send, server: bank }] }')
    expect(judge({ tool: { name: 'payments.send', server: 'evil' } }, { policy: pinned })).toMatchObject([
      {
        severity: 'high',
        title: "Agent called a tool of another server: 'payments.send'",
        reason: "'support-assistant' called 'payments.send', which its policy allows from another server than 'evil'.",
        silence: "policies/example.yml:5: add { name: 'payments.send', server: 'evil' } to tools.allow",
        evidence: { rule: 'other-server', untrusted_server: 'evil' },
        techniques: ['AML.T0053', 'AML.T0110'],
      },
    ])
  })
})

describe('a disguised name', () => {
  it.each([
    ['a Cyrillic letter', 'kb.se\u0430rch', 'look-alike', 'high'],
    ['wide letters', '\uff4bb.search', 'look-alike', 'high'],
    ['mathematical letters', '\u{1d424}b.search', 'look-alike', 'high'],
    ['an invisible character', 'kb.se\u200barch', 'hidden', 'high'],
    ['a joiner', 'kb.se\u200darch', 'hidden', 'high'],
    ['a tag character', 'kb.search\u{e0041}', 'hidden', 'high'],
    ['no disguise, only another name', 'kb.sea4ch', undefined, 'medium'],
    ['another case alone', 'KB.search', 'case', 'medium'],
  ])('is told with what it imitates: %s', (_what, name, disguise, severity) => {
    const [found] = judge({ tool: { name } })
    expect(found).toMatchObject({ severity })
    expect(found?.evidence.disguise).toBe(disguise)
    expect(found?.evidence.imitates).toBe(disguise === undefined ? undefined : 'kb.search')
    expect(found?.techniques.includes('AML.T0074')).toBe(disguise !== undefined && disguise !== 'case')
  })

  it('says which one it reads as', () => {
    expect(judge({ tool: { name: 'kb.se\u0430rch' } })).toMatchObject([
      {
        title: "Agent called a tool with a disguised name: 'kb.se\\u{430}rch'",
        reason:
          "'support-assistant' called 'kb.se\\u{430}rch', which its policy does not list; " +
          "a name with look-alike characters that reads as 'kb.search'.",
        evidence: { untrusted_tool: 'kb.se\u0430rch', imitates: 'kb.search', imitates_in: 'allow' },
      },
    ])
  })

  it('is found where digits pass for letters, and where a glob lists the name', () => {
    const some = examplePolicy("tools: { allow: [shell.list, 'files.*'] }")
    expect(judge({ tool: { name: 'she11.list' } }, { policy: some })).toMatchObject([
      { evidence: { disguise: 'look-alike', imitates: 'shell.list' } },
    ])
    expect(judge({ tool: { name: 'f\u0456les.read' } }, { policy: some })).toMatchObject([
      { evidence: { disguise: 'look-alike', imitates: 'files.*' } },
    ])
  })

  it('is told although the policy lets it pass: when it hides something, or reads as what is denied', () => {
    expect(judge({ tool: { name: 'crm.re\u0430d' } })).toMatchObject([
      {
        severity: 'medium',
        reason: "'support-assistant' called 'crm.re\\u{430}d', a name with look-alike characters.",
        evidence: { rule: 'disguised', disguise: 'look-alike' },
        silence: "policies/example.yml: add 'crm.re\\u{430}d' to tools.allow, in these very characters",
      },
    ])
    expect(judge({ tool: { name: 'crm.d\u0435lete' } })).toMatchObject([
      { severity: 'high', evidence: { imitates: 'crm.delete', imitates_in: 'deny' } },
    ])
    const denying = examplePolicy("tools: { deny: [shell.exec, 'payments.*'] }")
    expect(judge({ tool: { name: 'she11.exec' } }, { policy: denying })).toHaveLength(1)
    expect(judge({ tool: { name: 'p\u0430yments.send' } }, { policy: denying })).toHaveLength(1)
  })

  it('is none: an honest name of another script, with accents or emoji, or written so by the operator', () => {
    const open = examplePolicy("tools: { allow: ['*'], deny: [shell.exec] }")
    const honest = [
      '\u043f\u043e\u0438\u0441\u043a',
      '\u0441\u0440\u043c.\u043f\u043e\u0438\u0441\u043a',
      '\u691c\u7d22',
      'b\u00fasqueda.\u00f1',
      '\u0142\u00f3d\u017a',
      '\u{1f50d}\ufe0f search',
      '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645',
      'crm_read',
    ]
    for (const name of honest) {
      expect(judge({ tool: { name } }, { policy: open })).toEqual([])
    }
    const odd = examplePolicy('tools: { allow: ["kb.se\\u0430rch"] }')
    expect(judge({ tool: { name: 'kb.se\u0430rch' } }, { policy: odd })).toEqual([])
    expect(judge({ tool: { name: 'kb.se\u200barch' } }, { policy: examplePolicy() })).toEqual([])
  })

  it('never takes a name that the policy lists in ASCII for one that deceives', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab1il0o.rn'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), (names) => {
        const listing = examplePolicy(`tools: { allow: ${JSON.stringify(names)} }`)
        for (const each of names) {
          expect(judge({ tool: { name: each } }, { policy: listing })).toEqual([])
        }
      }),
      { numRuns: 200, seed: 4 },
    )
  })
})

describe('a call that was stopped', () => {
  const stopped = { outcome: 'denied' as const }
  const shell = { tool: { name: 'shell.exec' } }

  it('weighs more when it is tried again, and most when it then goes through', () => {
    expect(afterwards({ ...shell, ...stopped })).toMatchObject([{ severity: 'medium' }])
    expect(afterwards({ ...shell, ...stopped }, { ...shell, ...stopped })).toMatchObject([
      {
        severity: 'high',
        title: "Agent tried a forbidden tool again: 'shell.exec'",
        reason: expect.stringContaining('after it was stopped once in this session; the call was stopped'),
        evidence: { stopped_before: 1, tried_again: 'same-tool' },
      },
    ])
    expect(afterwards({ ...shell, ...stopped }, shell)).toMatchObject([{ severity: 'critical' }])
    expect(afterwards({ tool: { name: 'x' }, ...stopped }, { tool: { name: 'x' } })).toMatchObject([
      { severity: 'high' },
    ])
  })

  it('is known again in another tool: by its arguments, or by what such tools can do', () => {
    const content = { arguments: '{"command": "cat /etc/passwd"}' }
    const other = { tool: { name: 'notes.run' }, content: { arguments: '{"command":"cat /etc/passwd"}' } }
    expect(afterwards({ ...shell, ...stopped, content }, other)).toMatchObject([
      {
        severity: 'high',
        evidence: { tried_again: 'other-tool' },
        techniques: ['AML.T0053', 'AML.T0117'],
        reason: expect.stringContaining('after the same was tried with another tool and it was stopped once'),
      },
    ])
    expect(afterwards({ ...shell, ...stopped }, { tool: { name: 'run_command' }, ...stopped })).toMatchObject([
      { severity: 'high', evidence: { tried_again: 'other-tool' } },
    ])
    expect(afterwards({ ...shell, ...stopped }, { tool: { name: 'weather' } })[0]?.evidence.tried_again).toBeUndefined()
    const empty = { content: { arguments: '{}' } }
    expect(
      afterwards({ tool: { name: 'x' }, ...stopped, ...empty }, { tool: { name: 'y' }, ...empty })[0]?.evidence,
    ).not.toHaveProperty('tried_again')
  })

  it('is not tried again by what ran beside it, by the same event judged twice, or when nothing stopped it', () => {
    const again = (...events: readonly Partial<Telemetry>[]) => afterwards(...events)[0]?.evidence.tried_again
    expect(again({ ...shell, ...stopped, duration_ms: 5000 }, shell)).toBeUndefined()
    expect(
      again({ ...shell, ...stopped, event_id: 'a'.repeat(32) }, { ...shell, event_id: 'a'.repeat(32) }),
    ).toBeUndefined()
    expect(again(shell, shell)).toBeUndefined()
  })

  it('alone changes the state', () => {
    const state = toolAllowlist.initial()
    const each = event(shell)
    expect(toolAllowlist.learn(each, state, { policy })).toBe(false)
    expect(toolAllowlist.spoke?.(each, state, { policy })).toBe(false)
    expect(state).toEqual(toolAllowlist.initial())
  })
})
