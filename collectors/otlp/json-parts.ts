/**
 * The parts that every OTLP message is made of, from JSON: attributes, values, texts, ids. `null` means unset
 * everywhere. Parsed objects are only ever asked for the names that OTLP defines, so a key such as `__proto__`
 * is never looked up; attribute keys go into `Map`s.
 */
import { InvalidRecord } from './faults.ts'
import type { AttributeMap, AttributeValue } from './records.ts'
import type { Tally } from './tally.ts'

// In every supported Node, not yet in the language level that we compile for.
declare global {
  interface String {
    isWellFormed(): boolean
    toWellFormed(): string
  }
}

export type JsonObject = { readonly [name: string]: unknown }

/** The value as an object, or `undefined`: lists are none. */
export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** The items of a field that should be a list; a wrong type is counted and gives none. */
export function itemsOf(value: unknown, tally: Tally): readonly unknown[] {
  if (Array.isArray(value)) {
    return value
  }
  if (value !== undefined && value !== null) {
    tally.cut('types')
  }
  return []
}

/** A text field. Unpaired surrogates become U+FFFD, as they would have on any way through UTF-8. */
export function textOf(value: unknown, tally: Tally): string {
  if (typeof value !== 'string') {
    if (value !== undefined && value !== null) {
      tally.cut('types')
    }
    return ''
  }
  let text = value
  if (!text.isWellFormed()) {
    text = text.toWellFormed()
    tally.cut('utf8')
  }
  return cutText(text, tally)
}

/** A count or an enum: a number, or a decimal string; anything else is 0. */
export function integerOf(value: unknown, tally: Tally): number {
  const integer = int64Of(value)
  if (typeof integer === 'number') {
    return integer
  }
  if (value !== undefined && value !== null) {
    tally.cut('types')
  }
  return 0
}

/** A trace or span id as lower-case hex; `undefined` when empty or all zero. Throws `InvalidRecord` otherwise. */
export function idOf(value: unknown, digits: number, what: string): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined
  }
  if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]+$/i.test(value)) {
    throw new InvalidRecord(`invalid-${what}`)
  }
  return /^0+$/.test(value) ? undefined : value.toLowerCase()
}

export function attributesOf(value: unknown, tally: Tally): AttributeMap {
  const attributes = new Map<string, AttributeValue>()
  for (const item of itemsOf(value, tally)) {
    const entry = objectOf(item)
    const key = keyOf(entry, tally)
    if (tally.admitsAttribute(attributes, key, Buffer.byteLength(key))) {
      attributes.set(key, anyValueOf(entry?.value, tally, 1))
    }
  }
  return attributes
}

/** One `AnyValue`. Exactly one alternative should be set; none is `undefined`. */
export function anyValueOf(value: unknown, tally: Tally, depth: number): AttributeValue {
  const any = objectOf(value)
  if (any === undefined) {
    return value === undefined || value === null ? undefined : wrongType(tally)
  }
  if (isSet(any.stringValue)) {
    return typeof any.stringValue === 'string' ? textOf(any.stringValue, tally) : wrongType(tally)
  }
  if (isSet(any.intValue)) {
    return int64Of(any.intValue) ?? wrongType(tally)
  }
  if (isSet(any.boolValue)) {
    return typeof any.boolValue === 'boolean' ? any.boolValue : wrongType(tally)
  }
  if (isSet(any.doubleValue)) {
    return doubleOf(any.doubleValue) ?? wrongType(tally)
  }
  if (isSet(any.bytesValue)) {
    return bytesOf(any.bytesValue, tally)
  }
  if (isSet(any.arrayValue) || isSet(any.kvlistValue)) {
    return nestedOf(any, tally, depth)
  }
  return undefined
}

function nestedOf(any: JsonObject, tally: Tally, depth: number): AttributeValue {
  if (depth >= tally.limits.valueDepth) {
    tally.cutAttributes++
    tally.cut('depth')
    return undefined
  }
  const isMap = isSet(any.kvlistValue)
  const nested = objectOf(isMap ? any.kvlistValue : any.arrayValue)
  if (nested === undefined) {
    return wrongType(tally)
  }
  const items = itemsOf(nested.values, tally)
  return isMap ? mapOf(items, tally, depth + 1) : listOf(items, tally, depth + 1)
}

function listOf(items: readonly unknown[], tally: Tally, depth: number): AttributeValue {
  const list: AttributeValue[] = []
  for (const item of items) {
    if (tally.admitsValue()) {
      list.push(anyValueOf(item, tally, depth))
    }
  }
  return list
}

function mapOf(items: readonly unknown[], tally: Tally, depth: number): AttributeValue {
  const map = new Map<string, AttributeValue>()
  for (const item of items) {
    const entry = objectOf(item)
    const key = keyOf(entry, tally)
    if (tally.admitsEntry(Buffer.byteLength(key))) {
      map.set(key, anyValueOf(entry?.value, tally, depth))
    }
  }
  return map
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** A field of a type that protobuf's JSON mapping does not know is lost, and the sender hears of it. */
function wrongType(tally: Tally): undefined {
  tally.cutAttributes++
  tally.cut('types')
  return undefined
}

function keyOf(entry: JsonObject | undefined, tally: Tally): string {
  const key = entry?.key
  if (typeof key !== 'string') {
    return ''
  }
  if (key.isWellFormed()) {
    return key
  }
  tally.cut('utf8')
  return key.toWellFormed()
}

/** A signed 64-bit integer, given as a number or as a decimal string. */
function int64Of(value: unknown): number | bigint | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) {
      return value === 0 ? 0 : value
    }
    return Number.isInteger(value) ? inInt64(BigInt(value)) : undefined
  }
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) {
    return undefined
  }
  const number = Number(value)
  return Number.isSafeInteger(number) ? (number === 0 ? 0 : number) : inInt64(BigInt(value))
}

function inInt64(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function doubleOf(value: unknown): number | undefined {
  if (typeof value === 'number') {
    return value
  }
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') {
    return Number(value)
  }
  return typeof value === 'string' && value.length < 400 && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value)
    ? Number(value)
    : undefined
}

function bytesOf(value: unknown, tally: Tally): AttributeValue {
  // Both alphabets, padded or not, as protobuf's JSON mapping has it.
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) {
    return wrongType(tally)
  }
  const bytes = new Uint8Array(Buffer.from(value, 'base64'))
  if (bytes.length <= tally.limits.valueBytes) {
    return bytes
  }
  tally.cutText()
  return bytes.slice(0, tally.limits.valueBytes)
}

/** Cuts at the same character as the protobuf decoder does. */
function cutText(text: string, tally: Tally): string {
  const limit = tally.limits.valueBytes
  // A UTF-16 unit is at most three bytes: most texts need no counting.
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) {
    return text
  }
  tally.cutText()
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limit))
  return text.slice(0, read)
}
