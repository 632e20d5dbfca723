/**
 * What a tool's definition comes to, in few bytes: definitions take 25 KB and repeat on every model call, and what tells a
 * harmless edit from a planted instruction fits in some hundred bytes a tool.
 */
import { hash } from 'node:crypto'
import { DESCRIPTION_LIMIT, PARAMETERS_LIMIT, type ToolDefinition } from '../../../schema/telemetry.ts'
import { field, type Json } from '../../otlp/values.ts'

/** A definition as `readDefinitions` gives it. */
export interface WrittenDefinition {
  readonly name: string
  readonly description: string
  readonly parameters: Json
}

const PARAMETER_LENGTH = 200
const PARAMETER_DEPTH = 4
const HOSTS_LIMIT = 8

/** @param definitionHash of the whole definition, 64 hexadecimal characters. */
export function summaryOf(written: WrittenDefinition, definitionHash: string): ToolDefinition {
  const { name, description } = written
  const powers = powersIn(`${name} ${description}`)
  const hosts = hostsIn(description)
  return {
    name,
    hash: definitionHash,
    words: hash('sha256', wordsIn(description).join(' '), 'hex').slice(0, 16),
    parameters: parametersOf(written.parameters),
    ...(powers.length === 0 ? {} : { powers }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(READ_IT.test(description) ? { description: description.slice(0, DESCRIPTION_LIMIT) } : {}),
  }
}

function wordsIn(text: string): readonly string[] {
  return text
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

/**
 * Says that a description is more than a description: commands to the reader, what is to be kept from the user, markup,
 * characters that nobody sees. Wide on purpose: it decides what is carried, not what is flagged.
 */
const READ_IT =
  /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|<[a-z!/]|\b(?:ignore|disregard|override|bypass|must|always|never|instead|do not|don't|before (?:using|calling|any)|after (?:using|calling|any)|secret|password|credential|api.?key|private key|\.ssh|\.env|system prompt|instructions?|conversation|silently|without (?:telling|asking|informing)|not mention|confidential|sidenote|important)\b/iu

const HOST_IN_TEXT = /\bhttps?:\/\/([a-z0-9.-]{1,253})/gi

function hostsIn(description: string): string[] {
  const hosts = [...description.matchAll(HOST_IN_TEXT)].map(([, host = '']) => host.toLowerCase().replace(/\.+$/, ''))
  return [...new Set(hosts)].filter((host) => host !== '').slice(0, HOSTS_LIMIT)
}

/**
 * The verbs by which capabilities are told apart, each with what else means it: those that reach outside or cannot be
 * undone. Reading, writing and making are what nearly every tool does somehow.
 */
const POWERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['delete', ['delete', 'deletes', 'remove', 'removes', 'erase', 'drop', 'purge', 'destroy']],
  [
    'send',
    [
      'send',
      'sends',
      'email',
      'emails',
      'mail',
      'forward',
      'forwards',
      'post',
      'posts',
      'publish',
      'share',
      'notify',
      'message',
    ],
  ],
  ['upload', ['upload', 'uploads', 'export', 'exports', 'transmit', 'exfiltrate', 'webhook', 'callback']],
  [
    'run',
    ['run', 'runs', 'execute', 'executes', 'eval', 'shell', 'bash', 'command', 'commands', 'script', 'subprocess'],
  ],
  ['pay', ['pay', 'pays', 'payment', 'transfer', 'transfers', 'purchase', 'buy', 'refund', 'charge']],
  ['grant', ['grant', 'grants', 'permission', 'permissions', 'role', 'admin', 'sudo', 'privilege', 'privileges']],
  ['install', ['install', 'installs', 'deploy', 'deploys']],
  [
    'secrets',
    ['secret', 'secrets', 'credential', 'credentials', 'password', 'passwords', 'token', 'tokens', 'keychain', 'ssh'],
  ],
])

const POWER_OF: ReadonlyMap<string, string> = new Map(
  [...POWERS].flatMap(([power, words]) => words.map((word) => [word, power] as const)),
)

function powersIn(text: string): string[] {
  return [...new Set(wordsIn(text).flatMap((word) => POWER_OF.get(word) ?? []))].sort()
}

/** `to:string!`, `options.retries:integer`, `files[]:string`, sorted. */
function parametersOf(schema: Json): string[] {
  const found: string[] = []
  describe(schema, '', false, 0, found)
  return found.sort().slice(0, PARAMETERS_LIMIT)
}

function describe(schema: Json | undefined, path: string, isRequired: boolean, depth: number, found: string[]): void {
  if (found.length >= 4 * PARAMETERS_LIMIT || depth > PARAMETER_DEPTH) {
    return
  }
  if (path !== '') {
    const written = `${path}:${typeOf(schema)}${isRequired ? '!' : ''}`
    found.push(written.slice(0, PARAMETER_LENGTH))
  }
  const properties = field(schema, 'properties')
  if (typeof properties === 'object' && properties !== null && !Array.isArray(properties)) {
    const required = field(schema, 'required')
    const names = Array.isArray(required) ? new Set(required) : new Set<Json>()
    for (const [name, inner] of Object.entries(properties)) {
      describe(inner, path === '' ? name : `${path}.${name}`, names.has(name), depth + 1, found)
    }
  }
  const members = field(schema, 'items')
  if (members !== undefined) {
    describe(members, `${path}[]`, false, depth + 1, found)
  }
  if (field(schema, 'additionalProperties') === true) {
    found.push(`${path === '' ? '' : `${path}.`}*:any`.slice(0, PARAMETER_LENGTH))
  }
}

/** `string`, `enum(3)`, `integer|null`, `any`. */
function typeOf(schema: Json | undefined): string {
  const choices = field(schema, 'enum')
  if (Array.isArray(choices)) {
    return `enum(${choices.length})`
  }
  if (field(schema, 'const') !== undefined) {
    return 'enum(1)'
  }
  const type = field(schema, 'type')
  if (typeof type === 'string') {
    return type.toLowerCase()
  }
  const several = Array.isArray(type) ? type : (field(schema, 'anyOf') ?? field(schema, 'oneOf'))
  if (Array.isArray(several)) {
    const types = several.map((each) => (typeof each === 'string' ? each.toLowerCase() : typeOf(each)))
    return [...new Set(types)].sort().join('|')
  }
  return 'any'
}
