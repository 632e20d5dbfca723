/**
 * What an agent is made of: hashes of its tool definitions and of its system prompt.
 *
 * Definitions repeat on every model call (25 KB each time is common), so a text is parsed and hashed once and its
 * hash remembered. Remembering is not state: the same text always gives the same hash.
 */
import { hash } from 'node:crypto'
import { type Integrity, TOOLS_LIMIT, type ToolDefinition } from '../../../schema/telemetry.ts'
import { TextMemory } from '../../../schema/text-memory.ts'
import type { AttributeValue } from '../../otlp/records.ts'
import { asJson, DEPTH_LIMIT, field, fieldLabel, type Json, jsonText, text } from '../../otlp/values.ts'
import type { Draft } from './draft.ts'
import { summaryOf, type WrittenDefinition } from './tool-summary.ts'

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

/** The tools offered to a model. */
export interface Manifest {
  /**
   * Of name, description and parameters of each, sorted by name, so that neither the order nor the convention they are
   * written in matters.
   */
  readonly hash: string
  /** The same list for the same text: whoever reworks it can remember what came of it. */
  readonly tools: readonly ToolDefinition[]
}

/** The tools offered to a model, as written. `undefined` when none can be read. */
export function manifestOf(value: AttributeValue): Manifest | undefined {
  const written = typeof value === 'string' ? value : text(value)
  return written === undefined ? undefined : manifests.of(written)
}

/**
 * Says in a draft what tools were offered. What they are is said on calls that begin a conversation alone: behind the
 * results of calls they are what they were, and they would be most of what is stored.
 *
 * @param server that offers all of them, where it is known.
 */
export function putManifest(draft: Draft, manifest: Manifest | undefined, server?: string): void {
  if (manifest === undefined) {
    return
  }
  const integrity: Integrity = { ...draft.integrity, tool_manifest_hash: manifest.hash }
  if (draft.answered_calls === undefined) {
    const { tools } = manifest
    integrity.tools = (server === undefined ? tools : tools.map((tool) => ({ ...tool, server }))) as ToolDefinition[]
  }
  draft.integrity = integrity
}

/** Hash of one tool's definition, comparable with what a `Manifest` takes together. */
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

const manifests = new TextMemory((written): Manifest | undefined => {
  const definitions = readDefinitions(asJson(written))
  if (definitions.length === 0) {
    return undefined
  }
  const lines = definitions.map((definition) => canonical(definition as unknown as Json))
  const tools = definitions.slice(0, TOOLS_LIMIT).map((each, index) => summaryOf(each, sha256(lines[index] ?? '')))
  return { hash: sha256([...lines].sort().join('\n')), tools }
}, REMEMBERED)

/** Name, description and parameters of every definition, whichever of the four shapes they are in. */
export function readDefinitions(node: Json | undefined): readonly WrittenDefinition[] {
  const list = Array.isArray(node) ? node : (field(node, 'tools') ?? field(node, 'function_tools'))
  if (!Array.isArray(list)) {
    return []
  }
  const found: WrittenDefinition[] = []
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

function readDefinition(entry: Json): readonly WrittenDefinition[] {
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
