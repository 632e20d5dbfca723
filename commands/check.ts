/** `telltale check`: is everything that an operator wrote valid, and do the tests in policies hold? Nothing is started, nothing is contacted. */
import { examineConfig } from '../config.ts'
import { type Checked, checkConfig } from '../preflight.ts'
import { expiryNotices } from '../rules/expiry.ts'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { failedTests } from './policy-tests.ts'

export const checkCommand: Command = {
  syntax: {
    name: 'check',
    summary: 'validate the configuration and the policies, and run the tests inside them',
    options: { policies: { type: 'string' } },
    help: [['--policies DIR', 'policies to check, instead of the configured ones']],
  },
  run: async (args) => {
    const { values } = parseCommand(checkCommand.syntax, args)
    const examined = examineConfig(values.config as string | undefined)
    const { config, problems } =
      typeof values.policies === 'string'
        ? { ...examined, config: { ...examined.config, policies: values.policies } }
        : examined
    const { policies, sinks } = await checkedWith(problems, () => checkConfig(config))
    const rows = policies.policies.map(({ id, file, mode, owner }) => {
      return `  ${id.padEnd(28)} ${mode.padEnd(6)} ${(owner ?? '-').padEnd(20)} ${file}`
    })
    const failed = failedTests(policies.tests)
    if (failed.length > 0) {
      throw new Misconfigured(failed)
    }
    const { length: tests } = policies.tests
    const passed = tests === 0 ? '' : ` ${tests} ${tests === 1 ? 'test' : 'tests'} of policies passed.`
    const heading = `All is valid: ${policies.policies.length} policies, ${sinks.length} sinks, ${config.keys.length} keys.${passed}`
    const ending = expiryNotices(policies.policies, Date.now()).map(({ message }) => `note: ${message}`)
    process.stdout.write(`${[heading, ...rows, ...ending].join('\n')}\n`)
    return 0
  },
}

/** One run tells everything: what is wrong with the configuration does not hide what is wrong with the rest. */
async function checkedWith(problems: readonly Problem[], check: () => Promise<Checked>): Promise<Checked> {
  try {
    const checked = await check()
    if (problems.length === 0) {
      return checked
    }
  } catch (error) {
    if (!(error instanceof Misconfigured)) {
      throw error
    }
    throw new Misconfigured([...problems, ...error.problems])
  }
  throw new Misconfigured(problems)
}
