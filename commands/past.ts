/** What agents did, for commands that draw conclusions from it: from a running Telltale, or from recordings. */
import type { Config } from '../config.ts'
import { compileGlob } from '../rules/glob.ts'
import { type History, openHistory } from '../rules/learn/history.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Finding } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { API_OPTIONS, type ApiClient, openApiClient } from './api-client.ts'
import type { CommandSyntax, Parsed } from './arguments.ts'
import { replayHistory } from './history.ts'
import { progress } from './progress.ts'
import { sinceMs } from './since.ts'

/** Operands and options of commands that read the past; each says how far back it looks by itself. */
export const PAST_OPTIONS: Pick<CommandSyntax, 'operands' | 'options' | 'help'> = {
  operands: '[FILE...]',
  options: {
    ...API_OPTIONS.options,
    since: { type: 'string' },
    agent: { type: 'string' },
    policies: { type: 'string' },
  },
  help: [
    ['FILE', 'recordings to read instead of asking a running Telltale, as for replay'],
    ['--since TIME', 'how far back to ask: 12h, 7d'],
    ['--agent GLOB', "agents by id, such as 'support-*' (default: all)"],
    ...API_OPTIONS.help,
    ['--policies DIR', 'policies to compare with, instead of the configured ones'],
  ],
}

const PAGE = 1000

/**
 * How long ago an event must have happened and come to count. What is found of it is stored a little later than the event
 * itself: one that came while findings were read would pass for one that nothing is wrong with.
 */
const JUDGED_MS = 15_000

/** What was read, and what of it does not count. */
export interface Past {
  readonly history: History
  /** Events that came too late to be judged for certain. */
  readonly tooNew: number
}

/** @throws Misconfigured, Unavailable or UsageError when it cannot be read. */
export async function readPast(
  parsed: Parsed,
  config: Config,
  policies: PolicySet,
  defaultSince: string,
): Promise<Past> {
  const history = openHistory()
  const isMeant = compileGlob((parsed.values.agent as string | undefined) ?? '*')
  if (parsed.operands.length > 0) {
    await replayHistory(config, {
      files: parsed.operands,
      policies,
      onEvent: (event) => (isMeant(event.agent.id) ? history.observe(event) : undefined),
      onFinding: (finding) => {
        history.suspect(finding)
        if (isMeant(finding.agent.id)) {
          history.flag(finding)
        }
      },
    })
    return { history, tooNew: 0 }
  }
  const fromMs = Date.now() - sinceMs((parsed.values.since as string | undefined) ?? defaultSince)
  const tooNew = await readStored(openApiClient(config, parsed), fromMs, isMeant, history)
  return { history, tooNew }
}

/**
 * Findings before the events that they are about: what is counted is not kept.
 *
 * @returns how many events came too late.
 */
async function readStored(
  api: ApiClient,
  from: number,
  isMeant: (agent: string) => boolean,
  history: History,
): Promise<number> {
  // With an end: agents that act while pages are read would change places.
  const to = Date.now()
  const agents: string[] = []
  for await (const page of pages<{ readonly id: string }>(api, '/api/v1/agents', { from, to })) {
    agents.push(...page.map(({ id }) => id).filter(isMeant))
  }
  const shown = progress()
  let read = 0
  let tooNew = 0
  for await (const findings of pages<Finding>(api, '/api/v1/findings', { severity: 'high,critical', from })) {
    findings.forEach(history.suspect)
  }
  for (const agent of agents) {
    for await (const findings of pages<Finding>(api, '/api/v1/findings', { agent, from })) {
      findings.forEach(history.flag)
    }
    for await (const events of pages<Telemetry>(api, '/api/v1/events', { agent, from, to })) {
      const judged = events.filter((event) => Math.max(event.time_ms, event.observed_ms) < to - JUDGED_MS)
      judged.forEach(history.observe)
      tooNew += events.length - judged.length
      read += events.length
      shown.update(`${read} events read so far`)
    }
  }
  shown.end()
  return tooNew
}

/** What does not count, as lines to print; empty when that is nothing. The agents of the history must have been asked for. */
export function leftOutNotes({ history, tooNew }: Past): readonly string[] {
  const { events, findings, grave } = history.leftOut()
  const notes = [
    [tooNew, 'events of the last 15 seconds left out: what is wrong with them may not be found yet; ask again'],
    [events, 'events left out: they are of more agents than are kept; ask for fewer with --agent'],
    [findings, 'findings are about events that were not read, or no longer kept: what they flag is not told'],
    [grave, 'grave findings left out: they are of more sessions than are kept; ask for less with --since'],
  ] as const
  return notes.flatMap(([count, note]) => (count === 0 ? [] : [`${count} ${note}`]))
}

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string
}

async function* pages<Item>(
  api: ApiClient,
  path: string,
  query: Readonly<Record<string, string | number>>,
): AsyncGenerator<readonly Item[]> {
  let cursor: string | undefined
  do {
    const page: Page<Item> = await api.get(path, { ...query, limit: PAGE, cursor })
    yield page.items
    cursor = page.next
  } while (cursor !== undefined)
}
