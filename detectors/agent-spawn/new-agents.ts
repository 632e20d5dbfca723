/** The agents that the arguments of a creation name, wherever in them they stand. */
import { jsonOf } from '../text/json.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** What an agent is named by, what it is made from first: beside that, a name is a label. */
const NAME_KEYS = [
  'subagent_type',
  'agent_type',
  'agent_id',
  'agentId',
  'agent_name',
  'agentName',
  'agent',
  'name',
  'role',
]
/** What holds other agents. */
const MEMBERS = words('agent agents assistant assistants crew members subagent subagents swarm team workers')
/** What only wraps what was asked for. */
const WRAPPERS = words(
  'args arguments body config configuration data definition input inputs kwargs metadata options params parameters payload properties request settings spec',
)
/** The longest text that is taken for a name, and how much of a call is read. */
const NAME_LENGTH = 200
const MOST_AGENTS = 64
const DEPTH = 5

/** Names of the agents that arguments, written as JSON, ask for; empty when they name none, or cannot be read. */
export function newAgents(text: string | undefined): readonly string[] {
  const found = new Set<string>()
  read(jsonOf(text), found, DEPTH)
  return [...found]
}

/** The name that a text is, if it is one. */
export function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH ? value : undefined
}

function read(value: unknown, found: Set<string>, depth: number): void {
  if (depth === 0 || found.size >= MOST_AGENTS || typeof value !== 'object' || value === null) {
    return
  }
  if (Array.isArray(value)) {
    for (const each of value.slice(0, MOST_AGENTS)) {
      const name = nameIn(each)
      if (name === undefined) {
        read(each, found, depth - 1)
      } else {
        found.add(name)
      }
    }
    return
  }
  const fields = Object.entries(value).filter(([, inner]) => typeof inner === 'object')
  const own = NAME_KEYS.map((key) => nameIn((value as Record<string, unknown>)[key])).find((name) => name !== undefined)
  if (own !== undefined) {
    found.add(own)
  }
  const known = found.size
  for (const [key, inner] of fields) {
    if (MEMBERS.has(key.toLowerCase().replaceAll('_', ''))) {
      read(inner, found, depth - 1)
    }
  }
  // What names an agent itself wraps none: its settings have names of their own.
  for (const [key, inner] of own === undefined && found.size === known ? fields : []) {
    if (WRAPPERS.has(key.toLowerCase())) {
      read(inner, found, depth - 1)
    }
  }
}
