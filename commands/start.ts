/** `telltale start`: everything in one process. */
import { loadConfig } from '../config.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { addressesText, runUntilStopped } from './running.ts'

export const startCommand: Command = {
  syntax: {
    name: 'start',
    summary: 'everything in one process: OTLP in, alerts out',
    options: { insecure: { type: 'boolean' } },
    help: [['--insecure', 'listen on addresses that other machines reach although no key is configured']],
  },
  run: async (args) => {
    const { values } = parseCommand(startCommand.syntax, args)
    const loaded = loadConfig(values.config as string | undefined)
    const config = values.insecure === true ? { ...loaded, insecure: true } : loaded
    return runUntilStopped(config, async (telltale) => {
      process.stdout.write(`Telltale is ready.\n${addressesText(telltale, config)}\n`)
      return 'stay'
    })
  },
}
