/** `telltale coverage`: which detectors and techniques the telemetry of the last days covers, and what is missing. */
import { loadConfig } from '../config.ts'
import type { Coverage, SeenFields } from '../engine/coverage.ts'
import { loadPolicies } from '../rules/load.ts'
import { fieldsOf } from '../schema/field-path.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { coverage } from '../wire.ts'
import { API_OPTIONS, openApiClient } from './api-client.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { coverageText } from './coverage-text.ts'
import { replayHistory } from './history.ts'
import { sinceMs } from './since.ts'

const DEFAULT_SINCE = '7d'

export const coverageCommand: Command = {
  syntax: {
    name: 'coverage',
    operands: '[FILE...]',
    summary: 'which detectors your telemetry feeds, and what is missing',
    about: [
      'Asks a running Telltale about the last days, or reads recordings. A detector is covered when every agent that does',
      'what it judges sends all that it needs and has the policy section it needs; blind when none does.',
    ],
    options: {
      ...API_OPTIONS.options,
      since: { type: 'string' },
      policies: { type: 'string' },
      json: { type: 'boolean' },
    },
    help: [
      ['FILE', 'recordings to read instead, as for replay'],
      ['--since TIME', `how far back to ask (default ${DEFAULT_SINCE})`],
      ...API_OPTIONS.help,
      ['--policies DIR', 'with FILE: policies to judge by, instead of the configured ones'],
      ['--json', 'print the report as JSON'],
    ],
  },
  run: async (args) => {
    const parsed = parseCommand(coverageCommand.syntax, args)
    const { operands, values } = parsed
    const config = loadConfig(values.config as string | undefined)
    const since = (values.since as string | undefined) ?? DEFAULT_SINCE
    const report =
      operands.length === 0
        ? await openApiClient(config, parsed).get<Coverage>('/api/v1/coverage', { from: Date.now() - sinceMs(since) })
        : await coverageOfRecordings(operands, config, values.policies as string | undefined)
    const of = `${report.agents} agents ${operands.length === 0 ? `of the last ${since}` : 'in the recordings'}`
    process.stdout.write(`${values.json === true ? JSON.stringify(report, undefined, 2) : coverageText(report, of)}\n`)
    return 0
  },
}

async function coverageOfRecordings(
  files: readonly string[],
  config: ReturnType<typeof loadConfig>,
  directory: string | undefined,
): Promise<Coverage> {
  const policies = await loadPolicies(directory ?? config.policies)
  const seen = new Map<string, Omit<SeenFields, 'agent'> & { readonly agentId: string }>()
  const lastOf = new Map<string, Pick<Telemetry, 'agent' | 'time_ms'>>()
  let newestMs = 0
  const onEvent = (event: Telemetry): void => {
    const { agent, operation, time_ms } = event
    newestMs = Math.max(newestMs, time_ms)
    if (time_ms >= (lastOf.get(agent.id)?.time_ms ?? 0)) {
      lastOf.set(agent.id, { agent, time_ms })
    }
    const key = JSON.stringify([agent.id, operation])
    const fields = new Set([...(seen.get(key)?.fields ?? []), ...fieldsOf(event)])
    seen.set(key, { agentId: agent.id, operation, fields: [...fields] })
  }
  await replayHistory(config, { files, policies, onEvent })
  const rows = [...seen.values()].map(({ agentId: id, ...row }) => ({ ...row, agent: lastOf.get(id)?.agent ?? { id } }))
  return coverage(rows, policies, newestMs)
}
