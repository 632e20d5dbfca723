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
import type { Contribution } from './contribution.ts'
import type { Identity } from './draft.ts'
import type { Lineage } from './lineage.ts'
import { type Memory, type Naming, ownAgent, type Trace } from './memory.ts'
import type { SpanNode } from './span-node.ts'

/** What a session is called when nothing named one and there is no trace: one for each service. */
const UNKNOWN_SESSION = 'unknown-session'
const UNKNOWN_AGENT = 'unknown'

export interface Resolution {
  readonly identity: Identity
  /** Nothing named the agent: it was given for want of better, and the trace and session should keep it. */
  readonly fallback: boolean
}

export interface Surroundings {
  readonly memory: Memory
  readonly trace: Trace | undefined
  /** Of the record that speaks first. */
  readonly lineage: Lineage
  readonly nowMs: number
}

/** Who and where, or `undefined` when it is worth waiting. With `force` there is always an answer. */
export function resolveIdentity(
  contributions: readonly Contribution[],
  around: Surroundings,
  force: boolean,
): Resolution | undefined {
  const { fragment: lead } = contributions[0] as Contribution
  const sessionId = sessionOf(contributions, around, force)
  if (sessionId === undefined) {
    return undefined
  }
  const session = around.memory.knownSession(lead.tenant_id, sessionId)
  let agent = namedAgent(contributions, session, around)
  const fallback = agent === undefined
  if (agent === undefined) {
    if (!force) {
      return undefined
    }
    agent = fallbackAgent(lead, session, around)
  }
  const { ancestors } = around.lineage
  const identity: Identity = {
    time_ms: undefined,
    agent,
    session_id: sessionId,
    subject_chain: chainOf(contributions, ancestors, agent, around.trace?.facts, session),
    prompt_id: said(contributions, 'prompt_id') ?? nearest(ancestors, 'prompt') ?? session?.prompt,
  }
  return { identity, fallback }
}

/** What the records of one event say, whoever says it first. */
function said<K extends keyof Fragment>(contributions: readonly Contribution[], field: K): Fragment[K] | undefined {
  for (const { fragment } of contributions) {
    if (fragment[field] !== undefined) {
      return fragment[field]
    }
  }
  return undefined
}

/** What the nearest ancestor says that says anything. */
function nearest<K extends keyof SpanNode>(ancestors: readonly SpanNode[], field: K): SpanNode[K] | undefined {
  for (const node of ancestors) {
    if (node[field] !== undefined) {
      return node[field]
    }
  }
  return undefined
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
  { lineage: { ancestors, gap }, trace }: Surroundings,
  force: boolean,
): string | undefined {
  const named = said(contributions, 'session_id') ?? nearest(ancestors, 'session') ?? trace?.facts.session
  if (named !== undefined) {
    return named
  }
  if (trace !== undefined) {
    return gap === undefined || force ? trace.facts.id : undefined
  }
  const service = said(contributions, 'service')
  return service === undefined ? UNKNOWN_SESSION : `${UNKNOWN_SESSION}:${service.name}`.slice(0, NAME_LIMIT)
}

function namedAgent(
  contributions: readonly Contribution[],
  session: Naming | undefined,
  around: Surroundings,
): Agent | undefined {
  for (const { fragment } of contributions) {
    const own = ownAgent(fragment)
    if (own !== undefined) {
      return own
    }
  }
  const { lineage, trace } = around
  const above = nearest(lineage.ancestors, 'agent')
  if (above !== undefined) {
    return above
  }
  const ofTrace = trace === undefined ? undefined : only(trace.facts)
  if (lineage.gap === undefined) {
    const near = ofTrace ?? (session === undefined ? undefined : only(session))
    if (near !== undefined) {
      return near
    }
  }
  const lent = lentAgent((contributions[0] as Contribution).fragment, around)
  // A trace that names somebody else is about to say more.
  return ofTrace === undefined || ofTrace.id === lent?.id ? lent : undefined
}

function lentAgent(fragment: Fragment, { memory, trace, nowMs }: Surroundings): Agent | undefined {
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
  // Whoever deployed the service has said these of it, though not its name.
  return { ...lead.agent, id: name, ...(version === undefined ? {} : { version }) }
}

function only({ agent, ambiguous }: Naming): Agent | undefined {
  return ambiguous === true ? undefined : agent
}

/** The chain of an event that went out, by what is known of its ancestors now. */
export function chainAbove(
  contributions: readonly Contribution[],
  agent: Agent,
  { memory, trace, lineage }: Surroundings,
  sessionId: string,
): readonly Subject[] {
  const { fragment: lead } = contributions[0] as Contribution
  const session = memory.knownSession(lead.tenant_id, sessionId)
  return chainOf(contributions, lineage.ancestors, agent, trace?.facts, session)
}

/** From the principal at the origin, through the agents that invoked one another, to the one that acts. */
function chainOf(
  contributions: readonly Contribution[],
  ancestors: readonly SpanNode[],
  agent: Agent,
  trace: Naming | undefined,
  session: Naming | undefined,
): readonly Subject[] {
  const own = said(contributions, 'subject_chain')
  if (own !== undefined) {
    return own
  }
  const stating = ancestors.findIndex(({ chain }) => chain !== undefined)
  const stated = ancestors[stating]?.chain
  const principal =
    said(contributions, 'principal') ?? nearest(ancestors, 'principal') ?? trace?.principal ?? session?.principal
  const subjects: Subject[] = [...(stated ?? (principal === undefined ? [] : [principal]))]
  for (let above = (stating === -1 ? ancestors.length : stating) - 1; above >= 0; above -= 1) {
    const node = ancestors[above] as SpanNode
    if (node.operation === 'agent_invoke' && node.agent !== undefined) {
      appendAgent(subjects, node.agent)
    }
  }
  for (const caller of said(contributions, 'callers') ?? []) {
    if (!subjects.some(({ kind, id }) => kind === 'agent' && id === caller.id)) {
      subjects.push(caller)
    }
  }
  appendAgent(subjects, agent)
  // The origin and the acting end are what matters of a chain that is too long.
  return subjects.length <= LIST_LIMIT ? subjects : [...subjects.slice(0, 1), ...subjects.slice(1 - LIST_LIMIT)]
}

function appendAgent(subjects: Subject[], { id, name }: Agent): void {
  const last = subjects.at(-1)
  if (last?.kind !== 'agent' || last.id !== id) {
    subjects.push(name === undefined || name === id ? { kind: 'agent', id } : { kind: 'agent', id, name })
  }
}
