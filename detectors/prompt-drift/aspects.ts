/** What one event shows of what its agent is made of, as values that can be compared. */
import { hash } from 'node:crypto'
import { CONTENT_LIMIT, type Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'

/** A parameter is an aspect by its own name: `parameter:temperature`. */
export type AspectName = 'system_prompt' | 'models' | 'knowledge_base' | `parameter:${string}`

export interface AspectValue {
  readonly aspect: AspectName
  /** As pins name it: the whole hash, the model, the number as text. */
  readonly value: string
  /** Of a system prompt whose text is known: equal for texts that differ in dates and numbers alone. */
  readonly shape?: string
}

const PARAMETER = 'gen_ai.request.'
/** Parameters that an operator sets once; others (seeds, lengths) belong to the single request. */
const STEADY: readonly string[] = ['temperature', 'top_p', 'top_k', 'frequency_penalty', 'presence_penalty']

/** @param pinned names of parameters that the policy pins, which are judged whatever they are. */
export function aspectsOf(event: Telemetry, pinned: readonly string[]): readonly AspectValue[] {
  const { integrity, content, attributes } = event
  const found: AspectValue[] = []
  if (integrity.system_prompt_hash !== undefined) {
    const text = content?.system_prompt
    // What was cut may have changed behind its end.
    const isWhole = text !== undefined && text !== '' && text.length < CONTENT_LIMIT && content?.truncated !== true
    const shape = isWhole ? { shape: shapes.of(text) } : {}
    found.push({ aspect: 'system_prompt', value: integrity.system_prompt_hash, ...shape })
  }
  if (integrity.model !== undefined) {
    found.push({ aspect: 'models', value: integrity.model })
  }
  if (integrity.knowledge_base_version !== undefined) {
    found.push({ aspect: 'knowledge_base', value: integrity.knowledge_base_version })
  }
  for (const name of pinned.length === 0 ? STEADY : new Set([...STEADY, ...pinned])) {
    const value = attributes[PARAMETER + name]
    if (typeof value === 'number') {
      found.push({ aspect: `parameter:${name}`, value: String(value) })
    }
  }
  return found
}

const REMEMBERED = 512 * 1024
const shapes = new TextMemory(shapeOf, REMEMBERED, 'first')

const CALENDAR = new Set(
  (
    'january february march april may june july august september october november december jan feb mar apr jun jul aug ' +
    'sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun am pm utc gmt'
  ).split(' '),
)

/** `2026`, `3rd`, `22t10`, `30z`; a word with digits inside is a word. */
const NUMBER = /^\p{N}+(?:st|nd|rd|th|am|pm|z|h|t\p{N}+)?$/u

/** 16 hexadecimal characters of the words that are neither numbers nor of the calendar. */
function shapeOf(text: string): string {
  const words = text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && !NUMBER.test(word) && !CALENDAR.has(word))
  return hash('sha256', words.join(' '), 'hex').slice(0, 16)
}
