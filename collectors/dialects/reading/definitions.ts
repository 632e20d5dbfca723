/**
 * What an agent is made of: hashes of its tool definitions and of its system prompt.
 *
 * Definitions repeat on every model call (25 KB each time is common), so a text is parsed and hashed once and its
 * hash remembered. Remembering is not state: the same text always gives the same hash.
 */
import { hash } from 'node:crypto'
import type { AttributeValue } from '../../otlp/records.ts'
import { asJson, DEPTH_LIMIT, field, fieldLabel, type Json, jsonText, text } from '../../otlp/values.ts'

/** The most definitions of one manifest that are hashed. */
const DEFINITION_LIMIT = 512
/** Texts whose hash is remembered, and the UTF-16 units of all of them; the oldest is forgotten first. */
const REMEMBERED = 512
const REMEMBERED_UNITS = 4 * 1024 * 1024

/** SHA-256 of a text, hexadecimal. */
export function sha256(content: string): string {
  return hash('sha256', content, 'hex')
}

/** SHA-256 of a system prompt. */
export const systemPromptHash: (prompt: string) => string = remembering(sha256)

/**
 * Hash of the tools offered to a model: of name, description and parameters of each, sorted by name, so that neither
 * the order nor the convention they are written in matters. `undefined` when none can be read.
 */
export function manifestHash(value: AttributeValue): string | undefined {
  const written = typeof value === 'string' ? value : text(value)
  return written === undefined ? undefined : (rememberedManifest(written) ?? undefined)
}

/** Hash of one tool's definition, comparable with what `manifestHash` takes together. */
export function definitionHash(definition: Json): string {
  return sha256(canonical(definition))
}

/** The same for a tool of which only the description is known, as often as it is called. */
export const descriptionHash: (name: string, description: string) => string = (name, description) =>
  rememberedDescription(JSON.stringify([name, description]))

const rememberedDescription = remembering((written: string) => {
  const [name, description] = JSON.parse(written) as [string, string]
  return definitionHash({ name, description })
})

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

const rememberedManifest = remembering((written: string): string | null => {
  const definitions = readDefinitions(asJson(written))
  if (definitions.length === 0) {
    return null
  }
  const lines = definitions.map((definition) => canonical(definition)).sort()
  return sha256(lines.join('\n'))
})

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

function remembering<Result>(compute: (written: string) => Result): (written: string) => Result {
  const known = new Map<string, Result>()
  let units = 0
  return (written) => {
    const remembered = known.get(written)
    if (remembered !== undefined) {
      return remembered
    }
    const result = compute(written)
    known.set(written, result)
    units += written.length
    while (known.size > REMEMBERED || units > REMEMBERED_UNITS) {
      const oldest = known.keys().next().value as string
      known.delete(oldest)
      units -= oldest.length
    }
    return result
  }
}
