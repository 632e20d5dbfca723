/** Summaries of tool definitions, made fit to leave the collector. */

import { cut } from '../../schema/cut.ts'
import { DESCRIPTION_LIMIT, PARAMETERS_LIMIT, TOOLS_LIMIT, type ToolDefinition } from '../../schema/telemetry.ts'
import { maskAndCut } from './content.ts'
import { identifier, withoutSecrets } from './identifier.ts'

/** A manifest comes with every conversation, mostly as the very list that came before. */
const known = new WeakMap<readonly ToolDefinition[], ToolDefinition[] | undefined>()

/** `undefined` when none can be kept. */
export function sanitizeDefinitions(tools: readonly ToolDefinition[]): ToolDefinition[] | undefined {
  if (known.has(tools)) {
    return known.get(tools)
  }
  const kept = tools.slice(0, TOOLS_LIMIT).flatMap(sanitizeDefinition)
  const result = kept.length === 0 ? undefined : kept
  known.set(tools, result)
  return result
}

function sanitizeDefinition(tool: ToolDefinition): readonly ToolDefinition[] {
  const name = identifier(tool.name)
  if (name === undefined) {
    return []
  }
  const server = identifier(tool.server)
  const hosts = (tool.hosts ?? []).flatMap((host) => identifier(host) ?? [])
  return [
    {
      name,
      ...(server === undefined ? {} : { server }),
      hash: tool.hash,
      words: tool.words,
      parameters: tool.parameters
        .map((parameter) => cut(withoutSecrets(parameter), 200))
        .filter((parameter) => parameter !== '')
        .slice(0, PARAMETERS_LIMIT),
      ...(tool.powers === undefined ? {} : { powers: tool.powers }),
      ...(hosts.length === 0 ? {} : { hosts }),
      ...(tool.description === undefined ? {} : { description: maskAndCut(tool.description, DESCRIPTION_LIMIT) }),
    },
  ]
}
