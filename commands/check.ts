/** `telltale check`: is everything that an operator wrote valid? Nothing is started, nothing is contacted. */
import { loadConfig } from '../config.ts'
import { checkConfig } from '../run.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'

export const checkCommand: Command = {
  syntax: {
    name: 'check',
    summary: 'validate the configuration and the policies',
    options: { policies: { type: 'string' } },
    help: [['--policies DIR', 'policies to check, instead of the configured ones']],
  },
  run: async (args) => {
    const { values } = parseCommand(checkCommand.syntax, args)
    const loaded = loadConfig(values.config as string | undefined)
    const config = typeof values.policies === 'string' ? { ...loaded, policies: values.policies } : loaded
    const { policies, sinks } = await checkConfig(config)
    const rows = policies.policies.map(({ id, file, mode, owner }) => {
      return `  ${id.padEnd(28)} ${mode.padEnd(6)} ${(owner ?? '-').padEnd(20)} ${file}`
    })
    const heading = `All is valid: ${policies.policies.length} policies, ${sinks.length} sinks, ${config.keys.length} keys.`
    process.stdout.write(`${[heading, ...rows].join('\n')}\n`)
    return 0
  },
}
