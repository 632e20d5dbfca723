/** How a draft is put together: parts that are absent are left out, and content stays one object. */
import type { Content, Dataset, Tool, Volume } from '../../../schema/telemetry.ts'
import type { AttributeMap, LogRecord, OtlpRecord } from '../../otlp/records.ts'
import { label, num, put } from '../../otlp/values.ts'
import type { FragmentDraft } from '../dialect.ts'
import { type NamedAgent, principalOf, sessionOf } from './identity.ts'
import type { Conversation } from './messages.ts'
import type { Ending } from './outcome.ts'

/** A draft while a dialect fills it. */
export type Draft = { -readonly [Key in keyof FragmentDraft]: FragmentDraft[Key] }

const PIECES = ['prompt', 'arguments', 'result', 'output', 'system_prompt'] as const

/** A draft of a record with the identity that the record itself names. */
export function draftOf(
  record: OtlpRecord,
  role: FragmentDraft['role'],
  operation: FragmentDraft['operation'] | undefined,
  agent: NamedAgent | undefined,
  session: string | undefined = sessionOf(record.attributes),
): Draft {
  const draft: Draft = { role }
  const principal = principalOf(record)
  if (operation !== undefined) {
    draft.operation = operation
  }
  if (session !== undefined) {
    draft.session_id = session
  }
  if (agent !== undefined) {
    draft.agent = agent
  }
  if (principal !== undefined) {
    draft.principal = principal
  }
  return draft
}

/** Texts of a record, without the absent ones; nothing when all are absent. */
export function putContent(
  draft: Draft,
  texts: { readonly [Key in Exclude<keyof Content, 'truncated'>]?: string | undefined },
  truncated = false,
): void {
  for (const key of PIECES) {
    const text = texts[key]
    if (text !== undefined && text !== '') {
      draft.content ??= {}
      draft.content[key] = text
    }
  }
  if (truncated && draft.content !== undefined) {
    draft.content.truncated = true
  }
}

/** A tool without its absent members; nothing when it has no name and no call id. */
export function putTool(draft: Draft, tool: { readonly [Key in keyof Tool]?: Tool[Key] | undefined }): void {
  const { name, call_id, server, definition_hash } = tool
  if (name === undefined && call_id === undefined) {
    return
  }
  const kind = tool.kind ?? (server === undefined ? undefined : 'mcp')
  const found: Partial<Tool> = {}
  if (name !== undefined) {
    found.name = name
  }
  if (kind !== undefined) {
    found.kind = kind
  }
  if (call_id !== undefined) {
    found.call_id = call_id
  }
  if (server !== undefined) {
    found.server = server
  }
  if (definition_hash !== undefined) {
    found.definition_hash = definition_hash
  }
  draft.tool = found
}

/** How it ended. The message of a failed tool call is its result when there is no other. */
export function putEnding(draft: Draft, ending: Ending | undefined): void {
  if (ending === undefined) {
    draft.outcome = 'ok'
    return
  }
  draft.outcome = ending.outcome
  put(draft, 'error_type', ending.error_type)
  if (ending.message !== undefined && draft.operation === 'tool_call' && draft.content?.result === undefined) {
    putContent(draft, { result: ending.message })
  }
}

/** Counts, joined with those already there. */
export function putVolume(draft: Draft, volume: { readonly [Key in keyof Volume]?: Volume[Key] | undefined }): void {
  for (const key in volume) {
    const count = volume[key as keyof Volume]
    if (count !== undefined) {
      draft.volume ??= {}
      draft.volume[key as keyof Volume] = count
    }
  }
}

/** Datasets, when there are any. */
export function putDatasets(draft: Draft, found: readonly Dataset[] | undefined): void {
  if (found !== undefined && found.length > 0) {
    draft.dataset_scope = found
  }
}

/** What a model call was told, said, asked for and was given. */
export function putConversation(draft: Draft, conversation: Conversation): void {
  putContent(
    draft,
    { prompt: conversation.prompt, output: conversation.output, system_prompt: conversation.system },
    conversation.truncated === true,
  )
  if (conversation.calls.length > 0) {
    draft.requested_calls = conversation.calls
  }
  if (conversation.answers.length > 0) {
    draft.answered_calls = conversation.answers
  }
}

/** A log record of something that took time is written when it ended: it began earlier by how long it took. */
export function putLogTiming(draft: Draft, record: LogRecord): void {
  const durationMs = num(record.attributes.get('duration_ms'))
  if (durationMs === undefined || durationMs < 0) {
    return
  }
  draft.duration_ms = durationMs
  if (record.timeMs > durationMs) {
    draft.time_ms = record.timeMs - durationMs
  }
}

/** Attributes that are true for the whole session: connected servers, approval and sandbox policies. */
export function putFacts(draft: Draft, attributes: AttributeMap, keys: readonly string[]): void {
  const facts: Record<string, string> = {}
  for (const key of keys) {
    const value = label(attributes.get(key))
    if (value !== undefined) {
      facts[key] = value
    }
  }
  if (Object.keys(facts).length > 0) {
    draft.attributes = facts
  }
}
