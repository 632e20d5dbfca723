/**
 * A draft made fit to leave the collector: every text masked, every name printable, every list and number within
 * the schema's bounds. What a dialect says is made of what a stranger sent; nothing of it is trusted here.
 */
import { hash } from 'node:crypto'
import type { Fragment, RequestedCall } from '../../schema/fragment.ts'
import {
  CONTENT_LIMIT,
  type Dataset,
  type Destination,
  type Integrity,
  LIST_LIMIT,
  type Operation,
  type Subject,
  type Tool,
  type Volume,
} from '../../schema/telemetry.ts'
import { graver } from '../dataset-operation.ts'
import type { FragmentDraft } from '../dialects/dialect.ts'
import type { OtlpRecord } from '../otlp/records.ts'
import { sanitizeAgent } from './agent.ts'
import { type NamedInArguments, readArguments } from './arguments.ts'
import { sanitizeAttributes } from './attributes.ts'
import { sanitizeApproval, sanitizeToken } from './authority.ts'
import { type ContentKeeper, maskAndCut } from './content.ts'
import { normalizeDestination } from './destinations.ts'
import { identifier, toolName } from './identifier.ts'
import { assign, list } from './parts.ts'
import { sanitizeDefinitions } from './tool-definitions.ts'

/** A fragment under construction. */
export type Building<T> = { -readonly [Key in keyof T]?: T[Key] }

const TECHNIQUE = /^AML\.T\d{4}(?:\.\d{3})?$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/
const COUNTS = ['bytes_in', 'bytes_out', 'rows', 'documents', 'input_tokens', 'output_tokens'] as const

/** Arguments of these name what the agent reaches out to; a query or a conversation merely mentions it. */
const REACHING: ReadonlySet<Operation | undefined> = new Set([
  undefined,
  'tool_call',
  'egress',
  'agent_spawn',
  'token_request',
])

const NOTHING: NamedInArguments = { destinations: [], datasets: [] }

/** Copies what is allowed of `draft` into `target`, sanitized. The links, ids and times are the intake's. */
export function sanitizeDraft(
  draft: FragmentDraft,
  record: OtlpRecord,
  keeper: ContentKeeper,
  target: Building<Fragment>,
): void {
  copyIdentity(draft, target)
  copyOutcome(draft, target)
  copyNamed(draft, target)
  const volume = sanitizeVolume(draft)
  if (volume !== undefined) {
    target.volume = volume
  }
  if (draft.content !== undefined) {
    const { content, promptId } = keeper.content(draft.content)
    assign(target, 'content', content)
    assign(target, 'prompt_id', promptId)
  }
  const attributes = sanitizeAttributes(
    draft.attributes,
    draft.role === 'context' ? undefined : record.attributes,
    target,
  )
  if (attributes !== undefined) {
    target.attributes = attributes
  }
  if (draft.requested_calls !== undefined) {
    assign(target, 'requested_calls', sanitizeCalls(draft.requested_calls, keeper))
  }
  if (draft.answered_calls !== undefined) {
    assign(target, 'answered_calls', sanitizeCalls(draft.answered_calls, keeper))
  }
}

// Most members of a draft are absent, and every record comes through here: what is absent is not even asked about.
function copyIdentity(draft: FragmentDraft, target: Building<Fragment>): void {
  const session = identifier(draft.session_id)
  if (session !== undefined) {
    target.session_id = session
  }
  if (draft.agent !== undefined) {
    assign(target, 'agent', sanitizeAgent(draft.agent))
  }
  if (draft.tool !== undefined) {
    assign(target, 'tool', sanitizeTool(draft.tool))
  }
  if (draft.integrity !== undefined) {
    assign(target, 'integrity', sanitizeIntegrity(draft.integrity))
  }
  if (draft.principal !== undefined) {
    assign(target, 'principal', sanitizeSubject(draft.principal))
  }
  if (draft.callers !== undefined) {
    assign(target, 'callers', list(draft.callers, sanitizeSubject))
  }
  if (draft.subject_chain !== undefined) {
    assign(target, 'subject_chain', list(draft.subject_chain, sanitizeSubject))
  }
  if (draft.token !== undefined) {
    target.token = sanitizeToken(draft.token)
  }
  if (draft.approval !== undefined) {
    target.approval = sanitizeApproval(draft.approval)
  }
}

function copyOutcome(draft: FragmentDraft, target: Building<Fragment>): void {
  if (draft.operation !== undefined) {
    target.operation = draft.operation
  }
  if (draft.transport !== undefined) {
    target.transport = draft.transport
  }
  if (draft.outcome !== undefined) {
    target.outcome = draft.outcome
  }
  if (draft.error_type !== undefined) {
    assign(target, 'error_type', identifier(maskAndCut(draft.error_type, CONTENT_LIMIT)))
  }
  if (draft.policy_decision !== undefined) {
    target.policy_decision = draft.policy_decision
  }
  if (draft.policy_snapshot !== undefined && UUID.test(draft.policy_snapshot)) {
    target.policy_snapshot = draft.policy_snapshot
  }
  if (draft.atlas_mapping !== undefined) {
    assign(
      target,
      'atlas_mapping',
      list(draft.atlas_mapping, (id) => (TECHNIQUE.test(id) ? id : undefined)),
    )
  }
  if (typeof draft.twin === 'string' && draft.twin !== '') {
    target.twin = hash('sha256', draft.twin, 'hex').slice(0, 32)
  }
}

/** What the dialect saw, and what the arguments name; found before masking, which would hide some of it. */
function copyNamed(draft: FragmentDraft, target: Building<Fragment>): void {
  const text = draft.content?.arguments
  const named = typeof text === 'string' && REACHING.has(draft.operation) ? readArguments(text) : NOTHING
  const destinations =
    draft.destinations === undefined ? named.destinations : mergeDestinations(draft.destinations, named.destinations)
  if (destinations.length > 0) {
    target.destinations = destinations
  }
  if (draft.dataset_scope !== undefined || named.datasets.length > 0) {
    assign(target, 'dataset_scope', mergeDatasets(list(draft.dataset_scope, sanitizeDataset), named.datasets))
  }
}

/** A dataset that is named in arguments, too, keeps what was said of it elsewhere. */
function mergeDatasets(
  stated: readonly Dataset[] | undefined,
  named: readonly Dataset[],
): readonly Dataset[] | undefined {
  const merged: Dataset[] = [...(stated ?? [])]
  for (const dataset of named) {
    const known = merged.findIndex(({ id }) => id === dataset.id)
    const operation = graver(merged[known]?.operation, dataset.operation)
    if (known >= 0) {
      merged[known] = { ...(merged[known] as Dataset), ...(operation === undefined ? {} : { operation }) }
    } else if (merged.length < LIST_LIMIT) {
      merged.push(dataset)
    }
  }
  return merged.length === 0 ? undefined : merged
}

function mergeDestinations(stated: readonly Destination[], named: readonly Destination[]): readonly Destination[] {
  const merged: Destination[] = []
  for (const destination of stated) {
    addDestination(merged, normalizeDestination(destination))
  }
  for (const destination of named) {
    addDestination(merged, destination)
  }
  return merged
}

function addDestination(merged: Destination[], added: Destination | undefined): void {
  if (added === undefined || merged.length >= LIST_LIMIT) {
    return
  }
  for (const known of merged) {
    if (
      known.host === added.host &&
      known.port === added.port &&
      known.scheme === added.scheme &&
      known.seen_in === added.seen_in
    ) {
      return
    }
  }
  merged.push(added)
}

/** Sizes the emitter did not state are counted, unless it shows only a part of what there was. */
function sanitizeVolume({ volume: stated, content }: FragmentDraft): Volume | undefined {
  const volume: Volume = {}
  let any = false
  if (stated !== undefined) {
    for (const count of COUNTS) {
      const value = stated[count]
      if (isAmount(value)) {
        volume[count] = Math.round(value)
        any = true
      }
    }
    if (isAmount(stated.cost_usd)) {
      volume.cost_usd = stated.cost_usd
      any = true
    }
  }
  if (content !== undefined && content.truncated !== true) {
    if (volume.bytes_in === undefined && typeof content.arguments === 'string') {
      volume.bytes_in = Buffer.byteLength(content.arguments)
      any = true
    }
    if (volume.bytes_out === undefined && typeof content.result === 'string') {
      volume.bytes_out = Buffer.byteLength(content.result)
      any = true
    }
  }
  return any ? volume : undefined
}

function isAmount(value: number | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function sanitizeTool(tool: Partial<Tool>): Partial<Tool> | undefined {
  const kept: Partial<Tool> = {}
  const name = toolName(tool.name)
  const kind = identifier(tool.kind)
  const callId = identifier(tool.call_id)
  const server = identifier(tool.server)
  const hashed = tool.definition_hash
  if (name !== undefined) {
    kept.name = name
  }
  if (kind !== undefined) {
    kept.kind = kind
  }
  if (callId !== undefined) {
    kept.call_id = callId
  }
  if (server !== undefined) {
    kept.server = server
  }
  const definition = hashed !== undefined && HASH.test(hashed) ? hashed : undefined
  if (definition !== undefined) {
    kept.definition_hash = definition
  }
  return (name ?? kind ?? callId ?? server ?? definition) === undefined ? undefined : kept
}

function sanitizeSubject(subject: Subject): Subject | undefined {
  const id = identifier(subject.id)
  const name = identifier(subject.name)
  return id === undefined ? undefined : { kind: subject.kind, id, ...(name === undefined ? {} : { name }) }
}

function sanitizeDataset(dataset: Dataset): Dataset | undefined {
  const id = identifier(dataset.id)
  const tenant = identifier(dataset.tenant)
  const { classification, operation } = dataset
  return id === undefined
    ? undefined
    : {
        id,
        ...(classification === undefined ? {} : { classification }),
        ...(tenant === undefined ? {} : { tenant }),
        ...(operation === undefined ? {} : { operation }),
      }
}

function sanitizeIntegrity(integrity: Integrity): Integrity | undefined {
  const kept: Integrity = {}
  const { system_prompt_hash: system, tool_manifest_hash: manifest } = integrity
  const model = identifier(integrity.model)
  const version = identifier(integrity.knowledge_base_version)
  if (system !== undefined && HASH.test(system)) {
    kept.system_prompt_hash = system
  }
  if (manifest !== undefined && HASH.test(manifest)) {
    kept.tool_manifest_hash = manifest
  }
  if (integrity.tools !== undefined) {
    assign(kept, 'tools', sanitizeDefinitions(integrity.tools))
  }
  if (version !== undefined) {
    kept.knowledge_base_version = version
  }
  if (model !== undefined) {
    kept.model = model
  }
  return Object.keys(kept).length === 0 ? undefined : kept
}

function sanitizeCalls(
  calls: readonly RequestedCall[] | undefined,
  keeper: ContentKeeper,
): readonly RequestedCall[] | undefined {
  return list(calls, (call) => {
    const callId = identifier(call.call_id)
    if (callId === undefined) {
      return undefined
    }
    const kept: Building<RequestedCall> & { call_id: string } = { call_id: callId }
    assign(kept, 'name', identifier(call.name))
    assign(kept, 'server', identifier(call.server))
    assign(kept, 'outcome', call.outcome)
    const { destinations, datasets } = call.arguments === undefined ? NOTHING : readArguments(call.arguments)
    if (destinations.length > 0) {
      kept.destinations = destinations
    }
    if (datasets.length > 0) {
      kept.dataset_scope = datasets
    }
    assign(kept, 'arguments', keeper.text(call.arguments))
    assign(kept, 'result', keeper.text(call.result))
    return kept
  })
}
