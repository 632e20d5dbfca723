/** The agent was given text that an outsider may have written: a page, a mail, an issue, a message from elsewhere. */
import type { Destination } from '../../schema/telemetry.ts'
import { toolActions } from '../draft/tool-powers.ts'
import type { Marker } from './mark.ts'
import { toolSources } from './tool-sources.ts'

const HOUR_MS = 3_600_000

export const untrustedContent: Marker = {
  kind: 'untrusted-content',
  lastsMs: 6 * HOUR_MS,
  mark({ operation, outcome, tool, destinations }) {
    if (operation !== 'tool_call' || outcome !== 'ok' || tool === null) {
      return undefined
    }
    const source = toolSources(tool.name).outside ?? (isToldAnAddress(destinations) ? 'named-address' : undefined)
    return source === undefined || toolActions(tool.name).has('sends')
      ? undefined
      : { source, untrusted_name: tool.name }
  },
}

/** Whatever a tool opens at an address that it is given, it comes from there. */
function isToldAnAddress(destinations: readonly Destination[]): boolean {
  return destinations.some(({ seen_in }) => seen_in === 'argument')
}
