/** The subject chain of an event, as detectors ask about it. */
import type { Agent, Subject, Telemetry } from '../../schema/telemetry.ts'

/** Everybody on whose behalf the agent acts, from the origin on, the agent itself left out. Empty when nobody is known. */
export function callersOf({ agent, subject_chain: chain }: Telemetry): readonly Subject[] {
  const last = chain.at(-1)
  return last?.kind === 'agent' && last.id === agent.id ? chain.slice(0, -1) : chain
}

/** Who called the agent directly, when that was an agent. */
export function callingAgent(event: Telemetry): Subject | undefined {
  const caller = callersOf(event).at(-1)
  return caller?.kind === 'agent' ? caller : undefined
}

/** What the user said with an event; empty where the words are those of another agent that called, which has no say. */
export function wordsOfUser(event: Telemetry): string {
  const prompt = event.content?.prompt ?? ''
  return prompt === '' || callingAgent(event) !== undefined ? '' : prompt
}

/** How many agents a chain names. */
export function agentsIn(chain: readonly Subject[]): number {
  return chain.filter(({ kind }) => kind === 'agent').length
}

/** Whether the agent acts for another agent: what it is told may come from anywhere, not from the user alone. */
export function isBetweenAgents({ subject_chain: chain }: Telemetry): boolean {
  return agentsIn(chain) > 1
}

/** Every name that an agent goes by. */
export function namesOf({ id, name }: Pick<Agent, 'id' | 'name'>): readonly string[] {
  return name === undefined || name === id ? [id] : [id, name]
}

/** An agent of the chain as policies select it: by id and name, which is all that a chain tells. */
export function agentOf({ id, name }: Subject): Agent {
  return name === undefined ? { id } : { id, name }
}
