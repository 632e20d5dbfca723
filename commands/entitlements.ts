/** `telltale entitlements`: what policies grant and nobody used, and what was used without being granted. */
import { loadConfig } from '../config.ts'
import { type Entitlements, entitlementsOf } from '../rules/learn/entitlements.ts'
import { entryText } from '../rules/learn/use.ts'
import { loadPolicies } from '../rules/load.ts'
import { printable } from '../schema/printable.ts'
import { quoteName } from '../schema/quote-name.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'
import { leftOutNotes, PAST_OPTIONS, readPast } from './past.ts'

const DEFAULT_SINCE = '30d'

export const entitlementsCommand: Command = {
  syntax: {
    name: 'entitlements',
    summary: 'what policies grant and nobody uses',
    about: [
      'Compares what agents did with the entries of their policies. With --agent, only what these agents did counts.',
    ],
    ...PAST_OPTIONS,
    options: { ...PAST_OPTIONS.options, json: { type: 'boolean' } },
    help: [...PAST_OPTIONS.help, ['--json', 'print the report as JSON']],
  },
  run: async (args) => {
    const parsed = parseCommand(entitlementsCommand.syntax, args)
    const { values } = parsed
    const config = loadConfig(values.config as string | undefined)
    const policies = await loadPolicies((values.policies as string | undefined) ?? config.policies)
    const past = await readPast(parsed, config, policies, DEFAULT_SINCE)
    const report = reportOf(entitlementsOf(past.history.agents(), policies))
    process.stderr.write(
      leftOutNotes(past)
        .map((note) => `${note}\n`)
        .join(''),
    )
    process.stdout.write(`${values.json === true ? JSON.stringify(report, undefined, 2) : textOf(report)}\n`)
    return 0
  },
}

interface Report {
  readonly unused: readonly { readonly place: string; readonly section: string; readonly entry: string }[]
  readonly ungranted: readonly {
    readonly agent: string
    readonly policy: string
    readonly section: string
    readonly entry: string
    readonly events: number
    /** How many of them were denied or refused. */
    readonly denied: number
  }[]
  /** Ids of policies that govern no agent that was seen. */
  readonly idle: readonly string[]
  /** Ids of agents without a policy. */
  readonly ungoverned: readonly string[]
}

function reportOf({ unused, ungranted, idle, ungoverned }: Entitlements): Report {
  return {
    unused: unused.map(({ file, line, section, list, text }) => ({
      place: line === undefined ? file : `${file}:${line}`,
      section: `${section}.${list}`,
      entry: text,
    })),
    ungranted: ungranted.map(({ agent, policy, use: { section, used, events, denied } }) => ({
      agent: agent.id,
      policy: policy.id,
      section: `${section}.${used.list}`,
      entry: entryText(used.entry),
      events,
      denied,
    })),
    idle: idle.map(({ id }) => id),
    ungoverned: ungoverned.map(({ id }) => id),
  }
}

function deniedText(events: number, denied: number): string {
  return denied === 0 ? '' : denied === events ? ', denied' : `, ${denied} of them denied`
}

const times = (events: number) => (events === 1 ? 'once' : `${events} times`)

function textOf({ unused, ungranted, idle, ungoverned }: Report): string {
  const part = (heading: string, rows: readonly string[]) =>
    rows.length === 0 ? [] : [heading, ...rows.map((row) => `  ${row}`), '']
  const rows = [
    ...part(
      'Granted and not used:',
      unused.map(({ place, section, entry }) => `${place}: ${section}: ${printable(entry)}`),
    ),
    ...part(
      'Used, or tried, and not granted:',
      ungranted.map(
        ({ agent, policy, section, entry, events, denied }) =>
          `${quoteName(agent)} under ${policy}: ${section}: ${quoteName(entry)}, ${times(events)}${deniedText(events, denied)}`,
      ),
    ),
    ...part('Policies of agents that were not seen:', idle),
    ...part('Agents without a policy (telltale learn proposes one):', ungoverned.map(quoteName)),
  ]
  return rows.length === 0 ? 'Every entry of every policy was used, and nothing else.' : rows.join('\n').trimEnd()
}
