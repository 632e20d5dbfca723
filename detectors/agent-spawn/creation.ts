/** How telemetry shows that an agent comes to be: a span that says so, a tool that makes agents, or an agent at work. */
import type { Subject, Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { callersOf, callingAgent, namesOf } from '../draft/chain.ts'
import { jsonOf } from '../text/json.ts'
import { wordsOf } from '../text/name-words.ts'

export interface Creation {
  /** `span`: `agent_spawn`. `tool`: a call of a tool that makes agents. `work`: it acts for the agent that called it. */
  readonly shownBy: 'span' | 'tool' | 'work'
  /** What the new agent is called; empty when telemetry does not say. */
  readonly names: readonly string[]
  /** Who is above the new agent, nearest first: who created it, who created that one. Ids and names. */
  readonly above: readonly Subject[]
}

/** The agent that an event brings to be or shows at work for another one, or `undefined`. */
export function creationOf(event: Telemetry): Creation | undefined {
  switch (event.operation) {
    case 'agent_spawn':
      return { shownBy: 'span', names: spawnedName(event), above: aboveOwn(event) }
    case 'tool_call':
      return event.tool !== null && makers.of(event.tool.name)
        ? { shownBy: 'tool', names: argumentNames(event.content?.arguments), above: aboveOwn(event) }
        : undefined
    case 'agent_invoke':
      return callingAgent(event) === undefined
        ? undefined
        : { shownBy: 'work', names: workingNames(event), above: agentsAbove(event) }
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
function workingNames({ agent }: Telemetry): readonly string[] {
  const own = agent.id.slice(agent.id.lastIndexOf('/') + 1)
  return [...new Set([...namesOf(agent), own])].filter((name) => name !== '')
}

/** The longest text that is taken for a name. */
const NAME_LENGTH = 200

/** Instrumentations give the name of the new agent as what the creation was asked for. */
function spawnedName({ content }: Telemetry): readonly string[] {
  const text = content?.arguments ?? ''
  return text.startsWith('{') ? argumentNames(text) : named(text)
}

const NAME_KEYS = [
  'name',
  'agent_name',
  'agentName',
  'agent',
  'agent_id',
  'agentId',
  'subagent_type',
  'agent_type',
  'role',
]

function argumentNames(text: string | undefined): readonly string[] {
  const written = jsonOf(text) as Record<string, unknown> | null | undefined
  return [...new Set(NAME_KEYS.flatMap((key) => named(written?.[key])))]
}

function named(value: unknown): readonly string[] {
  return typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH ? [value] : []
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const MAKING = words('create spawn launch start new add fork clone run dispatch deploy register')
const AGENTS = words('agent agents subagent subagents assistant swarm crew')
/** Of coding agents and frameworks: one word that makes a sub-agent and says so only in its description. */
const MAKERS = words('task agent runsubagent subagent dispatch_agent sessions_spawn new_task')

const REMEMBERED = 64 * 1024
const makers = new TextMemory(makesAgents, REMEMBERED, 'first')

function makesAgents(tool: string): boolean {
  const found = wordsOf(tool)
  return (
    MAKERS.has(tool.toLowerCase()) || (found.some((word) => AGENTS.has(word)) && found.some((word) => MAKING.has(word)))
  )
}
