/** The agent was given text that an outsider may have written: a page, a mail, an issue, a message from elsewhere. */
import type { Marker } from './mark.ts'
import { toolSources } from './tool-sources.ts'

const HOUR_MS = 3_600_000

export const untrustedContent: Marker = {
  kind: 'untrusted-content',
  lastsMs: 6 * HOUR_MS,
  mark({ operation, outcome, tool }) {
    if (operation !== 'tool_call' || outcome !== 'ok' || tool === null) {
      return undefined
    }
    const source = toolSources(tool.name).outside
    return source === undefined ? undefined : { source, untrusted_name: tool.name }
  },
}
