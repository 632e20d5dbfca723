/**
 * Output that was declared to be JSON, perhaps of a schema, and is not. Whatever reads it next was told what to expect:
 * an answer of another form is an error at best, and an instruction to the reader at worst.
 */
import type { Attributes } from '../../schema/telemetry.ts'
import { jsonOf } from '../text/json.ts'

/** Attributes that declare the form of the output: OTel GenAI, and what OpenAI instrumentations add. */
const FORMS = [
  'gen_ai.output.type',
  'gen_ai.request.response_format',
  'gen_ai.openai.request.response_format',
  'llm.response_format',
]
/** Attributes that hold a JSON Schema: OTel GenAI instrumentations, Vercel AI SDK. */
const SCHEMAS = ['gen_ai.output.schema', 'gen_ai.request.structured_output_schema', 'ai.schema']
const FENCE = '```'
/** How deep a schema is followed. */
const DEPTH = 6

export interface Declared {
  /** The schema, when one is declared that can be read. */
  readonly schema: unknown
}

/** What the attributes declare of the output; `undefined` when they declare nothing of JSON. */
export function declaredJson(attributes: Attributes): Declared | undefined {
  for (const key of SCHEMAS) {
    const schema = jsonOf(attributes[key])
    if (isMap(schema)) {
      return { schema }
    }
  }
  const declares = FORMS.some((key) => {
    const value = attributes[key]
    return (
      typeof value === 'string' && (value === 'json' || value.includes('json_object') || value.includes('json_schema'))
    )
  })
  return declares ? { schema: undefined } : undefined
}

/** What is wrong with an output, in fixed words; `undefined` when it is as declared. */
export function mismatch(output: string, { schema }: Declared): string | undefined {
  const value = jsonOf(output) ?? jsonOf(withoutFence(output))
  if (value === undefined) {
    return 'it is no JSON'
  }
  return schema === undefined ? undefined : misfit(value, schema, DEPTH)
}

/** Models like to put JSON into a block of code, and its readers take it out of there. */
function withoutFence(output: string): string {
  const text = output.trim()
  return text.startsWith(FENCE) && text.endsWith(FENCE) ? text.slice(text.indexOf('\n') + 1, -FENCE.length) : ''
}

/** Types, required and forbidden members, and enumerations: what every dialect of JSON Schema agrees on. */
function misfit(value: unknown, schema: unknown, depth: number): string | undefined {
  if (depth === 0 || !isMap(schema)) {
    return undefined
  }
  const { type, properties, required, additionalProperties, items } = schema
  if (typeof type === 'string' && !isOfType(value, type)) {
    return TYPES.has(type) ? `a value is not of the declared type ${type}` : undefined
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((each) => JSON.stringify(each) === JSON.stringify(value))) {
    return 'a value is none of those declared'
  }
  if (Array.isArray(value)) {
    return first(value.slice(0, 100), (each) => misfit(each, items, depth - 1))
  }
  if (!isMap(value)) {
    return undefined
  }
  const known = isMap(properties) ? properties : {}
  if (Array.isArray(required) && required.some((name) => typeof name === 'string' && !Object.hasOwn(value, name))) {
    return 'a required member is missing'
  }
  if (additionalProperties === false && Object.keys(value).some((name) => !Object.hasOwn(known, name))) {
    return 'it has a member that is not declared'
  }
  return first(Object.keys(value).slice(0, 100), (name) =>
    Object.hasOwn(known, name) ? misfit(value[name], known[name], depth - 1) : undefined,
  )
}

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isMap(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case 'null':
      return value === null
    default:
      return typeof value === type
  }
}

function first<T>(values: readonly T[], find: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const found = find(value)
    if (found !== undefined) {
      return found
    }
  }
  return undefined
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
