/**
 * Messages that were flattened into attributes (`gen_ai.prompt.0.role`, `llm.input_messages.0.message.role`). They are
 * found by asking for the next index, never by turning keys of the sender into object paths.
 */

import type { AttributeMap } from '../../otlp/records.ts'
import { asJson, type Json, label, plain } from '../../otlp/values.ts'

/** The most messages, blocks of a message, and calls of a message that are read. */
const MESSAGE_LIMIT = 256
const BLOCK_LIMIT = 32

/** Reads `prefix + N + '.role'`, `.content`, `.tool_call_id`, `.finish_reason`, `.tool_calls.M.{id,name,arguments}`. */
export function flatMessages(attributes: AttributeMap, prefix: string): readonly Json[] {
  return indexed(MESSAGE_LIMIT, (index) => {
    const at = `${prefix}${index}.`
    const role = attributes.get(`${at}role`)
    const content = attributes.get(`${at}content`)
    const reason = attributes.get(`${at}finish_reason`)
    const first = attributes.get(`${at}tool_calls.0.name`)
    if (role === undefined && content === undefined && reason === undefined && first === undefined) {
      return undefined
    }
    return message({
      role: label(role),
      content: content === undefined ? undefined : blocks(content),
      tool_call_id: label(attributes.get(`${at}tool_call_id`)),
      finish_reason: label(reason),
      tool_calls: indexed(BLOCK_LIMIT, (call) =>
        flatCall(
          attributes.get(`${at}tool_calls.${call}.id`),
          attributes.get(`${at}tool_calls.${call}.name`),
          attributes.get(`${at}tool_calls.${call}.arguments`),
        ),
      ),
    })
  })
}

/** Reads OpenInference's `prefix + N + '.message.*'`. */
export function openInferenceMessages(attributes: AttributeMap, prefix: string): readonly Json[] {
  return indexed(MESSAGE_LIMIT, (index) => {
    const at = `${prefix}${index}.message.`
    const role = attributes.get(`${at}role`)
    const content = attributes.get(`${at}content`)
    if (role === undefined && content === undefined) {
      return undefined
    }
    const parts = indexed(BLOCK_LIMIT, (part) => {
      const said = attributes.get(`${at}contents.${part}.message_content.text`)
      return said === undefined && !attributes.has(`${at}contents.${part}.message_content.type`)
        ? undefined
        : { type: 'text', text: plain(said) }
    })
    return message({
      role: label(role),
      content: content === undefined || content === '' ? parts : plain(content),
      tool_call_id: label(attributes.get(`${at}tool_call_id`)),
      tool_calls: indexed(BLOCK_LIMIT, (call) => {
        const of = `${at}tool_calls.${call}.tool_call.`
        return flatCall(
          attributes.get(`${of}id`),
          attributes.get(`${of}function.name`),
          attributes.get(`${of}function.arguments`),
        )
      }),
    })
  })
}

// Content may be a JSON list of blocks in a string; a string that is a JSON object or number is what was said.
function blocks(content: Parameters<typeof plain>[0]): Json {
  const node = typeof content === 'string' && content.startsWith('[') ? asJson(content) : undefined
  return Array.isArray(node) ? node : plain(content)
}

function flatCall(...parts: readonly Parameters<typeof plain>[0][]): Json | undefined {
  const [id, name, given] = parts
  return id === undefined && name === undefined
    ? undefined
    : { type: 'tool_call', id: plain(id), name: plain(name), arguments: plain(given) }
}

function message(members: { readonly [key: string]: Json | undefined }): Json {
  const found: Record<string, Json> = {}
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
      found[key] = value
    }
  }
  return found
}

function indexed(limit: number, read: (index: number) => Json | undefined): readonly Json[] {
  const found: Json[] = []
  for (let index = 0; index < limit; index++) {
    const entry = read(index)
    if (entry === undefined) {
      break
    }
    found.push(entry)
  }
  return found
}
