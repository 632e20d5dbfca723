/**
 * What an agent is made of: hashes of its tool definitions and of its system prompt.
 *
 * Definitions repeat on every model call (25 KB each time is common), so a text is parsed and hashed once and its
 * hash remembered. Remembering is not state: the same text always gives the same hash.
 */
import { hash } from 'node:crypto'
import { TextMemory } from '../../../schema/text-memory.ts'
import type { AttributeValue } from '../../otlp/records.ts'
import { asJson, DEPTH_LIMIT, field, fieldLabel, type Json, jsonText, text } from '../../otlp/values.ts'

/** The most definitions of one manifest that are hashed. */
const DEFINITION_LIMIT = 512
/** UTF-16 units of the system prompts, manifests and descriptions whose hash is remembered, each. */
const REMEMBERED = 2 * 1024 * 1024

/** SHA-256 of a text, hexadecimal. */
export function sha256(content: string): string {
  return hash('sha256', content, 'hex')
}

/** SHA-256 of a system prompt. */
export function systemPromptHash(prompt: string): string {
  return systemPrompts.of(prompt)
}

const systemPrompts = new TextMemory(sha256, REMEMBERED)

/**
 * Hash of the tools offered to a model: of name, description and parameters of each, sorted by name, so that neither
 * the order nor the convention they are written in matters. `undefined` when none can be read.
 */
export function manifestHash(value: AttributeValue): string | undefined {
  const written = typeof value === 'string' ? value : text(value)
  return written === undefined ? undefined : manifests.of(written)
}

/** Hash of one tool's definition, comparable with what `manifestHash` takes together. */
export function definitionHash(definition: Json): string {
  return sha256(canonical(definition))
}

/** The same for a tool of which only the description is known, as often as it is called. */
export function descriptionHash(name: string, description: string): string {
  return descriptions.of(JSON.stringify([name, description]))
}

const descriptions = new TextMemory((written) => {
  const [name, description] = JSON.parse(written) as [string, string]
  return definitionHash({ name, description })
}, REMEMBERED)

/** JSON with sorted keys and no spaces: equal values give equal text. */
export function canonical(node: Json, depth = 0): string {
  if (typeof node !== 'object' || node === null) {
    return JSON.stringify(node) ?? 'null'
  }
  if (depth > DEPTH_LIMIT) {
    return 'null'
  }
  if (Array.isArray(node)) {
    return `[${node.map((entry) => canonical(entry, depth + 1)).join(',')}]`
  }
  const object = node as { readonly [key: string]: Json }
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key] ?? null, depth + 1)}`)
  return `{${members.join(',')}}`
}

const manifests = new TextMemory((written): string | undefined => {
  const definitions = readDefinitions(asJson(written))
  if (definitions.length === 0) {
    return undefined
  }
  const lines = definitions.map((definition) => canonical(definition)).sort()
  return sha256(lines.join('\n'))
}, REMEMBERED)

/** Name, description and parameters of every definition, whichever of the four shapes they are in. */
export function readDefinitions(node: Json | undefined): readonly Json[] {
  const list = Array.isArray(node) ? node : (field(node, 'tools') ?? field(node, 'function_tools'))
  if (!Array.isArray(list)) {
    return []
  }
  const found: Json[] = []
  for (const raw of list.slice(0, DEFINITION_LIMIT)) {
    // `ai.prompt.tools` is a list of strings, each the JSON of one definition.
    const entry = typeof raw === 'string' ? (asJson(raw) ?? raw) : raw
    const declarations = field(entry, 'functionDeclarations') ?? field(entry, 'function_declarations')
    if (Array.isArray(declarations)) {
      found.push(...declarations.slice(0, DEFINITION_LIMIT).flatMap(readDefinition))
    } else {
      found.push(...readDefinition(entry))
    }
  }
  return found
}

function readDefinition(entry: Json): readonly Json[] {
  const inner = field(entry, 'function') ?? field(entry, 'toolSpec') ?? entry
  const name = typeof inner === 'string' ? inner : fieldLabel(inner, 'name')
  if (name === undefined) {
    return []
  }
  const parameters =
    field(inner, 'parameters') ??
    field(inner, 'inputSchema') ??
    field(inner, 'input_schema') ??
    field(inner, 'parametersJsonSchema') ??
    field(inner, 'parameters_json_schema') ??
    null
  return [{ name, description: jsonText(field(inner, 'description')) ?? '', parameters }]
}
