/**
 * Who acted, in which session, on whose behalf: named by the record, else by what is nearest to it.
 *
 * An agent: the record itself, its nearest ancestor that names one, any span of its trace if only one is named there,
 * its session likewise, a service that has only ever run one agent. A nearer ancestor wins over the root, so what a
 * sub-agent does is its own. While ancestors are missing only the service lends at once, since any of them may
 * name somebody; after the deadline what was given before stays, and last comes the name of the service.
 */
import type { Fragment } from '../../schema/fragment.ts'
import { type Agent, LIST_LIMIT, NAME_LIMIT, type Subject } from '../../schema/telemetry.ts'
import type { Contribution, Identity } from './draft.ts'
import { type Lineage, lineageOf } from './lineage.ts'
import { type Memory, type Naming, ownAgent, type SpanNode, type Trace } from './memory.ts'

/** What a session is called when nothing named one and there is no trace: one for each service. */
const UNKNOWN_SESSION = 'unknown-session'
const UNKNOWN_AGENT = 'unknown'

export interface Resolution extends Identity {
  /** Nothing named the agent: it was given for want of better, and the trace and session should keep it. */
  readonly fallback: boolean
}

export interface Surroundings {
  readonly memory: Memory
  readonly trace: Trace | undefined
  readonly nowMs: number
}

/** Who and where, or `undefined` when it is worth waiting. With `force` there is always an answer. */
export function resolveIdentity(
  contributions: readonly Contribution[],
  around: Surroundings,
  force: boolean,
): Resolution | undefined {
  const [{ fragment: lead }] = contributions as [Contribution]
  const lineage = lineageOf(lead, around.trace)
  const sessionId = sessionOf(contributions, lineage, around.trace, force)
  if (sessionId === undefined) {
    return undefined
  }
  const session = around.memory.knownSession(lead.tenant_id, sessionId)
  let fallback = false
  let agent = namedAgent(contributions, lineage, session, around)
  if (agent === undefined) {
    if (!force) {
      return undefined
    }
    fallback = true
    agent = fallbackAgent(lead, session, around)
  }
  const promptId = promptOf(contributions, lineage, session)
  return {
    agent,
    session_id: sessionId,
    subject_chain: chainOf(contributions, lineage, agent, around.trace?.facts, session),
    ...(promptId === undefined ? {} : { prompt_id: promptId }),
    fallback,
  }
}

/** Where a service's agent was named: evidence for other traces, not for this one. */
export function originOf(fragment: Fragment): string {
  return fragment.trace_id ?? fragment.session_id ?? fragment.fragment_id
}

/** Whether the record says itself who acted and in which session: then it never waits. */
export function namesItself(fragment: Fragment): boolean {
  return fragment.session_id !== undefined && (fragment.agent?.id ?? fragment.agent?.name) !== undefined
}

function sessionOf(
  contributions: readonly Contribution[],
  { ancestors, gap }: Lineage,
  trace: Trace | undefined,
  force: boolean,
): string | undefined {
  const named =
    contributions.find(({ fragment }) => fragment.session_id !== undefined)?.fragment.session_id ??
    ancestors.find(({ session }) => session !== undefined)?.session ??
    trace?.facts.session
  if (named !== undefined) {
    return named
  }
  if (trace !== undefined) {
    return gap === undefined || force ? trace.facts.id : undefined
  }
  const service = contributions.find(({ fragment }) => fragment.service !== undefined)?.fragment.service
  return service === undefined ? UNKNOWN_SESSION : `${UNKNOWN_SESSION}:${service.name}`.slice(0, NAME_LIMIT)
}

function namedAgent(
  contributions: readonly Contribution[],
  { ancestors, gap }: Lineage,
  session: Naming | undefined,
  { memory, trace, nowMs }: Surroundings,
): Agent | undefined {
  for (const { fragment } of contributions) {
    const own = ownAgent(fragment)
    if (own !== undefined) {
      return own
    }
  }
  const nearest = ancestors.find(({ agent }) => agent !== undefined)?.agent
  if (nearest !== undefined) {
    return nearest
  }
  const ofTrace = trace === undefined ? undefined : only(trace.facts)
  if (gap === undefined) {
    const near = ofTrace ?? (session === undefined ? undefined : only(session))
    if (near !== undefined) {
      return near
    }
  }
  const lent = lentAgent(contributions, memory, trace, nowMs)
  // A trace that names somebody else is about to say more.
  return ofTrace === undefined || ofTrace.id === lent?.id ? lent : undefined
}

function lentAgent(
  contributions: readonly Contribution[],
  memory: Memory,
  trace: Trace | undefined,
  nowMs: number,
): Agent | undefined {
  const { fragment } = contributions[0] as Contribution
  if (fragment.service === undefined) {
    return undefined
  }
  const service = memory.service(fragment.tenant_id, fragment.service.name, nowMs)
  const here = service.named_in !== undefined && service.named_in === originOf(fragment)
  const ambiguousTrace = trace?.facts.ambiguous === true
  return service.ambiguous === true || here || ambiguousTrace ? undefined : service.agent
}

/** The deadline has passed: what was given before, what is named around, else the service itself. */
function fallbackAgent(lead: Fragment, session: Naming | undefined, { memory, trace, nowMs }: Surroundings): Agent {
  const remembered =
    (trace === undefined ? undefined : (only(trace.facts) ?? trace.facts.given)) ??
    (session === undefined ? undefined : (only(session) ?? session.given))
  if (remembered !== undefined) {
    return remembered
  }
  if (lead.service === undefined) {
    return { id: UNKNOWN_AGENT }
  }
  const service = memory.service(lead.tenant_id, lead.service.name, nowMs)
  if (service.agent !== undefined && service.ambiguous === undefined) {
    return service.agent
  }
  const { name, version } = lead.service
  return { id: name, ...(version === undefined ? {} : { version }) }
}

function only({ agent, ambiguous }: Naming): Agent | undefined {
  return ambiguous === true ? undefined : agent
}

function promptOf(
  contributions: readonly Contribution[],
  { ancestors }: Lineage,
  session: { readonly prompt?: string } | undefined,
): string | undefined {
  return (
    contributions.find(({ fragment }) => fragment.prompt_id !== undefined)?.fragment.prompt_id ??
    ancestors.find(({ prompt }) => prompt !== undefined)?.prompt ??
    session?.prompt
  )
}

/** From the principal at the origin, through the agents that invoked one another, to the one that acts. */
function chainOf(
  contributions: readonly Contribution[],
  { ancestors }: Lineage,
  agent: Agent,
  trace: Naming | undefined,
  session: Naming | undefined,
): readonly Subject[] {
  const own = contributions.find(({ fragment }) => fragment.subject_chain !== undefined)?.fragment.subject_chain
  if (own !== undefined) {
    return own
  }
  const stating = ancestors.findIndex(({ chain }) => chain !== undefined)
  const stated = ancestors[stating]?.chain
  const below = stating === -1 ? ancestors : ancestors.slice(0, stating)
  const subjects: Subject[] = stated === undefined ? [] : [...stated]
  if (stated === undefined) {
    const principal = principalOf(contributions, ancestors, trace, session)
    if (principal !== undefined) {
      subjects.push(principal)
    }
  }
  for (const node of below.toReversed()) {
    if (node.operation === 'agent_invoke' && node.agent !== undefined) {
      appendAgent(subjects, node.agent)
    }
  }
  appendAgent(subjects, agent)
  // The origin and the acting end are what matters of a chain that is too long.
  return subjects.length <= LIST_LIMIT ? subjects : [...subjects.slice(0, 1), ...subjects.slice(1 - LIST_LIMIT)]
}

function principalOf(
  contributions: readonly Contribution[],
  ancestors: readonly SpanNode[],
  trace: Naming | undefined,
  session: Naming | undefined,
): Subject | undefined {
  return (
    contributions.find(({ fragment }) => fragment.principal !== undefined)?.fragment.principal ??
    ancestors.find(({ principal }) => principal !== undefined)?.principal ??
    trace?.principal ??
    session?.principal
  )
}

function appendAgent(subjects: Subject[], { id, name }: Agent): void {
  const last = subjects.at(-1)
  if (last?.kind !== 'agent' || last.id !== id) {
    subjects.push({ kind: 'agent', id, ...(name === undefined || name === id ? {} : { name }) })
  }
}
