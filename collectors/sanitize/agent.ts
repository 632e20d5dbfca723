/** The agent of a draft made fit to leave the collector. For `draft.ts` alone. */

import { cut } from '../../schema/cut.ts'
import { type Agent, LABEL_LIMIT, LABEL_VALUE_LIMIT, type Labels } from '../../schema/telemetry.ts'
import { identifier } from './identifier.ts'

/** The agent with its names sanitized; `undefined` when nothing of it remains. */
export function sanitizeAgent(agent: Partial<Agent>): Partial<Agent> | undefined {
  const kept: Partial<Agent> = {}
  const id = identifier(agent.id)
  const name = identifier(agent.name)
  const version = identifier(agent.version)
  const framework = identifier(agent.framework)
  const owner = identifier(agent.owner)
  if (id !== undefined) {
    kept.id = id
  }
  if (name !== undefined) {
    kept.name = name
  }
  if (version !== undefined) {
    kept.version = version
  }
  if (framework !== undefined) {
    kept.framework = framework
  }
  if (owner !== undefined) {
    kept.owner = owner
  }
  const labels = agent.labels === undefined ? undefined : sanitizeLabels(agent.labels)
  if (labels !== undefined) {
    kept.labels = labels
  }
  return (id ?? name ?? version ?? framework ?? owner ?? labels) === undefined ? undefined : kept
}

const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/

/** In the order of their names, so that the same labels are the same text however they were sent. */
function sanitizeLabels(labels: Labels): Labels | undefined {
  const kept: [string, string][] = []
  for (const [name, value] of Object.entries(labels)) {
    const clean = LABEL_NAME.test(name) ? cut(identifier(value) ?? '', LABEL_VALUE_LIMIT) : ''
    if (clean !== '' && kept.length < LABEL_LIMIT) {
      kept.push([name, clean])
    }
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)))
}
