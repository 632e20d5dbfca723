/** Another agent called this one: what came into the caller's part of the session may go on here. */
import type { Marker } from './mark.ts'

const HOUR_MS = 3_600_000

export const handedOver: Marker = {
  kind: 'handed-over',
  lastsMs: 6 * HOUR_MS,
  mark({ operation, agent, subject_chain }) {
    if (operation !== 'agent_invoke' || subject_chain.length < 2) {
      return undefined
    }
    const caller = subject_chain.findLast(({ kind, id }) => kind === 'agent' && id !== agent.id)
    return caller === undefined ? undefined : { source: 'calling-agent', untrusted_name: caller.id }
  },
}
