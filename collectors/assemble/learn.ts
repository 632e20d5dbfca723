/** What every fragment teaches, whatever becomes of it: its place in the tree, and who its trace, session and service are. */
import type { Fragment } from '../../schema/fragment.ts'
import { originOf } from './identity.ts'
import {
  type Memory,
  nameAgent,
  nameModelHost,
  nameServiceAgent,
  ownAgent,
  type SpanNode,
  type Trace,
} from './memory.ts'

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
  const node = nodeOf(fragment, trace.facts.id, fragment.span_id, agent)
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

function nodeOf(fragment: Fragment, trace: string, span: string, agent: SpanNode['agent']): SpanNode {
  const node: { -readonly [K in keyof SpanNode]: SpanNode[K] } = {
    tenant: fragment.tenant_id,
    trace,
    span,
    fragment: fragment.fragment_id,
  }
  if (fragment.parent_span_id !== undefined) {
    node.parent = fragment.parent_span_id
  }
  if (fragment.role === 'event' && fragment.operation !== undefined) {
    node.operation = fragment.operation
  }
  if (node.operation === 'tool_call' && fragment.tool !== undefined) {
    node.dialect = fragment.dialect
    node.tool = fragment.tool
  }
  if (fragment.transport === true) {
    node.transport = true
  }
  const host = fragment.destinations?.find(({ seen_in }) => seen_in !== 'argument')?.host
  if (host !== undefined) {
    node.host = host
  }
  if (agent !== undefined) {
    node.agent = agent
  }
  if (fragment.session_id !== undefined) {
    node.session = fragment.session_id
  }
  if (fragment.principal !== undefined) {
    node.principal = fragment.principal
  }
  if (fragment.subject_chain !== undefined) {
    node.chain = fragment.subject_chain
  }
  if (fragment.prompt_id !== undefined) {
    node.prompt = fragment.prompt_id
  }
  return node
}
