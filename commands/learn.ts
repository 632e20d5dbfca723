/** `telltale learn`: proposes, for each agent, the least policy that would have allowed what it did. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../config.ts'
import { type Proposal, propose } from '../rules/learn/propose.ts'
import { loadPolicies } from '../rules/load.ts'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { quoteName } from '../schema/quote-name.ts'
import { parseCommand, UsageError } from './arguments.ts'
import type { Command } from './command.ts'
import { leftOutNotes, PAST_OPTIONS, readPast } from './past.ts'

const DEFAULT_SINCE = '7d'
const DEFAULT_MIN_SEEN = '2'

export const learnCommand: Command = {
  syntax: {
    name: 'learn',
    summary: 'propose policies from what agents did',
    about: [
      'Writes one policy for each agent: the tools, hosts, datasets, callers and scopes it was seen with, how often and when. What was',
      'seen less than twice, denied, or flagged is not proposed but listed in comments. Read a proposal before you use it.',
    ],
    ...PAST_OPTIONS,
    options: { ...PAST_OPTIONS.options, out: { type: 'string' }, 'min-seen': { type: 'string' } },
    help: [
      ...PAST_OPTIONS.help,
      ['--out DIR', 'write each policy to a file there, instead of printing them'],
      ['--min-seen N', `propose what was seen in so many events (default ${DEFAULT_MIN_SEEN})`],
    ],
  },
  run: async (args) => {
    const parsed = parseCommand(learnCommand.syntax, args)
    const { values } = parsed
    const minSeen = minSeenOf((values['min-seen'] as string | undefined) ?? DEFAULT_MIN_SEEN)
    const config = loadConfig(values.config as string | undefined)
    const policies = await loadPolicies((values.policies as string | undefined) ?? config.policies)
    const past = await readPast(parsed, config, policies, DEFAULT_SINCE)
    const { proposals, unproposed } = propose(past.history.agents(), { minSeen })
    if (typeof values.out === 'string') {
      writeProposals(proposals, values.out)
    } else {
      process.stdout.write(proposals.map(({ text }) => text).join('---\n'))
    }
    const left = proposals.reduce((sum, proposal) => sum + proposal.left.length, 0)
    const where = typeof values.out === 'string' ? ` in ${values.out}; telltale check --policies ${values.out}` : ''
    const notes = [
      ...leftOutNotes(past),
      ...unproposed.map(({ agentId, why }) => `no policy for ${quoteName(agentId)}: ${why}`),
    ].map((note) => `${note}\n`)
    process.stderr.write(
      `${notes.join('')}${counted(proposals.length, 'policy', 'policies')} proposed, ${counted(left, 'use', 'uses')} left out${where}\n`,
    )
    return 0
  },
}

const counted = (number: number, one: string, more: string) => `${number} ${number === 1 ? one : more}`

function minSeenOf(written: string): number {
  if (!/^[1-9]\d{0,8}$/.test(written)) {
    throw new UsageError(`'${written.slice(0, 40)}' is not a number of events; write --min-seen 1 or more`)
  }
  return Number(written)
}

/** Nothing is written over: a policy that stands there may have been edited. */
function writeProposals(proposals: readonly Proposal[], directory: string): void {
  const problems: Problem[] = []
  try {
    mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw new Misconfigured([{ file: directory, message: `cannot be made: ${(error as Error).message}` }])
  }
  for (const { id, text } of proposals) {
    const file = join(directory, `${id}.yml`)
    try {
      writeFileSync(file, text, { flag: 'wx' })
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
      const message = exists
        ? 'is there already, and was left as it is'
        : `cannot be written: ${(error as Error).message}`
      problems.push({ file, message, ...(exists ? { suggestion: 'give another directory by --out' } : {}) })
    }
  }
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}
