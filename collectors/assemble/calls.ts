/** Calls as models speak of them: asked for in an output, answered in the next input. */
import type { Fragment, RequestedCall } from '../../schema/fragment.ts'
import { idOf } from '../../schema/ids.ts'
import { Contribution } from './contribution.ts'
import { type Draft, RANK } from './draft.ts'

/**
 * What a model call's request says of the tool call, in the form of a fragment: below the model call in the tree, at the
 * time when the model had spoken.
 */
export function requestedContribution(model: Fragment, call: RequestedCall): Contribution {
  return new Contribution(RANK.requested, spokenOf(model, call, 'requested'))
}

/** What the model was told came out of the call. */
export function answeredContribution(model: Fragment, call: RequestedCall): Contribution {
  return new Contribution(RANK.answered, spokenOf(model, call, 'answered'))
}

function spokenOf(model: Fragment, call: RequestedCall, way: 'requested' | 'answered'): Fragment {
  const fragment: { -readonly [K in keyof Fragment]: Fragment[K] } = {
    schema_version: '1',
    fragment_id: idOf(model.tenant_id, way, model.fragment_id, call.call_id),
    tenant_id: model.tenant_id,
    role: 'part',
    dialect: model.dialect,
    signal: 'span',
    time_ms: model.time_ms + (model.duration_ms ?? 0),
    observed_ms: model.observed_ms,
    join_key: model.join_key,
    operation: 'tool_call',
    tool: {
      ...(call.name === undefined ? {} : { name: call.name }),
      ...(call.server === undefined ? {} : { server: call.server }),
      call_id: call.call_id,
    },
  }
  inherit(fragment, model)
  if (way === 'requested' && call.arguments !== undefined) {
    fragment.content = { arguments: call.arguments }
  }
  if (way === 'requested' && call.destinations !== undefined) {
    fragment.destinations = call.destinations
  }
  if (way === 'requested' && call.dataset_scope !== undefined) {
    fragment.dataset_scope = call.dataset_scope
  }
  if (call.result !== undefined) {
    fragment.content = { ...fragment.content, result: call.result }
  }
  if (call.outcome !== undefined) {
    fragment.outcome = call.outcome
  }
  return fragment
}

function inherit(fragment: { -readonly [K in keyof Fragment]: Fragment[K] }, model: Fragment): void {
  for (const field of [
    'trace_id',
    'session_id',
    'agent',
    'callers',
    'service',
    'principal',
    'subject_chain',
  ] as const) {
    if (model[field] !== undefined) {
      Object.assign(fragment, { [field]: model[field] })
    }
  }
  if (model.span_id !== undefined) {
    fragment.parent_span_id = model.span_id
  }
}

/** Whether a request names a call that is known already, or uses its id again for another one. */
export function isAnotherCall(known: Draft, call: RequestedCall): boolean {
  const request = known.contributions.find(({ rank }) => rank === RANK.requested)?.fragment
  const over = known.event_id !== undefined || known.contributions.some(({ rank }) => rank === RANK.answered)
  if (request === undefined || !over) {
    return false
  }
  const { name } = request.tool ?? {}
  const before = request.content?.arguments
  return (
    (name !== undefined && call.name !== undefined && name !== call.name) ||
    (before !== undefined && call.arguments !== undefined && canonical(before) !== canonical(call.arguments))
  )
}

/** Whether the answer tells something that no record of the call did. */
export function isNews(known: Draft, answer: RequestedCall): boolean {
  const all = known.contributions
  return (
    !all.some(({ rank }) => rank === RANK.answered) &&
    ((answer.outcome !== undefined && answer.outcome !== 'ok') ||
      (answer.result !== undefined && !all.some(({ fragment }) => fragment.content?.result !== undefined)))
  )
}

function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return json
  }
}
