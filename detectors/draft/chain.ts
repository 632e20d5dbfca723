/** The subject chain of an event, as detectors ask about it. */
import type { Subject, Telemetry } from '../../schema/telemetry.ts'

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
