/** What changed between two definitions of one tool. */
import type { ToolDefinition } from '../../schema/telemetry.ts'

/** What state keeps of a definition. */
export interface KnownTool {
  readonly name: string
  readonly server?: string
  /** Of the agent, when it was seen. */
  readonly version: string
  readonly hash: string
  readonly words: string
  readonly parameters: readonly string[]
  readonly powers: readonly string[]
  readonly hosts: readonly string[]
  lastMs: number
}

/**
 * From the least to the worst. `form`: spacing, punctuation, order. `narrower`: something was taken away. `description`:
 * its words alone. `parameter`: it takes more. `wider`: it can do more, or takes what it refused. `hosts`: its description
 * names new hosts.
 */
export type ChangeKind = 'form' | 'narrower' | 'description' | 'parameter' | 'wider' | 'hosts'

export interface Change {
  readonly kind: ChangeKind
  /** What is new, as it is written: parameters, powers or hosts. */
  readonly added: readonly string[]
}

const PARAMETERS_KEPT = 24
const PARAMETER_LENGTH = 60
const HOSTS_KEPT = 4
const HOST_LENGTH = 80
const NAME_LENGTH = 120
const HASH_LENGTH = 32

export function knownTool(tool: ToolDefinition, version: string, timeMs: number): KnownTool {
  return {
    name: tool.name.slice(0, NAME_LENGTH),
    ...(tool.server === undefined ? {} : { server: tool.server.slice(0, NAME_LENGTH) }),
    version,
    hash: tool.hash.slice(0, HASH_LENGTH),
    words: tool.words,
    parameters: tool.parameters.slice(0, PARAMETERS_KEPT).map((each) => each.slice(0, PARAMETER_LENGTH)),
    powers: tool.powers ?? [],
    hosts: (tool.hosts ?? []).slice(0, HOSTS_KEPT).map((each) => each.slice(0, HOST_LENGTH)),
    lastMs: timeMs,
  }
}

/** Whether a tool goes by the name of one that is known, whoever serves it. */
export function isNamesake({ name }: KnownTool, tool: ToolDefinition): boolean {
  return name === tool.name.slice(0, NAME_LENGTH)
}

/** Whether the server that defined what is known defines the tool. */
export function isOfServer({ server }: KnownTool, tool: ToolDefinition): boolean {
  return server === tool.server?.slice(0, NAME_LENGTH)
}

export function isUnchanged({ hash }: KnownTool, tool: ToolDefinition): boolean {
  return hash === tool.hash.slice(0, HASH_LENGTH)
}

/** The worst of what changed; `undefined` when nothing did. */
export function changeOf(before: KnownTool, after: KnownTool): Change | undefined {
  if (before.hash === after.hash) {
    return undefined
  }
  const hosts = beyond(before.hosts, after.hosts)
  if (hosts.length > 0) {
    return { kind: 'hosts', added: hosts }
  }
  const powers = beyond(before.powers, after.powers)
  const { added, widened, lost } = parametersBetween(before.parameters, after.parameters)
  if (powers.length > 0 || widened.length > 0) {
    return { kind: 'wider', added: [...powers, ...widened] }
  }
  if (added.length > 0) {
    return { kind: 'parameter', added }
  }
  if (before.words !== after.words) {
    return { kind: 'description', added: [] }
  }
  return { kind: lost || beyond(after.powers, before.powers).length > 0 ? 'narrower' : 'form', added: [] }
}

function beyond(known: readonly string[], now: readonly string[]): readonly string[] {
  return now.filter((each) => !known.includes(each))
}

function parametersBetween(before: readonly string[], after: readonly string[]) {
  const types = new Map(before.map(partsOf))
  const now = new Map(after.map(partsOf))
  // A list that was cut says nothing of what is behind its end.
  const isWhole = before.length < PARAMETERS_KEPT
  const added = [...now.keys()].filter((path) => !types.has(path) && isWhole)
  const widened = [...now]
    .filter(([path, type]) => types.has(path) && isWider(types.get(path) ?? '', type))
    .map(([path, type]) => `${path}:${type}`)
  return {
    added: added.filter((path) => !path.endsWith('*')).map((path) => `${path}:${now.get(path)}`),
    widened: [...widened, ...added.filter((path) => path.endsWith('*'))],
    lost: [...types.keys()].some((path) => !now.has(path)) && after.length < PARAMETERS_KEPT,
  }
}

/** `options.to:string!` is `options.to` and `string!`. */
function partsOf(parameter: string): readonly [string, string] {
  const at = parameter.lastIndexOf(':')
  return at < 0 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)]
}

/** Whether a type takes what the other refused: free text for a choice, anything for something, more choices, more types. */
function isWider(before: string, after: string): boolean {
  const [was, is] = [before.replace(/!$/, ''), after.replace(/!$/, '')]
  if (was === is) {
    return false
  }
  const [choicesBefore, choicesAfter] = [choicesOf(was), choicesOf(is)]
  if (choicesBefore !== undefined) {
    return choicesAfter === undefined || choicesAfter > choicesBefore
  }
  if (is === 'any') {
    return true
  }
  const types = was.split('|')
  return (
    choicesAfter === undefined &&
    was !== 'any' &&
    is.split('|').some((type) => !types.includes(type) && type !== 'null')
  )
}

function choicesOf(type: string): number | undefined {
  const found = /^enum\((\d+)\)$/.exec(type)
  return found === null ? undefined : Number(found[1])
}
