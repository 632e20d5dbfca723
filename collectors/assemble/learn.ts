/** What every fragment teaches, whatever becomes of it: its place in the tree, and who its trace, session and service are. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Agent, Labels } from '../../schema/telemetry.ts'
import { originOf } from './identity.ts'
import {
  type Memory,
  nameAgent,
  nameModelHost,
  nameServiceAgent,
  ownAgent,
  type Trace,
  type TraceFacts,
} from './memory.ts'
import type { SpanNode } from './span-node.ts'

/** Remembers what the fragment says. Returns its place in the tree, when it is a span. */
export function learn(
  fragment: Fragment,
  trace: Trace | undefined,
  memory: Memory,
  nowMs: number,
): SpanNode | undefined {
  const agent = ownAgent(fragment)
  if (trace !== undefined) {
    learnTrace(fragment, agent, trace, memory)
  }
  learnSession(fragment, agent, memory, nowMs)
  if (fragment.service !== undefined) {
    const service = memory.service(fragment.tenant_id, fragment.service.name, nowMs)
    const host = fragment.operation === 'model_call' ? fragment.destinations?.[0]?.host : undefined
    const newAgent = agent !== undefined && nameServiceAgent(service, agent, originOf(fragment))
    const newHost = host !== undefined && nameModelHost(service, host)
    if (newAgent || newHost) {
      memory.changedService(service)
    }
  }
  if (trace === undefined || fragment.signal !== 'span' || fragment.span_id === undefined) {
    return undefined
  }
  const node = nodeOf(fragment, trace.facts, fragment.span_id, agent)
  memory.addSpan(trace, node)
  return node
}

function learnTrace(fragment: Fragment, agent: SpanNode['agent'], trace: Trace, memory: Memory): void {
  const { facts } = trace
  let news = agent !== undefined && nameAgent(facts, agent)
  if (facts.session === undefined && fragment.session_id !== undefined) {
    facts.session = fragment.session_id
    news = true
  }
  if (facts.principal === undefined && fragment.principal !== undefined) {
    facts.principal = fragment.principal
    news = true
  }
  if (news) {
    memory.changedTrace(trace)
  }
}

function learnSession(fragment: Fragment, agent: SpanNode['agent'], memory: Memory, nowMs: number): void {
  if (fragment.session_id === undefined) {
    return
  }
  const facts = memory.session(fragment.tenant_id, fragment.session_id, nowMs)
  let news = agent !== undefined && nameAgent(facts, agent)
  if (facts.principal === undefined && fragment.principal !== undefined) {
    facts.principal = fragment.principal
    news = true
  }
  // Emitters of log records write the user's prompt and the calls it led to side by side, with no span above both.
  const isPrompt = fragment.signal === 'log' && fragment.role === 'event' && fragment.operation === 'agent_invoke'
  if (isPrompt && fragment.prompt_id !== undefined && fragment.prompt_id !== facts.prompt) {
    facts.prompt = fragment.prompt_id
    news = true
  }
  if (news) {
    memory.changedSession(facts)
  }
}

/** Spans say over and over who acts where; what the trace remembers of that is not remembered with each of them again. */
function nodeOf(fragment: Fragment, facts: TraceFacts, span: string, agent: SpanNode['agent']): SpanNode {
  const operation = fragment.role === 'event' ? fragment.operation : undefined
  const isTool = operation === 'tool_call' && fragment.tool !== undefined
  return {
    tenant: facts.tenant,
    trace: facts.id,
    span,
    parent: fragment.parent_span_id,
    operation,
    dialect: isTool ? fragment.dialect : undefined,
    tool: isTool ? fragment.tool : undefined,
    transport: fragment.transport === true,
    host: fragment.destinations?.find(({ seen_in }) => seen_in !== 'argument')?.host,
    agent: agent !== undefined && isSameAgent(agent, facts.agent) ? facts.agent : agent,
    session: fragment.session_id === facts.session ? facts.session : fragment.session_id,
    principal: fragment.principal,
    chain: fragment.subject_chain,
    prompt: fragment.prompt_id,
    draft: undefined,
  }
}

function isSameAgent(agent: Agent, other: Agent | undefined): boolean {
  return (
    agent.id === other?.id &&
    agent.name === other.name &&
    agent.version === other.version &&
    agent.framework === other.framework &&
    agent.owner === other.owner &&
    hasSameLabels(agent.labels, other.labels)
  )
}

function hasSameLabels(labels: Labels | undefined, others: Labels | undefined): boolean {
  if (labels === undefined || others === undefined) {
    return labels === others
  }
  const names = Object.keys(labels)
  return names.length === Object.keys(others).length && names.every((name) => labels[name] === others[name])
}
