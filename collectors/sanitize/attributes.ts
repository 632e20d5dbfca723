/**
 * What remains of a record's attributes, for rules: flat, scalar, masked, bounded.
 *
 * Content has its own field with its own limit, so attributes that carry it are not kept a second time here; nor are
 * those that only repeat another field (`said.ts`).
 */

import { cut } from '../../schema/cut.ts'
import { ATTRIBUTE_LIMIT, ATTRIBUTE_VALUE_LIMIT, type Attributes } from '../../schema/telemetry.ts'
import type { AttributeMap, AttributeValue } from '../otlp/records.ts'
import { maskAndCut } from './content.ts'
import { identifier } from './identifier.ts'
import { type Field, fieldOf, type Saying } from './said.ts'
import { isSecretName } from './secret-names.ts'
import { words } from './words.ts'

const KEY_LIMIT = 256

/** What to do with the values of a key. Numbers and booleans of a content key stay: they are sizes and flags. */
type Treatment = 'keep' | 'content' | 'address' | 'secret'

/** Prompts, arguments, results, definitions, headers, statements, environments: by whole key. */
const CONTENT_KEYS = words(
  `all_messages_events arguments args body bash_command completion content db.query.text db.statement events
  exception.stacktrace file_content full_command function_args function_response gen_ai.agent.tools
  gen_ai.system_instructions gen_ai.tool.definitions graphql.document input lg_tool_call.args llm.prompts
  llm.invocation_parameters log.record.original message metadata model_request_parameters new_context output
  process.command_args process.command_line prompt query request request_body request_text response
  response_body response_text result stacktrace stderr stdout system_prompt telltale.subject_chain
  telltale.dataset_scope text thinking tool.json_schema tool.parameters tool_arguments tool_input tool_output
  tool_parameters tool_response tool_result user_message user_prompt`,
)
/** The same, by how the key begins. */
const CONTENT_PREFIXES = [
  'ai.prompt',
  'ai.request.',
  'ai.response.object',
  'ai.response.reasoning',
  'ai.response.text',
  'ai.response.toolCalls',
  'ai.result.',
  'ai.toolCall.args',
  'ai.toolCall.result',
  'db.postgresql.values',
  'db.query.parameter',
  'embedding.embeddings',
  'gcp.vertex.agent.data',
  'gcp.vertex.agent.llm_re',
  'gcp.vertex.agent.tool_',
  'gen_ai.completion',
  'gen_ai.prompt',
  'http.request.header.',
  'http.response.header.',
  'input.value',
  'langsmith.metadata.',
  'llm.input_messages',
  'llm.output_messages',
  'llm.tools',
  'output.value',
  'retrieval.documents',
  'traceloop.entity.input',
  'traceloop.entity.output',
] as const
/** The same, by how the key ends. */
const CONTENT_SUFFIX = /(?:[._](?:messages?|arguments|results?|content|documents|definitions|contents)|\.query\.text)$/
const NOT_CONTENT: ReadonlySet<string> = new Set(['gen_ai.prompt.name'])
/** URLs keep everything but who signs in and what is asked: userinfo and query are where credentials travel. */
const ADDRESS_KEY = /^(?:url\.(?:full|path|original)|http\.(?:url|target|route)|.*[._]ur[il])$/
const QUERY_KEY = /^url\.query$/

/**
 * An object that inherits nothing, so that a key such as `__proto__` is one like any other. Made by a constructor
 * because objects made by `Object.create(null)` are several times slower to fill, read and write as JSON.
 */
const Bare = function Bare() {} as unknown as new () => Attributes
Bare.prototype = Object.create(null)

interface KnownKey {
  /** Empty when nothing of the key can be kept. */
  readonly key: string
  readonly treatment: Treatment
  /** What may say the same. */
  readonly field: Field | undefined
}
const REMEMBERED_KEYS = 4096
const knownKeys = new Map<string, KnownKey>()

/**
 * The attributes to keep: those a dialect chose first, then the record's own, until the limit.
 *
 * @param record `undefined` when the record's own attributes say nothing worth keeping (context).
 * @param said the fields that the record has already.
 */
export function sanitizeAttributes(
  chosen: Attributes | undefined,
  record: AttributeMap | undefined,
  said: Saying,
): Attributes | undefined {
  const kept: Attributes = new Bare()
  let count = 0
  const add = (key: string, value: AttributeValue, isRecords: boolean): void => {
    if (count >= ATTRIBUTE_LIMIT) {
      return
    }
    const known = knownKey(key)
    if (isRecords && known?.field !== undefined && known.field(said) === value) {
      return
    }
    const scalar = known === undefined || known.key in kept ? undefined : sanitizeValue(value, known.treatment)
    if (known !== undefined && scalar !== undefined) {
      kept[known.key] = scalar
      count += 1
    }
  }
  if (chosen !== undefined) {
    for (const [key, value] of Object.entries(chosen)) {
      add(key, value, false)
    }
  }
  record?.forEach((value, key) => {
    add(key, value, true)
  })
  return count === 0 ? undefined : kept
}

function knownKey(key: string): KnownKey | undefined {
  const known = knownKeys.get(key) ?? learnKey(key)
  return known.key === '' ? undefined : known
}

function learnKey(key: string): KnownKey {
  const kept = cut(identifier(cut(key, KEY_LIMIT)) ?? '', KEY_LIMIT)
  const known = { key: kept, treatment: treatmentOf(key), field: fieldOf(key) }
  if (knownKeys.size >= REMEMBERED_KEYS) {
    knownKeys.clear()
  }
  knownKeys.set(key, known)
  return known
}

function treatmentOf(key: string): Treatment {
  if (QUERY_KEY.test(key)) {
    return 'content'
  }
  if (ADDRESS_KEY.test(key)) {
    return 'address'
  }
  if (NOT_CONTENT.has(key)) {
    return 'keep'
  }
  if (CONTENT_KEYS.has(key) || CONTENT_SUFFIX.test(key) || CONTENT_PREFIXES.some((prefix) => key.startsWith(prefix))) {
    return 'content'
  }
  return isSecretName(key) ? 'secret' : 'keep'
}

function sanitizeValue(value: AttributeValue, treatment: Treatment): string | number | boolean | undefined {
  if (treatment === 'secret') {
    return value === undefined || typeof value === 'boolean' ? value : '[masked:secret]'
  }
  if (typeof value === 'string') {
    return treatment === 'content' || value === '' ? undefined : sanitizeString(value, treatment)
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? sanitizeNumber(value) : undefined
  }
  if (typeof value === 'bigint') {
    return sanitizeString(String(value), treatment)
  }
  if (typeof value === 'boolean') {
    return value
  }
  return treatment === 'keep' && isShortList(value) ? sanitizeString(value.join(', '), treatment) : undefined
}

/** A card number fits into an integer, too; nothing shorter than one is worth a look. */
function sanitizeNumber(value: number): number | string {
  if (value < 1e11) {
    return value
  }
  const text = String(value)
  const masked = maskAndCut(` ${text}`, ATTRIBUTE_VALUE_LIMIT).trim()
  return masked === text ? value : masked
}

function sanitizeString(value: string, treatment: Treatment): string {
  const shown = treatment === 'address' ? withoutQuery(value) : value
  return maskAndCut(shown, ATTRIBUTE_VALUE_LIMIT)
}

function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

/** Lists of a few names, like finish reasons. Lists of text are content in disguise. */
function isShortList(value: AttributeValue): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= 16 &&
    value.every((member) => typeof member === 'string' && member.length <= 64)
  )
}
