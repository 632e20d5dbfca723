/**
 * What the arguments of a call name, found before masking hides it: where it reaches (`destinations.ts`) and which datasets
 * it touches (`argument-datasets.ts`). The arguments are read once for both.
 *
 * Arguments that are JSON are read by name; JSON in a string is read like any other. What is not JSON is one bare value, a
 * command line, code, or JSON that was cut.
 */
import type { Dataset, Destination } from '../../schema/telemetry.ts'
import { TEXT_LIMIT } from '../otlp/values.ts'
import {
  addPart,
  composeDatasets,
  type DatasetParts,
  FoundDatasets,
  findDatasets,
  findStatement,
} from './argument-datasets.ts'
import { type ArgumentMeaning, argumentName } from './argument-names.ts'
import { findBareDestinations, findDestinations } from './destinations.ts'
import { Endpoints } from './endpoint.ts'
import { findCommandHosts } from './shell-hosts.ts'
import { isStatement } from './sql-statements.ts'

const DEPTH = 24
const NESTED_JSON = 2
const VALUES = 5000
/** Texts that begin like JSON and are none: each costs as much as many values. */
const BROKEN_JSON = 64
/** `name: "value"` and `name="value"`, for JSON cut at the source and for other notations. */
const NAMED_VALUE = /\b(\w{1,40})["']?\s{0,4}[=:]\s{0,4}["']([^"']{1,300})["']/g
/** Where `name: ["value", ...]` begins, likewise. */
const NAMED_LIST = /\b(\w{1,40})["']?\s{0,4}[=:]\s{0,4}[[(]/g
const NAMED_LIST_LENGTH = 1000
const QUOTED = /["']([^"']{1,300})["']/g

/** What the arguments of one call name. */
export interface NamedInArguments {
  /** Endpoints, at most `LIST_LIMIT`, each once. */
  readonly destinations: readonly Destination[]
  /** Datasets by ids in their normal form, masked; at most `LIST_LIMIT`, each once. */
  readonly datasets: readonly Dataset[]
}

/** Reads the arguments of a call, raw as the emitter sent them. Never throws; called by the intake for every call. */
export function readArguments(argumentsText: string): NamedInArguments {
  const text = argumentsText.length > TEXT_LIMIT ? argumentsText.slice(0, TEXT_LIMIT) : argumentsText
  const reading: Reading = {
    found: new Endpoints(),
    datasets: new FoundDatasets(),
    values: VALUES,
    broken: 0,
    isQuoted: false,
  }
  const json = parseJson(text)
  if (json !== undefined) {
    readValue(text.includes('\\"') ? (unwrapped(json) ?? json) : json, 'plain', 0, reading)
  } else {
    readText(text, reading)
  }
  return { destinations: reading.found.list(), datasets: reading.datasets.list() }
}

interface Reading {
  readonly found: Endpoints
  readonly datasets: FoundDatasets
  /** How many values may still be looked at. */
  values: number
  /** How many texts began like JSON and were none. */
  broken: number
  /** Within a text that is JSON, like a file that is written: what it says of tables says nothing of the call. */
  isQuoted: boolean
}

function readValue(value: unknown, meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  reading.values -= 1
  if (reading.values < 0 || (reading.found.full && reading.datasets.full) || depth > DEPTH) {
    return
  }
  if (typeof value === 'string') {
    readString(value, meaning, depth, reading)
  } else if (Array.isArray(value)) {
    readList(value, meaning, depth, reading)
  } else if (typeof value === 'object' && value !== null) {
    readObject(value, meaning, depth, reading)
  }
}

function readList(list: readonly unknown[], meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  if (meaning === 'command' && list.every((word) => typeof word === 'string')) {
    findCommandHosts(list.slice(0, 200).join(' '), reading.found)
  }
  for (const member of list) {
    readValue(member, meaning, depth + 1, reading)
    if (typeof member === 'string' && reading.values > 0) {
      findStatement(member, reading.datasets)
    }
  }
}

function readObject(object: object, meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  let parts: DatasetParts | undefined
  for (const [name, member] of Object.entries(object)) {
    if (reading.values <= 0) {
      break
    }
    const { meaning: own, dataset } = argumentName(name)
    // `{"to": [{"name": ..., "value": ...}]}`: what a list is for, its members are for.
    readValue(member, own === 'plain' ? meaning : own, depth + 1, reading)
    const part = dataset ?? (typeof member === 'string' && isStatement(member) ? 'sql' : undefined)
    if (part !== undefined) {
      parts ??= new Map()
      addPart(parts, part, member)
    }
  }
  if (parts !== undefined && !reading.isQuoted) {
    composeDatasets(parts, reading.datasets)
  }
}

function readString(text: string, meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  if (text.length < 3) {
    return
  }
  const isJson = depth < DEPTH && reading.values > 0 && reading.broken < BROKEN_JSON && NESTED_START.test(text)
  const json = isJson ? parseJson(text) : undefined
  if (isJson && json === undefined) {
    reading.broken += 1
  }
  if (json !== undefined) {
    const { isQuoted } = reading
    reading.isQuoted = true
    // Every level of JSON in JSON costs what many plain levels do.
    readValue(json, meaning, depth + Math.ceil(DEPTH / (NESTED_JSON + 1)), reading)
    reading.isQuoted = isQuoted
    return
  }
  findDestinations(text, meaning, reading.found)
  findDatasets(text, meaning === 'command', reading.datasets)
}

/** Arguments that somebody wrote as a string, alone or as the only member: `{"input": "{...}"}`. */
function unwrapped(json: unknown): unknown {
  const members = typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.values(json) : [json]
  return members.length === 1 && typeof members[0] === 'string' ? parseNested(members[0]) : undefined
}

function parseNested(text: string): unknown {
  return NESTED_START.test(text) ? parseJson(text) : undefined
}

const NESTED_START = /^\s*[[{]["{[\s]/

/** Arguments that are not JSON. */
function readText(text: string, reading: Reading): void {
  const plain = text.includes('\\/') ? text.replaceAll('\\/', '/') : text
  findBareDestinations(plain, reading.found)
  findDatasets(plain, true, reading.datasets)
  findStatement(plain, reading.datasets)
  const parts: DatasetParts = new Map()
  for (const [, name = '', value = ''] of plain.matchAll(NAMED_VALUE)) {
    readNamed(name, value, parts, reading)
  }
  readNamedLists(plain, parts, reading)
  if (parts.size > 0) {
    composeDatasets(parts, reading.datasets)
  }
}

/** The text is read once: what ends a list is looked for only behind where it was found before. */
function readNamedLists(text: string, parts: DatasetParts, reading: Reading): void {
  let square = -1
  let round = -1
  NAMED_LIST.lastIndex = 0
  for (let match = NAMED_LIST.exec(text); match !== null; match = NAMED_LIST.exec(text)) {
    const start = NAMED_LIST.lastIndex
    square = square < start ? indexOrEnd(text, ']', start) : square
    round = round < start ? indexOrEnd(text, ')', start) : round
    const end = Math.min(square, round)
    if (end < text.length && end - start <= NAMED_LIST_LENGTH) {
      for (const [, member = ''] of text.slice(start, end).matchAll(QUOTED)) {
        readNamed(match[1] as string, member, parts, reading)
      }
      NAMED_LIST.lastIndex = end + 1
    }
  }
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const index = text.indexOf(mark, from)
  return index === -1 ? text.length : index
}

function readNamed(name: string, value: string, parts: DatasetParts, reading: Reading): void {
  reading.values -= 1
  if (reading.values < 0) {
    return
  }
  const { meaning, dataset } = argumentName(name)
  if (meaning !== 'plain' && meaning !== 'command' && value.length > 2) {
    findDestinations(value, meaning, reading.found)
  }
  if (dataset !== undefined) {
    addPart(parts, dataset, value)
  }
}

function parseJson(text: string): unknown {
  if (!/^\s*[[{"]/.test(text)) {
    return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
