/**
 * Destinations: the endpoints a call names in its arguments, found before masking hides them, and the ones a dialect
 * saw, in the same spelling. Query strings, paths and who signs in are never part of one.
 *
 * Arguments that are JSON are read by name: an address under `to` is a recipient, one in a `body` is only text. A URL
 * counts wherever it stands: who can write a link somewhere can send data there. Bare names count where the argument's
 * name or the command they belong to says that they are hosts, so files, versions and packages are not taken for any.
 */
import type { Destination } from '../../schema/telemetry.ts'
import { TEXT_LIMIT } from '../otlp/values.ts'
import { type ArgumentMeaning, argumentMeaning } from './argument-names.ts'
import { addAuthority, Endpoints, findRecipients, findUrls, splitAuthority } from './endpoint.ts'
import { isAddress, isHost, normalizeHost } from './host.ts'
import { identifier } from './identifier.ts'
import { findCommandHosts, startsWithCommand } from './shell-hosts.ts'

const DEPTH = 24
const NESTED_JSON = 2
const VALUES = 5000
/** `name: "value"` and `name="value"`, for JSON cut at the source and for other notations. */
const NAMED_VALUE = /\b(\w{1,40})["']?\s{0,4}[=:]\s{0,4}["']([^"']{1,300})["']/g
/** `name: ["value", ...]`, likewise. */
const NAMED_LIST = /\b(\w{1,40})["']?\s{0,4}[=:]\s{0,4}[[(]([^\])]{1,1000})[\])]/g
const QUOTED = /["']([^"']{1,300})["']/g
const ONE_ADDRESS = /^[^@<>]{0,200}<[^\s@<>]{1,64}@[^\s@<>]{1,253}>$|^[^\s@<>,;:/]{1,64}@[^\s@<>,;:/]{1,253}$/

/** Endpoints named in the arguments of a call, raw as the emitter sent them; at most `LIST_LIMIT`, each once. */
export function findDestinations(argumentsText: string): readonly Destination[] {
  const text = argumentsText.length > TEXT_LIMIT ? argumentsText.slice(0, TEXT_LIMIT) : argumentsText
  const reading: Reading = { found: new Endpoints(), values: VALUES }
  const json = parseJson(text)
  if (json !== undefined) {
    readValue(json, 'plain', 0, reading)
  } else {
    readText(text, reading)
  }
  return reading.found.list()
}

/** A destination that a dialect saw, in the spelling of all others; `undefined` when it names no host. */
export function normalizeDestination(destination: Destination): Destination | undefined {
  const named = destination.host.includes('://')
    ? destination.host.replace(/^[^:]*:\/\/|[/?#].*$/g, '')
    : destination.host
  const split = isAddress(named) ? { host: named, port: undefined } : splitAuthority(named)
  const host = normalizeHost(split.host)
  if (host === undefined) {
    return undefined
  }
  const port = destination.port ?? split.port
  const scheme = identifier(destination.scheme)
  const method = identifier(destination.method)
  return {
    host,
    ...(port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65_535 ? { port } : {}),
    ...(scheme === undefined ? {} : { scheme }),
    ...(method === undefined ? {} : { method }),
    ...(destination.seen_in === undefined ? {} : { seen_in: destination.seen_in }),
  }
}

interface Reading {
  readonly found: Endpoints
  /** How many values may still be looked at. */
  values: number
}

function readValue(value: unknown, meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  reading.values -= 1
  if (reading.values < 0 || reading.found.full || depth > DEPTH) {
    return
  }
  if (typeof value === 'string') {
    readString(value, meaning, depth, reading)
  } else if (Array.isArray(value)) {
    if (meaning === 'command' && value.every((word) => typeof word === 'string')) {
      findCommandHosts(value.slice(0, 200).join(' '), reading.found)
    }
    for (const member of value) {
      readValue(member, meaning, depth + 1, reading)
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      const own = argumentMeaning(name)
      // `{"to": [{"name": ..., "value": ...}]}`: what a list is for, its members are for.
      readValue(member, own === 'plain' ? meaning : own, depth + 1, reading)
    }
  }
}

function readString(text: string, meaning: ArgumentMeaning, depth: number, reading: Reading): void {
  const { found } = reading
  if (text.length < 3) {
    return
  }
  if (depth < DEPTH && reading.values > 0 && NESTED_START.test(text)) {
    const json = parseJson(text)
    if (json !== undefined) {
      // Every level of JSON in JSON costs what many plain levels do.
      readValue(json, meaning, depth + Math.ceil(DEPTH / (NESTED_JSON + 1)), reading)
      return
    }
  }
  if (text.includes(':')) {
    findUrls(text, found)
  }
  if (meaning === 'command' || startsWithCommand(text)) {
    findCommandHosts(text, found)
  } else if (
    meaning === 'recipient' ||
    (meaning !== 'mention' && text.includes('@') && ONE_ADDRESS.test(text.trim()))
  ) {
    findRecipients(text, found)
  }
  if (meaning === 'host' || meaning === 'address' || meaning === 'recipient') {
    readHosts(text, meaning, found)
  }
}

const NESTED_START = /^\s*[[{]["{[\s]/

/** Bare hosts: `db`, `10.0.0.5:5432`, `www.example.com/path`, several of them between commas. */
function readHosts(text: string, meaning: ArgumentMeaning, found: Endpoints): void {
  if (text.length > 2000 || text.includes('://')) {
    return
  }
  for (const word of text.split(/[\s,;]+/).slice(0, 32)) {
    const authority = word.replace(/[/?#].*$/, '')
    const { host, port } = isAddress(authority) ? { host: authority, port: undefined } : splitAuthority(authority)
    const certain = word.length > authority.length || port !== undefined
    const alone = meaning === 'host' && word === text && /^[a-z0-9][a-z0-9_-]{0,62}$/i.test(host)
    if (host !== '' && !authority.includes('@') && (alone || isHost(host, certain || meaning === 'host'))) {
      found.add(host, undefined, port)
    } else if (meaning === 'address' && authority.includes('@') && isHost(host, true)) {
      addAuthority(authority, 'mailto', found)
    }
  }
}

/** Arguments that are not JSON: one bare value, a command line, code, or JSON that was cut. */
function readText(text: string, reading: Reading): void {
  const { found } = reading
  const plain = text.includes('\\/') ? text.replaceAll('\\/', '/') : text
  findUrls(plain, found)
  findCommandHosts(plain, found)
  const whole = plain.trim()
  if (ONE_ADDRESS.test(whole)) {
    findRecipients(whole, found)
  } else if (isAddress(whole) || /^www\.[^\s]{1,250}$/i.test(whole)) {
    readHosts(whole, 'address', found)
  }
  for (const [, name = '', value = ''] of plain.matchAll(NAMED_VALUE)) {
    readNamed(name, value, reading)
  }
  for (const [, name = '', members = ''] of plain.matchAll(NAMED_LIST)) {
    for (const [, member = ''] of members.matchAll(QUOTED)) {
      readNamed(name, member, reading)
    }
  }
}

function readNamed(name: string, value: string, reading: Reading): void {
  const meaning = argumentMeaning(name)
  if (meaning !== 'plain' && meaning !== 'command') {
    readString(value, meaning, DEPTH, reading)
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
