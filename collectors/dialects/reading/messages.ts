/**
 * Conversations: what a model was told, what it said, which calls it asked for and which answers it was given.
 */
import type { RequestedCall } from '../../../schema/fragment.ts'
import { readCutJson } from '../../otlp/cut-json.ts'
import type { AttributeValue } from '../../otlp/records.ts'
import { asJson, type Json, LIST_READ_LIMIT, put, text, wasCutAtSource } from '../../otlp/values.ts'
import { Walk } from './walk.ts'

/** What was found in messages. Texts are raw, at most `TEXT_LIMIT` long. */
export interface Conversation {
  /** The latest text of the user. */
  prompt?: string
  /** System and developer instructions. */
  system?: string
  /** What the assistant said. */
  output?: string
  /** Calls that the assistant asked for, at most `LIST_READ_LIMIT`, the latest when there are more. */
  calls: RequestedCall[]
  /** Results that were handed back, likewise. */
  answers: RequestedCall[]
  /** The last reason that the model gave for stopping. */
  finishReason?: string
  /** True when the text was no JSON although it began like it, or was cut by the sender. */
  truncated?: true
}

/**
 * Reads messages handed to a model (`input`) or written by one (`output`: whatever role they carry, they are the
 * assistant's). Messages may be a JSON string, a kvlist or plain text.
 */
export function readMessages(value: AttributeValue | Json, direction: 'input' | 'output'): Conversation {
  const walk = new Walk(direction)
  let node = asJson(value)
  const cut = typeof value === 'string' && typeof node === 'string' && (/^\s*[[{]/.test(value) || wasCutAtSource(value))
  if (cut) {
    node = readCutJson(value) ?? node
  }
  if (node !== undefined) {
    walk.visit(node, direction === 'input' ? 'user' : 'assistant', 0)
  }
  const found = walk.finish()
  if (cut) {
    found.truncated = true
  }
  return found
}

/** Messages handed to a model. What the assistant said and asked for in them is history and left out. */
export function readInput(value: AttributeValue | Json): Conversation {
  const { prompt, system, answers, truncated } = readMessages(value, 'input')
  const found: Conversation = { calls: [], answers }
  put(found, 'prompt', prompt)
  put(found, 'system', system)
  put(found, 'truncated', truncated)
  return found
}

/**
 * What an agent answered, from its result: a text, or a whole transcript of which the latest text of the assistant
 * counts.
 */
export function readAnswer(value: AttributeValue | Json): string | undefined {
  const node = asJson(value)
  const transcript = typeof node === 'object' ? readMessages(node, 'input').output : undefined
  return transcript ?? readMessages(node ?? null, 'output').output
}

/** Joins what several sources said; the later one wins where both speak. */
export function joinConversations(...conversations: readonly Conversation[]): Conversation {
  const joined: Conversation = { calls: [], answers: [] }
  for (const said of conversations) {
    put(joined, 'prompt', said.prompt)
    put(joined, 'system', said.system)
    put(joined, 'output', said.output)
    put(joined, 'finishReason', said.finishReason)
    put(joined, 'truncated', said.truncated)
    joined.calls = joinLists(joined.calls, said.calls)
    joined.answers = joinLists(joined.answers, said.answers)
  }
  return joined
}

function joinLists(first: RequestedCall[], second: RequestedCall[]): RequestedCall[] {
  return second.length === 0 ? first : first.length === 0 ? second : [...first, ...second].slice(-LIST_READ_LIMIT)
}

/** System instructions: a string, a JSON string of one, or text parts. */
export function systemText(value: AttributeValue): string | undefined {
  const node = asJson(value)
  if (node === undefined) {
    return undefined
  }
  if (typeof node !== 'object') {
    return text(node)
  }
  return readMessages(node, 'output').output
}
