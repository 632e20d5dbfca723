/** The agents that the arguments of a creation name, wherever in them they stand. */
import { jsonOf } from '../text/json.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** Keys as they are read: `agent_type`, `agentType` and `agent-type` are one. */
const plain = (key: string) => key.toLowerCase().replaceAll(/[_-]/g, '')
/** What an agent is named by, what it is made from first: beside that, a name is a label. */
const NAME_KEYS = ['subagenttype', 'agenttype', 'agentid', 'agentname', 'agent', 'name', 'role']
/** What an agent is named by where nothing else names it, and what holds it says that it is one. */
const MEMBER_KEYS = [...NAME_KEYS, 'id']
/** What holds several agents: lists, and texts that are lists. */
const LISTS = words(
  'agents agentids agentnames agenttypes assistants members subagents subagentids subagentnames subagenttypes teammates teammembers workers',
)
/** What holds other agents. As a text, `crew` and its like are labels. */
const MEMBERS = new Set([...LISTS, ...words('agent assistant crew subagent swarm team')])
/** What only wraps what was asked for. */
const WRAPPERS = words(
  'args arguments body config configuration data definition input inputs kwargs metadata options params parameters payload properties request settings spec',
)
/** A text that lists names: none has blanks, as sentences have. */
const LIST = /^\s{0,9}[\w./:@-]{1,200}(?:\s{0,9},\s{0,9}[\w./:@-]{1,200}){0,63}\s{0,9}$/
const NUMBER = /^\d+$/
/** The longest text that is taken for a name, and how much of a call is read. */
const NAME_LENGTH = 200
const MOST_AGENTS = 64
const DEPTH = 5

/** Names of the agents that arguments, written as JSON, ask for; empty when they name none, or cannot be read. */
export function newAgents(text: string | undefined): readonly string[] {
  const found = new Set<string>()
  read(jsonOf(text), NAME_KEYS, found, DEPTH)
  return [...found]
}

/** The name that a text is, if it is one. */
export function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH ? value : undefined
}

function read(value: unknown, nameKeys: readonly string[], found: Set<string>, depth: number): void {
  if (depth === 0 || found.size >= MOST_AGENTS || typeof value !== 'object' || value === null) {
    return
  }
  if (Array.isArray(value)) {
    for (const each of value.slice(0, MOST_AGENTS).map(opened)) {
      const name = nameIn(each)
      if (name === undefined) {
        read(each, nameKeys, found, depth - 1)
      } else {
        found.add(name)
      }
    }
    return
  }
  const fields = Object.entries(value).map(([key, inner]) => [plain(key), opened(inner)] as const)
  const byKey = new Map(fields.toReversed())
  const own = nameKeys.map((key) => nameIn(byKey.get(key))).find((name) => name !== undefined)
  if (own !== undefined) {
    found.add(own)
  }
  const known = found.size
  for (const [key, inner] of fields) {
    if (MEMBERS.has(key)) {
      read(LISTS.has(key) ? listed(inner) : inner, MEMBER_KEYS, found, depth - 1)
    }
  }
  // What names an agent itself wraps none: its settings have names of their own.
  for (const [key, inner] of own === undefined && found.size === known ? fields : []) {
    if (WRAPPERS.has(key)) {
      read(inner, nameKeys, found, depth - 1)
    }
  }
}

/** What a text holds that is JSON of an object or a list: `"{\"name\":\"writer\"}"`. */
function opened(value: unknown): unknown {
  const inner = typeof value === 'string' && /^\s*[[{]/.test(value) ? jsonOf(value) : undefined
  return inner ?? value
}

/** `"writer, researcher"` as a list; what is none as it is. */
function listed(value: unknown): unknown {
  return typeof value === 'string' && LIST.test(value) && !NUMBER.test(value.trim())
    ? value.split(',').map((name) => name.trim())
    : value
}
