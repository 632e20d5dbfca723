import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { example } from './examples/tool-allowlist.ts'
import { toolAllowlist } from './tool-allowlist.ts'

const policy = examplePolicy(example.policy)

function judge(fields: Partial<Telemetry>, context = { policy: policy as typeof policy | undefined }) {
  return toolAllowlist.check(event(fields), {}, context)
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
        expected: 'kb.search, crm.*; never crm.delete',
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
})
