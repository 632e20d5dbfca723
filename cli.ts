#!/usr/bin/env -S node --max-semi-space-size=64 --v8-pool-size=2
/** The command line: finds the command, tells it what was asked, says what went wrong. */
import { overview, UsageError, unknownCommand, usage } from './commands/arguments.ts'
import { VERSION } from './package-files.ts'
import { Misconfigured, Unavailable } from './schema/errors.ts'

/** Exit codes: 0 done, 1 failed, 2 the operator has to mend the command line or a file first. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version') {
    process.stdout.write(`${VERSION}\n`)
    return 0
  }
  // Loading everything that judges takes a while.
  const { commands } = await import('./commands/index.ts')
  const syntaxes = commands.map(({ syntax }) => syntax)
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${overview(syntaxes)}\n`)
    return name === undefined ? 2 : 0
  }
  const command = commands.find(({ syntax }) => syntax.name === name)
  if (command === undefined) {
    throw new UsageError(unknownCommand(name, syntaxes))
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`${usage(command.syntax)}\n`)
    return 0
  }
  return command.run(rest)
}

// Whoever reads along may stop (`| head`); the work goes on. Anything else wrong with the output is worth a crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      throw error
    }
  })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof UsageError || error instanceof Misconfigured) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else if (error instanceof Unavailable) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}
