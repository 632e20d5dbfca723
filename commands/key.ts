/** `telltale key SCOPE`: makes a key. It is shown once; the configuration gets its hash. */
import { makeKey, SCOPES } from '../api/keys.ts'
import { parseCommand, UsageError, usage } from './arguments.ts'
import type { Command } from './command.ts'

export const keyCommand: Command = {
  syntax: {
    name: 'key',
    operands: 'ingest|read|admin',
    minOperands: 1,
    summary: 'make a key, and the lines that let it in',
    options: { tenant: { type: 'string' } },
    help: [['--tenant NAME', 'whose data it is for (default: default)']],
  },
  run: async (args) => {
    const { operands, values } = parseCommand(keyCommand.syntax, args)
    const scope = SCOPES.find((each) => each === operands[0])
    if (scope === undefined) {
      throw new UsageError(`'${operands[0]}' is not a scope\n\n${usage(keyCommand.syntax)}`)
    }
    const tenant = values.tenant ?? 'default'
    if (tenant === '') {
      throw new UsageError(`a tenant has a name\n\n${usage(keyCommand.syntax)}`)
    }
    const { key, sha256 } = makeKey(scope)
    const entry = JSON.stringify({ name: `${scope}-key`, scope, sha256, tenant })
    process.stdout.write(
      `Give this to the client; it is not shown again:\n\n  ${key}\n\nAdd this to telltale.yml:\n\nkeys:\n  - ${entry}\n`,
    )
    return 0
  },
}
