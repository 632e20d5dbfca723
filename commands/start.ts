/** `telltale start`: everything in one process. */
import { startTelltale } from '../run.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { readyText, runUntilStopped } from './running.ts'
import { configOf, STAGE_OPTIONS } from './stage-options.ts'

export const startCommand: Command = {
  syntax: {
    name: 'start',
    summary: 'everything in one process: OTLP in, alerts out',
    about: [
      'Every stage in this process. Without bus.kafka in the configuration the log between them is embedded, without',
      'store.url the store, too. With Kafka, stages that run elsewhere share the work with those here.',
    ],
    ...STAGE_OPTIONS,
  },
  run: async (args) => {
    const config = configOf(parseCommand(startCommand.syntax, args))
    return runUntilStopped(
      (log) => startTelltale(config, log),
      async (telltale) => {
        process.stdout.write(`${readyText(telltale, config)}\n`)
        return 'stay'
      },
    )
  },
}
