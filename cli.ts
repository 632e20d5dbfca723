#!/usr/bin/env node
/** The command line: finds the command, tells it what was asked, says what went wrong. */
import { overview, UsageError, unknownCommand, usage } from './commands/arguments.ts'
import { commands } from './commands/index.ts'
import { Misconfigured } from './schema/errors.ts'

/** Exit codes: 0 done, 1 failed, 2 the operator has to mend the command line or a file first. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  const syntaxes = commands.map(({ syntax }) => syntax)
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(`${overview(syntaxes)}\n`)
    return name === undefined ? 2 : 0
  }
  const command = commands.find(({ syntax }) => syntax.name === name)
  if (command === undefined) {
    throw new UsageError(unknownCommand(name, syntaxes))
  }
  if (rest.includes('--help')) {
    process.stdout.write(`${usage(command.syntax)}\n`)
    return 0
  }
  return command.run(rest)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof UsageError || error instanceof Misconfigured) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}
