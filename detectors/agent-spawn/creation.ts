/** How telemetry shows that an agent comes to be: a span that says so, a tool that makes agents, or an agent at work. */
import type { Subject, Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { callersOf, callingAgent, namesOf } from '../draft/chain.ts'
import { wordsOf } from '../text/name-words.ts'
import { nameIn, newAgents } from './new-agents.ts'

/** Every name that one new agent goes by. */
export type NewAgent = readonly string[]

export interface Creation {
  /** `span`: `agent_spawn`. `tool`: a call of a tool that makes agents. `work`: it acts for the agent that called it. */
  readonly shownBy: 'span' | 'tool' | 'work'
  /** The new agents; empty when telemetry does not say which. */
  readonly agents: readonly NewAgent[]
  /** Who is above the new agents, nearest first: who created it, who created that one. Ids and names. */
  readonly above: readonly Subject[]
}

/** The agents that an event brings to be or shows at work for another one, or `undefined`. */
export function creationOf(event: Telemetry): Creation | undefined {
  switch (event.operation) {
    case 'agent_spawn':
      return { shownBy: 'span', agents: spawned(event), above: aboveOwn(event) }
    case 'tool_call':
      return event.tool !== null && makers.of(event.tool.name)
        ? { shownBy: 'tool', agents: asked(event.content?.arguments), above: aboveOwn(event) }
        : undefined
    case 'agent_invoke':
      return callingAgent(event) === undefined
        ? undefined
        : { shownBy: 'work', agents: [workingNames(event)], above: agentsAbove(event) }
    default:
      return undefined
  }
}

function agentsAbove(event: Telemetry): readonly Subject[] {
  return callersOf(event)
    .filter(({ kind }) => kind === 'agent')
    .toReversed()
}

function aboveOwn(event: Telemetry): readonly Subject[] {
  const { id, name } = event.agent
  return [{ kind: 'agent', id, ...(name === undefined ? {} : { name }) }, ...agentsAbove(event)]
}

/** A sub-agent of a coding agent is called by the whole way to it: `claude-code/Explore`. Its own name is the end. */
function workingNames({ agent }: Telemetry): NewAgent {
  const own = agent.id.slice(agent.id.lastIndexOf('/') + 1)
  return [...new Set([...namesOf(agent), own])].filter((name) => name !== '')
}

/** Instrumentations give the name of the new agent as what the creation was asked for. */
function spawned({ content }: Telemetry): readonly NewAgent[] {
  const text = content?.arguments ?? ''
  const name = nameIn(text)
  return text.startsWith('{') ? asked(text) : name === undefined ? [] : [[name]]
}

function asked(text: string | undefined): readonly NewAgent[] {
  return newAgents(text).map((name) => [name])
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const STARTING = words('spawn launch start fork run dispatch deploy')
const MAKING = new Set([...STARTING, ...words('create new add clone register')])
const AGENTS = words('agent agents subagent subagents assistant swarm crew')
/** What may stand behind the agent that is made; behind one that is started, also what it does. */
const BEHIND = words(
  'instance instances copy copies worker workers process group team pool fleet system systems tool async sync batch bulk',
)
const DOING = words('task tasks job jobs session run thread workflow')
/** Behind these stands what the agent is made from, or for. */
const JOINING = words('from with in on to by via for as using and')
const VERSION = /^v?\d+$/
/** Of coding agents and frameworks: one word that makes a sub-agent and says so only in its description. */
const MAKERS = words('task agent runsubagent subagent dispatch_agent sessions_spawn new_task')

const REMEMBERED = 64 * 1024
const makers = new TextMemory(makesAgents, REMEMBERED, 'first')

/** What is made must be the agent: a note about one, and the user agent of a browser, are none. */
function makesAgents(tool: string): boolean {
  if (MAKERS.has(tool.toLowerCase())) {
    return true
  }
  const found = wordsOf(tool)
  const joint = found.findIndex((word, index) => index > 0 && JOINING.has(word))
  const phrase = joint < 0 ? found : found.slice(0, joint)
  const at = phrase.findLastIndex((word) => AGENTS.has(word))
  if (at < 0 || phrase[at - 1] === 'user' || !phrase.some((word) => MAKING.has(word))) {
    return false
  }
  const starts = phrase.some((word) => STARTING.has(word))
  return phrase
    .slice(at + 1)
    .every((word) => MAKING.has(word) || BEHIND.has(word) || VERSION.test(word) || (starts && DOING.has(word)))
}
