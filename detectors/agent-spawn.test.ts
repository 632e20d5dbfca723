import { describe, expect, it } from 'vitest'
import { compilePolicies } from '../rules/compile.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Subject, Telemetry } from '../schema/telemetry.ts'
import { agentSpawn } from './agent-spawn.ts'
import { event } from './arbitrary.ts'

const agent = (id: string): Subject => ({ kind: 'agent', id })
const human: Subject = { kind: 'human', id: 'ana' }

function policies(sections: string, id = 'planner'): PolicySet {
  const text = `version: 1\nid: p\nagent: { id: ${id} }\n${sections}`
  return compilePolicies([{ path: 'p.yml', name: 'policies/p.yml', text }])
}

function judge(set: PolicySet, fields: Partial<Telemetry>, state = agentSpawn.initial()) {
  const each = event({ agent: { id: 'planner' }, ...fields })
  return agentSpawn.check(each, state, { policy: set.governing(each.agent, each.time_ms), policies: set })
}

function follow(set: PolicySet, ...events: readonly Partial<Telemetry>[]) {
  const state = agentSpawn.initial()
  return events.map((fields, index) => {
    const each = event({ agent: { id: 'planner' }, event_id: `${index}`.padStart(32, '0'), ...fields })
    const context = { policy: set.governing(each.agent, each.time_ms), policies: set }
    const findings = agentSpawn.check(each, state, context)
    const absorb = findings.length > 0 ? agentSpawn.spoke : agentSpawn.learn
    absorb?.call(agentSpawn, each, state, context)
    return findings.map(({ evidence }) => evidence.rule)
  })
}

const created = (name: string, more: Partial<Telemetry> = {}): Partial<Telemetry> => ({
  operation: 'agent_spawn',
  content: { arguments: name },
  ...more,
})
const makes = (args: string, tool = 'Task'): Partial<Telemetry> => ({
  tool: { name: tool },
  content: { arguments: args },
})
const works = (id: string, ...above: string[]): Partial<Telemetry> => ({
  operation: 'agent_invoke',
  agent: { id },
  subject_chain: [human, ...above.map(agent), agent(id)],
})

describe('agent-spawn', () => {
  const set = policies("spawning: { allow: ['worker-*'], max_per_session: 2 }")

  it('says nothing of agents that may be created, of other tools, and without a policy', () => {
    expect(judge(set, created('worker-1'))).toEqual([])
    expect(judge(set, makes('{"subagent_type":"worker-1","prompt":"x"}'))).toEqual([])
    expect(judge(set, works('worker-1', 'planner'))).toEqual([])
    expect(judge(set, { tool: { name: 'agents.list' } })).toEqual([])
    expect(judge(set, { tool: { name: 'create_ticket' } })).toEqual([])
    expect(judge(policies(''), created('rogue'))).toEqual([])
    expect(judge(policies(''), works('rogue', 'planner'))).toEqual([])
    expect(judge(set, works('rogue'))).toEqual([])
  })

  it('explains an agent that may not be created', () => {
    expect(judge(set, created('rogue'))).toMatchObject([
      {
        severity: 'high',
        title: 'Agent created without permission',
        reason: "'planner' created agent 'rogue', which the policy of 'planner' does not allow.",
        expected: 'creates worker-*',
        silence: "policies/p.yml:4: add 'rogue' to spawning.allow",
        evidence: { untrusted_created: 'rogue', untrusted_above: 'planner', shown_by: 'span', rule: 'spawn' },
        techniques: ['AML.T0103'],
      },
    ])
    expect(judge(set, created('rogue', { outcome: 'denied' }))[0]?.severity).toBe('medium')
  })

  it.each(['Task', 'spawn_agent', 'createSubAgent', 'launch_assistant', 'runSubagent', 'agents.create'])(
    'knows %s for a tool that makes agents',
    (tool) => {
      expect(judge(set, makes('{"name":"rogue"}', tool))).toMatchObject([{ evidence: { shown_by: 'tool' } }])
    },
  )

  it.each([
    'add_agent_note',
    'create_agent_report',
    'new_user_agent',
    'register_agent_callback',
    'create_message_for_agent_owner',
    'add_assistant_message',
  ])('takes %s for no tool that makes agents', (tool) => {
    expect(judge(set, makes('{"name":"rogue"}', tool))).toEqual([])
  })

  it.each([
    'create_agent_from_template',
    'agent_spawn',
    'launch_agent_v2',
    'start_agent_task',
    'new_agents_batch',
    'create_agent_copy',
    'spawn_agent_worker',
    'create_multi_agent_system',
  ])('takes %s for a tool that makes agents', (tool) => {
    expect(judge(set, makes('{"name":"rogue"}', tool))).toHaveLength(1)
  })

  it.each([
    '{"subagent_type":"rogue","role":"worker-1"}',
    '{"agent_id":"rogue","name":"worker-1"}',
    '{"name":"rogue","role":"worker-1","description":"worker-1"}',
    '{"config":{"name":"rogue"}}',
    '{"params":{"agent":{"name":"rogue"}}}',
    '{"agent":{"name":"rogue","tools":[{"name":"worker-1"}]}}',
    '{"agents":[{"name":"worker-1"},{"role":"rogue"}]}',
    '{"agents":["worker-1","rogue"]}',
    '{"name":"worker-1","subagents":[{"name":"rogue"}]}',
    '{"agent":{"id":"rogue"}}',
    '{"agentType":"rogue"}',
    '{"teammates":["worker-1","rogue"]}',
    '{"agent_ids":["rogue"]}',
    '{"subagents":"worker-1, rogue"}',
    '{"agent":"{\\"name\\":\\"rogue\\"}"}',
    '{"agents":"[\\"worker-1\\",\\"rogue\\"]"}',
    '{"config":"{\\"subagents\\":[{\\"id\\":\\"rogue\\"}]}"}',
  ])('is told of the agent that is made, wherever its name stands: %s', (args) => {
    expect(judge(set, makes(args))).toMatchObject([
      { title: 'Agent created without permission', reason: expect.stringContaining("agent 'rogue'") },
    ])
  })

  it.each([
    '{"subagent_type":"worker-1","name":"Draft the summary"}',
    '{"agent":{"name":"worker-1","tools":[{"name":"web.search"}],"model":{"name":"gpt-4o"}}}',
    '{"name":"worker-1","config":{"name":"default"},"team":"blue"}',
    '{"id":"call-7","agent":{"id":"a7f3","name":"worker-1"}}',
    '{"agents":"One that searches, one that writes","name":"worker-1"}',
    '{"name":"worker-1","workers":"4"}',
  ])('takes no other name for that of the agent: %s', (args) => {
    expect(judge(set, makes(args))).toEqual([])
  })

  it('counts every agent that one call makes', () => {
    expect(judge(set, makes('{"agents":["worker-1","worker-2","worker-3"]}'))).toMatchObject([
      { observed: '3 agents created in the session' },
    ])
  })

  it('finds an agent at work that its caller may neither create nor call', () => {
    expect(judge(set, works('rogue', 'planner'))).toMatchObject([
      {
        severity: 'medium',
        reason: "'planner' has agent 'rogue' at work, which the policy of 'planner' does not allow.",
      },
    ])
    expect(judge(set, works('planner/worker-1', 'planner'))).toEqual([])
    // There, `delegation` judges.
    const both = policies("spawning: { allow: ['worker-*'] }\ndelegation: { may_call: ['agent:writer'] }")
    expect(judge(both, works('rogue', 'planner'))).toEqual([])
  })

  it('does not let what was created create, unless the policy says how deep', () => {
    const by = (id: string, ...above: string[]) =>
      created('worker-9', { agent: { id }, subject_chain: above.map(agent) })
    expect(judge(set, by('worker-1', 'planner'))).toMatchObject([
      {
        severity: 'high',
        title: 'Created agent creates agents',
        evidence: { rule: 'depth', untrusted_above: 'planner > worker-1' },
        policy: { line: 4, allow_with: 'set spawning.max_depth to 2' },
      },
    ])
    expect(judge(set, works('worker-9', 'planner', 'worker-1'))).toMatchObject([{ evidence: { rule: 'depth' } }])
    expect(judge(policies("spawning: { allow: ['worker-*'], max_depth: 2 }"), by('worker-1', 'planner'))).toEqual([])
    // One that it only calls may have agents of its own.
    const calls = policies("spawning: { allow: ['worker-*'] }\ndelegation: { may_call: ['agent:writer'] }")
    expect(judge(calls, works('helper', 'planner', 'writer'))).toEqual([])
    const counts = policies("spawning: { max_per_session: 9 }\ndelegation: { may_call: ['agent:writer'] }")
    expect(judge(counts, works('helper', 'planner', 'writer'))).toEqual([])
    expect(judge(counts, works('helper', 'planner', 'other'))).toMatchObject([{ evidence: { rule: 'depth' } }])
  })

  it('does not take agents that call each other for created ones where no list tells them apart', () => {
    const counts = policies('spawning: { max_per_session: 9 }')
    expect(judge(counts, works('writer', 'planner', 'researcher'))).toEqual([])
    const by = (id: string) => created('helper', { agent: { id }, subject_chain: [agent('planner')] })
    // Nothing says whether the researcher was created; that it creates is told.
    expect(judge(counts, by('researcher'))).toMatchObject([{ severity: 'medium', confidence: 0.6 }])
    // A sub-agent is one by its id.
    expect(judge(counts, by('planner/researcher'))).toMatchObject([{ severity: 'high' }])
    expect(judge(counts, works('writer', 'planner', 'planner/researcher'))[0]).toMatchObject({ severity: 'high' })
    // What has a policy of its own is no creature of another agent.
    const text = `version: 1
id: p
agent: { id: planner }
spawning: { max_per_session: 9 }
---
version: 1
id: r
agent: { id: researcher }
spawning: { max_per_session: 9 }
`
    const both = compilePolicies([{ path: 'p.yml', name: 'policies/p.yml', text }])
    expect(judge(both, by('researcher'))).toEqual([])
  })

  it('counts in each session, a tool and its span as one, and amendments not again', () => {
    const one = [makes('{"name":"worker-1"}'), created('worker-1')]
    const two = [makes('{"name":"worker-2"}'), created('worker-2')]
    const three = makes('{"name":"worker-3"}')
    expect(follow(set, ...one, ...two, three)).toEqual([[], [], [], [], ['count']])
    expect(follow(set, ...one, ...two, { ...three, session_id: 'other' })).toEqual([[], [], [], [], []])
    expect(follow(set, ...one, { ...three, outcome: 'denied' }, ...two)).toEqual([[], [], [], [], []])
    const state = agentSpawn.initial()
    const context = { policy: set.policies[0], policies: set }
    const counts = (fields: Partial<Telemetry>, repeated: boolean) =>
      agentSpawn.check(event({ agent: { id: 'planner' }, ...fields }), state, { ...context, repeated }).length
    for (const fields of [one[0], two[0]]) {
      agentSpawn.learn(event({ agent: { id: 'planner' }, ...fields }), state, context)
    }
    expect(counts(three, true)).toBe(0)
    expect(counts(three, false)).toBe(1)
  })

  it('notices an unknown agent once for each caller', () => {
    const open = policies('spawning: { max_per_session: 9 }')
    expect(follow(open, works('x', 'planner'), works('x', 'planner'))).toEqual([['unknown'], []])
    expect(judge(open, works('x', 'planner'))).toMatchObject([{ severity: 'low', title: 'Unknown agent at work' }])
    expect(judge(policies('delegation: { max_depth: 2 }'), works('x', 'planner'))).toMatchObject([{ severity: 'low' }])
    expect(judge(policies('spawning: { max_per_session: 9 }', "'*'"), works('x', 'planner'))).toEqual([])
  })

  it('leaves its state alone for ordinary tools', () => {
    const call = event({ tool: { name: 'kb.search' } })
    expect(agentSpawn.learn(call, agentSpawn.initial(), { policy: set.policies[0] })).toBe(false)
  })
})
