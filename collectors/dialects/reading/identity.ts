/** Who acted, in which session, for whom: read from whatever names a record carries itself. */
import { type Agent, LIST_LIMIT, NAME_LIMIT, type Subject } from '../../../schema/telemetry.ts'
import type { AttributeMap, OtlpRecord, Resource } from '../../otlp/records.ts'
import { firstLabel, label } from '../../otlp/values.ts'

/** An agent as a record names it; `id` is always set. */
export type NamedAgent = Pick<Agent, 'id'> & Partial<Agent>

// Some frameworks draw a random id for every process. A profile needs an id that survives restarts.
const RANDOM_ID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/**
 * An agent from what a record says of it. A random id gives way to the name, and without an id the name is the id;
 * `undefined` when neither is known.
 */
export function agentOf(named: {
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly framework?: string | undefined
}): NamedAgent | undefined {
  const { name } = named
  const stable = named.id !== undefined && (name === undefined || !RANDOM_ID.test(named.id)) ? named.id : undefined
  const id = stable ?? name
  if (id === undefined) {
    return undefined
  }
  const agent: NamedAgent = { id }
  if (name !== undefined) {
    agent.name = name
  }
  if (named.version !== undefined) {
    agent.version = named.version
  }
  if (named.framework !== undefined) {
    agent.framework = named.framework
  }
  return agent
}

/**
 * The agent that a coding tool is: its service, or a sub-agent of it. `below` is the way down to that sub-agent, which
 * names the agents that called it too: its log records have no parents in which to look for them.
 */
export function serviceAgent(
  record: OtlpRecord,
  framework: string,
  below: readonly string[],
  fallbackName: string,
): { readonly agent: NamedAgent; readonly callers?: readonly Subject[] } {
  const name = label(record.resource.attributes.get('service.name')) ?? fallbackName
  const version =
    label(record.attributes.get('app.version')) ?? label(record.resource.attributes.get('service.version'))
  const versioned = version === undefined ? { framework } : { framework, version }
  if (below.length === 0) {
    return { agent: { id: name, name, ...versioned } }
  }
  const callers = below
    .slice(0, LIST_LIMIT)
    .map((_, depth): Subject => ({ kind: 'agent', id: pathOf(name, below.slice(0, depth)) }))
  return { agent: { id: pathOf(name, below), name: below.join('/'), ...versioned }, callers }
}

function pathOf(name: string, below: readonly string[]): string {
  return [name, ...below].join('/').slice(0, NAME_LIMIT)
}

const USER_KEYS = [
  'user.id',
  'enduser.id',
  'user.email',
  'user.name',
  'user.account_uuid',
  'user.account_id',
  'traceloop.association.properties.user_id',
  'ai.telemetry.metadata.userId',
  'ai.settings.context.userId',
  'langsmith.metadata.user_id',
  'enduser.pseudo.id',
  'user.hash',
] as const

const USER_NAME_KEYS = ['user.name', 'user.full_name'] as const

/** The human at the origin, when the record or its resource names one. */
export function principalOf(record: OtlpRecord): Subject | undefined {
  const id = firstLabel(record.attributes, USER_KEYS) ?? userOfResource(record.resource)
  if (id === undefined) {
    return undefined
  }
  const name = firstLabel(record.attributes, USER_NAME_KEYS)
  return name === undefined || name === id ? { kind: 'human', id } : { kind: 'human', id, name }
}

// All records of a group share their resource, which hardly ever names a user.
const usersOfResources = new WeakMap<Resource, { readonly id: string | undefined }>()

function userOfResource(resource: Resource): string | undefined {
  let known = usersOfResources.get(resource)
  if (known === undefined) {
    known = { id: firstLabel(resource.attributes, USER_KEYS) }
    usersOfResources.set(resource, known)
  }
  return known.id
}

const SESSION_KEYS = [
  'gen_ai.conversation.id',
  'session.id',
  'conversation.id',
  'traceloop.association.properties.session_id',
  'traceloop.association.properties.thread_id',
  'ai.telemetry.metadata.sessionId',
  'ai.settings.context.sessionId',
  'langsmith.metadata.session_id',
  'langsmith.metadata.thread_id',
  'gcp.vertex.agent.session_id',
  'copilot_chat.chat_session_id',
] as const

/**
 * The conversation a record names. Transport sessions (`mcp.session.id`) are none: one agent session holds several of
 * them, and a child that named one would leave its parent's session.
 */
export function sessionOf(attributes: AttributeMap): string | undefined {
  return firstLabel(attributes, SESSION_KEYS)
}
