/** The agent read something private: by its classification, by what was masked in it, or by what the tool reads. */
import type { Telemetry } from '../../schema/telemetry.ts'
import type { Marker } from './mark.ts'
import { toolSources } from './tool-sources.ts'

const HOUR_MS = 3_600_000

export const privateData: Marker = {
  kind: 'private-data',
  lastsMs: 6 * HOUR_MS,
  mark(event) {
    if (event.outcome !== 'ok' || (event.operation !== 'tool_call' && event.operation !== 'retrieval')) {
      return undefined
    }
    const dataset = event.dataset_scope.find(
      ({ classification }) => classification === 'confidential' || classification === 'restricted',
    )
    if (dataset !== undefined) {
      return { source: 'classified-dataset', untrusted_name: dataset.id }
    }
    if (event.tool === null) {
      return undefined
    }
    const named = { untrusted_name: event.tool.name }
    if (holdsMasked(event)) {
      return { source: 'masked-values', ...named }
    }
    const source = toolSources(event.tool.name).private
    return source === undefined ? undefined : { source, ...named }
  },
}

/** The collector left placeholders where secrets and personal data stood. */
function holdsMasked({ content }: Telemetry): boolean {
  return content?.result?.includes('[masked:') === true
}
