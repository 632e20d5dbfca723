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
  type Token,
  type Volume,
} from '../../schema/telemetry.ts'
import type { FragmentDraft } from '../dialects/dialect.ts'
import type { OtlpRecord } from '../otlp/records.ts'
import { sanitizeAttributes } from './attributes.ts'
import { maskAndCut, type Retention, sanitizeContent } from './content.ts'
import { findDestinations, normalizeDestination } from './destinations.ts'
import { identifier } from './identifier.ts'

/** A fragment under construction. */
export type Building<T> = { -readonly [Key in keyof T]?: T[Key] }

const TECHNIQUE = /^AML\.T\d{4}(?:\.\d{3})?$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/
const COUNTS = ['bytes_in', 'bytes_out', 'rows', 'documents', 'input_tokens', 'output_tokens'] as const

/** Arguments of these name places the agent reaches out to; a query or a conversation merely mentions them. */
const REACHING: ReadonlySet<Operation | undefined> = new Set([
  undefined,
  'tool_call',
  'egress',
  'agent_spawn',
  'token_request',
])

/** Copies what is allowed of `draft` into `target`, sanitized. The links, ids and times are the intake's. */
export function sanitizeDraft(
  draft: FragmentDraft,
  record: OtlpRecord,
  retention: Retention,
  target: Building<Fragment>,
): void {
  copyIdentity(draft, target)
  copyOutcome(draft, target)
  const destinations = allDestinations(draft)
  if (destinations.length > 0) {
    target.destinations = destinations
  }
  const volume = sanitizeVolume(draft)
  if (volume !== undefined) {
    target.volume = volume
  }
  if (draft.content !== undefined) {
    const { content, promptId } = sanitizeContent(draft.content, retention)
    assign(target, 'content', content)
    assign(target, 'prompt_id', promptId)
  }
  const own = draft.role === 'context' ? undefined : record.attributes
  assign(target, 'attributes', sanitizeAttributes(draft.attributes, own))
  assign(target, 'requested_calls', sanitizeCalls(draft.requested_calls, retention))
  assign(target, 'answered_calls', sanitizeCalls(draft.answered_calls, retention))
}

function copyIdentity(draft: FragmentDraft, target: Building<Fragment>): void {
  assign(target, 'session_id', identifier(draft.session_id))
  assign(target, 'agent', identifiers(draft.agent, ['id', 'name', 'version', 'framework', 'owner']))
  assign(target, 'principal', draft.principal && sanitizeSubject(draft.principal))
  assign(target, 'subject_chain', list(draft.subject_chain, sanitizeSubject))
  assign(target, 'dataset_scope', list(draft.dataset_scope, sanitizeDataset))
  assign(target, 'tool', identifiers(draft.tool, ['name', 'kind', 'call_id', 'server', 'definition_hash']))
  if (target.tool?.definition_hash !== undefined && !HASH.test(target.tool.definition_hash)) {
    const { definition_hash: _, ...tool } = target.tool
    target.tool = tool
  }
  assign(target, 'integrity', draft.integrity && sanitizeIntegrity(draft.integrity))
  assign(target, 'token', draft.token && sanitizeToken(draft.token))
  if (draft.approval !== undefined) {
    const by = identifier(draft.approval.by)
    const required = draft.approval.required
    target.approval = { ...(required === undefined ? {} : { required }), ...(by === undefined ? {} : { by }) }
  }
}

function copyOutcome(draft: FragmentDraft, target: Building<Fragment>): void {
  assign(target, 'operation', draft.operation)
  assign(target, 'transport', draft.transport)
  assign(target, 'outcome', draft.outcome)
  assign(target, 'error_type', identifier(draft.error_type && maskAndCut(draft.error_type, CONTENT_LIMIT)))
  assign(target, 'policy_decision', draft.policy_decision)
  if (draft.policy_snapshot !== undefined && UUID.test(draft.policy_snapshot)) {
    target.policy_snapshot = draft.policy_snapshot
  }
  const techniques = list(draft.atlas_mapping, (id) => (TECHNIQUE.test(id) ? id : undefined))
  assign(target, 'atlas_mapping', techniques)
  if (typeof draft.twin === 'string' && draft.twin !== '') {
    target.twin = hash('sha256', draft.twin, 'hex').slice(0, 32)
  }
}

/** Those the dialect saw, and those the arguments name; found before masking, which would hide some of them. */
function allDestinations(draft: FragmentDraft): readonly Destination[] {
  const text = draft.content?.arguments
  const named = typeof text === 'string' && REACHING.has(draft.operation) ? findDestinations(text) : []
  return mergeDestinations(draft.destinations ?? [], named)
}

function mergeDestinations(stated: readonly Destination[], named: readonly Destination[]): readonly Destination[] {
  if (stated.length === 0) {
    return named
  }
  const merged = new Map<string, Destination>()
  for (const destination of [...stated.map(normalizeDestination), ...named]) {
    if (destination !== undefined && merged.size < LIST_LIMIT) {
      const key = JSON.stringify([destination.host, destination.port, destination.scheme, destination.seen_in])
      if (!merged.has(key)) {
        merged.set(key, destination)
      }
    }
  }
  return [...merged.values()]
}

function sanitizeVolume(draft: FragmentDraft): Volume | undefined {
  const volume: Volume = {}
  for (const count of COUNTS) {
    const value = draft.volume?.[count]
    if (isAmount(value)) {
      volume[count] = Math.round(value)
    }
  }
  if (isAmount(draft.volume?.cost_usd)) {
    volume.cost_usd = draft.volume.cost_usd
  }
  const { arguments: given, result } = draft.content ?? {}
  if (volume.bytes_in === undefined && typeof given === 'string') {
    volume.bytes_in = Buffer.byteLength(given)
  }
  if (volume.bytes_out === undefined && typeof result === 'string') {
    volume.bytes_out = Buffer.byteLength(result)
  }
  return Object.keys(volume).length === 0 ? undefined : volume
}

function isAmount(value: number | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function sanitizeSubject(subject: Subject): Subject | undefined {
  const id = identifier(subject.id)
  const name = identifier(subject.name)
  return id === undefined ? undefined : { kind: subject.kind, id, ...(name === undefined ? {} : { name }) }
}

function sanitizeDataset(dataset: Dataset): Dataset | undefined {
  const id = identifier(dataset.id)
  const tenant = identifier(dataset.tenant)
  const { classification } = dataset
  return id === undefined
    ? undefined
    : {
        id,
        ...(classification === undefined ? {} : { classification }),
        ...(tenant === undefined ? {} : { tenant }),
      }
}

function sanitizeIntegrity(integrity: Integrity): Integrity | undefined {
  const kept: Integrity = {}
  for (const key of ['system_prompt_hash', 'tool_manifest_hash'] as const) {
    const value = integrity[key]
    if (typeof value === 'string' && HASH.test(value)) {
      kept[key] = value
    }
  }
  for (const key of ['knowledge_base_version', 'model'] as const) {
    assign(kept, key, identifier(integrity[key]))
  }
  return Object.keys(kept).length === 0 ? undefined : kept
}

function sanitizeToken(token: Token): Token {
  const kept: Token = {}
  assign(kept, 'scopes_requested', list(token.scopes_requested, identifier))
  assign(kept, 'scopes_granted', list(token.scopes_granted, identifier))
  assign(kept, 'audience', identifier(token.audience))
  if (typeof token.lifetime_s === 'number' && token.lifetime_s >= 0 && Number.isFinite(token.lifetime_s)) {
    kept.lifetime_s = token.lifetime_s
  }
  return kept
}

function sanitizeCalls(
  calls: readonly RequestedCall[] | undefined,
  retention: Retention,
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
    const destinations = call.arguments === undefined ? [] : findDestinations(call.arguments)
    if (destinations.length > 0) {
      kept.destinations = destinations
    }
    if (retention === 'masked') {
      assign(kept, 'arguments', call.arguments && maskAndCut(call.arguments, CONTENT_LIMIT))
      assign(kept, 'result', call.result && maskAndCut(call.result, CONTENT_LIMIT))
    }
    return kept
  })
}

/** The named texts of a record as identifiers; `undefined` when none remains. */
function identifiers<T extends object, Key extends keyof T & string>(
  from: T | undefined,
  keys: readonly Key[],
): { [K in Key]?: string } | undefined {
  const kept: { [K in Key]?: string } = {}
  let any = false
  for (const key of keys) {
    const value = from?.[key]
    const name = typeof value === 'string' ? identifier(value) : undefined
    if (name !== undefined) {
      kept[key] = name
      any = true
    }
  }
  return any ? kept : undefined
}

/** At most `LIST_LIMIT` members that survive `sanitize`; `undefined` when none does. */
function list<T, U>(
  members: readonly T[] | undefined,
  sanitize: (member: T) => U | undefined,
): NonNullable<U>[] | undefined {
  const kept: NonNullable<U>[] = []
  for (const member of members ?? []) {
    const sane = kept.length < LIST_LIMIT ? sanitize(member) : undefined
    if (sane !== undefined && sane !== null) {
      kept.push(sane)
    }
  }
  return kept.length === 0 ? undefined : kept
}

function assign<T extends object, Key extends keyof T>(target: T, key: Key, value: T[Key] | undefined): void {
  if (value !== undefined) {
    target[key] = value
  }
}
