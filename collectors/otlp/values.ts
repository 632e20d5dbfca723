/**
 * How dialects read attributes: one place that knows which values mean "absent", that numbers come as strings,
 * that JSON hides in strings, and that every key and text was written by a hostile sender.
 *
 * Nothing here throws, and nothing returned is longer than the limits below. Absent is always `undefined`.
 */
import { cut } from '../../schema/cut.ts'
import { NAME_LIMIT } from '../../schema/telemetry.ts'
import type { AttributeMap, AttributeValue, LogRecord, OtlpRecord } from './records.ts'

/** The longest text handed on as content, in UTF-16 units; the decoder cuts strings at the same size. */
export const TEXT_LIMIT = 262_144
/** The longest list read from one attribute. */
export const LIST_READ_LIMIT = 64
/** The deepest level of a message, definition or argument that is looked at. */
export const DEPTH_LIMIT = 24

/** A node of parsed JSON or of a converted kvlist. Objects may come from `JSON.parse`: read with `field`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

// What instrumentations write instead of a value: capture switched off, redaction, or a failed serialisation.
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  '',
  '{}',
  'N/A',
  '<not specified>',
  '<not serializable>',
  '__REDACTED__',
  '<REDACTED>',
  '[REDACTED]',
  'REDACTED',
  'undefined',
])

/** True for what instrumentations write in place of a value. */
export function isPlaceholder(value: string): boolean {
  return value.length < 20 && PLACEHOLDERS.has(value.trim())
}

/** An identifier or name: trimmed, at most `NAME_LIMIT` long, never empty or a placeholder. */
export function label(value: AttributeValue): string | undefined {
  if (typeof value === 'string') {
    const trimmed = value.length > NAME_LIMIT ? value.slice(0, NAME_LIMIT).trim() : value.trim()
    return trimmed === '' || (trimmed.length < 20 && PLACEHOLDERS.has(trimmed)) ? undefined : trimmed
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value)
  }
  return undefined
}

/** The first of `keys` that holds an identifier or name. */
export function firstLabel(map: AttributeMap, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = map.get(key)
    if (found !== undefined) {
      const name = label(found)
      if (name !== undefined) {
        return name
      }
    }
  }
  return undefined
}

/** A finite number, from a number or a decimal string. */
export function num(value: AttributeValue): number | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : undefined
  }
  if (typeof value === 'bigint') {
    return Number(value)
  }
  if (typeof value === 'string' && value.length > 0 && value.length <= 32) {
    const parsed = Number(value)
    return Number.isFinite(parsed) && value.trim() !== '' ? parsed : undefined
  }
  return undefined
}

/** The first of `keys` that holds a count: a whole number, not negative. */
export function firstCount(map: AttributeMap, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const found = num(map.get(key))
    if (found !== undefined && found >= 0 && found <= Number.MAX_SAFE_INTEGER) {
      return Math.round(found)
    }
  }
  return undefined
}

/** True and false however they are spelled: booleans, their names, 1 and 0. */
export function bool(value: AttributeValue): boolean | undefined {
  if (typeof value === 'boolean') {
    return value
  }
  if (value === 'true' || value === 1 || value === 'True' || value === '1') {
    return true
  }
  if (value === 'false' || value === 0 || value === 'False' || value === '0') {
    return false
  }
  return undefined
}

/** Content: strings as they are, anything else as JSON, cut at `TEXT_LIMIT`; a placeholder is absent. */
export function text(value: AttributeValue | Json): string | undefined {
  if (value === undefined || value === null) {
    return undefined
  }
  if (typeof value === 'string') {
    return isPlaceholder(value) ? undefined : cutText(value)
  }
  if (value instanceof Uint8Array) {
    return undefined
  }
  if (typeof value !== 'object') {
    return String(value)
  }
  const written = jsonText(plain(value as AttributeValue))
  return written === undefined || isPlaceholder(written) ? undefined : cutText(written)
}

/** The first of `keys` that holds content. */
export function firstText(map: AttributeMap, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = map.get(key)
    if (found !== undefined) {
      const content = text(found)
      if (content !== undefined) {
        return content
      }
    }
  }
  return undefined
}

/** A list of names: an array, or a JSON array in a string. At most `LIST_READ_LIMIT`. */
export function labels(value: AttributeValue): readonly string[] {
  const list = Array.isArray(value) ? value : asJson(value)
  if (!Array.isArray(list)) {
    const single = typeof list === 'string' ? label(list) : undefined
    return single === undefined ? [] : [single]
  }
  const names: string[] = []
  for (const entry of list.slice(0, LIST_READ_LIMIT)) {
    const name = typeof entry === 'object' ? undefined : label(entry as AttributeValue)
    if (name !== undefined) {
      names.push(name)
    }
  }
  return names
}

/**
 * What a value says when JSON hides in its string. Parsed at most twice, since some emitters quote a JSON string
 * inside JSON. Text that is not JSON comes back as the string it is; an absent value is `undefined`.
 */
export function asJson(value: AttributeValue | Json): Json | undefined {
  if (typeof value !== 'string') {
    return value === undefined || value === null ? undefined : plain(value as AttributeValue)
  }
  const once = parse(value)
  return typeof once === 'string' && once !== value ? parse(once) : once
}

// What JSON text may begin with. `true`, `null` and numbers are worth parsing only when they are the whole text.
const JSON_START = /^[\s]*[{["]/
const BARE_LITERAL = /^(?:true|false|null|-?\d{1,15}(?:\.\d{1,15})?)$/

function parse(value: string): Json {
  if (JSON_START.test(value) || (value.length <= 32 && BARE_LITERAL.test(value))) {
    try {
      return JSON.parse(value) as Json
    } catch {
      return value
    }
  }
  return value
}

/** An attribute value as JSON: kvlists become objects without a prototype, levels below `DEPTH_LIMIT` are dropped. */
export function plain(value: AttributeValue | Json, depth = 0): Json {
  if (value === undefined || value === null || value instanceof Uint8Array) {
    return null
  }
  if (typeof value === 'bigint') {
    return String(value)
  }
  if (typeof value !== 'object') {
    return value
  }
  if (depth >= DEPTH_LIMIT) {
    return null
  }
  if (Array.isArray(value)) {
    return value.map((entry: AttributeValue) => plain(entry, depth + 1))
  }
  if (!(value instanceof Map)) {
    return value as Json
  }
  const object: Record<string, Json> = Object.create(null)
  for (const [key, entry] of value as ReadonlyMap<string, AttributeValue>) {
    object[key] = plain(entry, depth + 1)
  }
  return object
}

/** A member of a JSON object: own members only, so that `constructor` and the like are never found. */
export function field(node: Json | undefined, key: string): Json | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node) || !Object.hasOwn(node, key)) {
    return undefined
  }
  const value = (node as { readonly [key: string]: Json })[key]
  return value === null ? undefined : value
}

/** The first of `keys` that a JSON object holds as a name. */
export function fieldLabel(node: Json | undefined, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = field(node, key)
    if (value !== undefined && typeof value !== 'object') {
      const name = label(value)
      if (name !== undefined) {
        return name
      }
    }
  }
  return undefined
}

/** JSON as text; `undefined` for what cannot be written (nested deeper than the stack). */
export function jsonText(node: Json | undefined): string | undefined {
  if (node === undefined) {
    return undefined
  }
  if (typeof node === 'string') {
    return node
  }
  try {
    return JSON.stringify(node)
  } catch {
    return undefined
  }
}

/** Text cut at `TEXT_LIMIT`, never in the middle of a surrogate pair. */
export function cutText(value: string, limit = TEXT_LIMIT): string {
  return cut(value, limit)
}

/** True when the sender says that it cut this text itself. */
export function wasCutAtSource(value: string): boolean {
  return value.length > 24 && value.endsWith(']') && value.lastIndexOf('...[TRUNCATED: ') >= value.length - 64
}

/**
 * The name a log record goes by. Attribute `event.name` comes first because `event_name` may hold a source location, then
 * `event_name`, then a body that is a short string.
 */
export function eventName(record: LogRecord): string {
  const named = record.attributes.get('event.name')
  if (typeof named === 'string' && named !== '') {
    return named
  }
  if (record.eventName !== '') {
    return record.eventName
  }
  return typeof record.body === 'string' && record.body.length <= 128 ? record.body : ''
}

/** An attribute of the record, else of the resource that sent it. */
export function anywhere(record: OtlpRecord, key: string): AttributeValue {
  return record.attributes.get(key) ?? record.resource.attributes.get(key)
}

/** `service.name` of the resource, unless it is the SDK's own default. */
export function serviceName(record: OtlpRecord): string | undefined {
  const name = label(record.resource.attributes.get('service.name'))
  return name?.startsWith('unknown_service') ? undefined : name
}

/** Sets a property unless its value is absent, so that drafts never carry `undefined`. */
export function put<Target extends object, Key extends keyof Target>(
  target: Target,
  key: Key,
  value: Target[Key] | undefined,
): void {
  if (value !== undefined) {
    target[key] = value
  }
}
