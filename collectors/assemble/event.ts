/** The event, from what its records say together and who acted. */
import type { Attributes, Telemetry, Tool } from '../../schema/telemetry.ts'
import { saidOtherwise } from '../sanitize/said.ts'
import type { Contribution } from './contribution.ts'
import { type Draft, type Identity, RANK } from './draft.ts'
import { type Merged, mergeOwn, withAttribute, withChildren } from './merge.ts'

/** Marks events that said they come from the future: their time is that of their arrival, give or take clocks. */
const CLOCK_SKEW_ATTRIBUTE = 'telltale.clock_skew'

const LATEST_MS = 5 * 60 * 1000

export function eventOf(draft: Draft, eventId: string, identity: Identity, clamp: boolean): Telemetry {
  const merged = mergeOwn(draft.contributions)
  const measured = withChildren(merged, draft.children)
  const operation = merged.operation ?? 'tool_call'
  const latestMs = clamp ? draft.observed_ms + LATEST_MS : Number.POSITIVE_INFINITY
  const event: Telemetry = {
    schema_version: '1',
    event_id: eventId,
    time_ms: identity.time_ms ?? Math.min(merged.time_ms, latestMs),
    observed_ms: draft.observed_ms,
    tenant_id: draft.tenant,
    agent: identity.agent,
    session_id: identity.session_id,
    trace_id: merged.trace_id ?? null,
    span_id: merged.span_id ?? null,
    parent_span_id: merged.parent_span_id ?? null,
    operation,
    prompt_id: merged.prompt_id ?? identity.prompt_id ?? null,
    subject_chain: shared(identity.subject_chain),
    dataset_scope: shared(measured.dataset_scope),
    policy_snapshot: merged.policy_snapshot ?? null,
    policy_decision: merged.policy_decision ?? null,
    atlas_mapping: shared(merged.atlas_mapping),
    tool: toolOf(merged, operation),
    outcome: merged.outcome ?? 'ok',
    duration_ms: merged.duration_ms ?? null,
    volume: measured.volume ?? {},
    destinations: shared(measured.destinations),
    integrity: merged.integrity ?? {},
    token: merged.token ?? null,
    approval: merged.approval ?? null,
    attributes:
      merged.time_ms <= latestMs
        ? (merged.attributes ?? {})
        : withAttribute(merged.attributes, CLOCK_SKEW_ATTRIBUTE, true),
  }
  if (merged.error_type !== undefined) {
    event.error_type = merged.error_type
  }
  if (merged.content !== undefined) {
    event.content = merged.content
  }
  if (draft.contributions.length > 1) {
    event.attributes = withOthers(event, draft.contributions)
  }
  return event
}

/**
 * The attributes, with what joined records say otherwise than the event: who acted, in which session, with which tool and
 * model. The event has room for one of them, and their own attributes do not repeat their fields.
 */
function withOthers(event: Telemetry, contributions: readonly Contribution[]): Attributes {
  let { attributes } = event
  for (const { fragment, rank } of contributions) {
    for (const [key, value] of rank < RANK.content ? saidOtherwise(fragment, event) : []) {
      if (!(key in attributes)) {
        attributes = withAttribute(attributes, key, value)
      }
    }
  }
  return attributes
}

/** The list itself: an event shares with its fragments what nobody changes once it is said. */
function shared<T>(list: readonly T[] | undefined): T[] {
  return list === undefined ? [] : (list as T[])
}

function toolOf({ tool }: Merged, operation: Telemetry['operation']): Telemetry['tool'] {
  if (tool?.name !== undefined) {
    return tool as Tool
  }
  // A call whose record names no tool is still a call, and a policy must be able to refuse it.
  return operation === 'tool_call' ? { ...tool, name: 'unknown' } : null
}

/**
 * Whether a detector could judge the amended event otherwise. What only completes the record (a duration, an
 * attribute) is not worth sending it again.
 */
export function judgedDifferently(before: Telemetry, after: Telemetry): boolean {
  return (
    before.tool?.name !== after.tool?.name ||
    before.tool?.server !== after.tool?.server ||
    before.outcome !== after.outcome ||
    before.error_type !== after.error_type ||
    before.policy_decision !== after.policy_decision ||
    CONTENTS.some((name) => before.content?.[name] !== after.content?.[name]) ||
    JSON.stringify([before.approval, before.token]) !== JSON.stringify([after.approval, after.token]) ||
    !sameMembers(before.destinations, after.destinations) ||
    !sameMembers(before.dataset_scope, after.dataset_scope)
  )
}

const CONTENTS = ['prompt', 'arguments', 'result', 'output', 'system_prompt'] as const

/** Merged lists are sorted, those of a single record are as it wrote them: the order says nothing. */
function sameMembers(one: readonly object[], other: readonly object[]): boolean {
  return one === other || membersOf(one) === membersOf(other)
}

function membersOf(list: readonly object[]): string {
  return JSON.stringify(list.map((member) => JSON.stringify(member)).sort())
}
