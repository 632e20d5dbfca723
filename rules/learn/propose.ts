/**
 * The least privilege that would have allowed what an agent did, as the text of a policy file. What was seen too seldom,
 * what was only tried, what something was found wrong with, what a session did after something grave was found in it, and
 * what cannot be written is not proposed, but told in comments.
 */
import { quoteName } from '../../schema/quote-name.ts'
import type { AgentHistory, SeenUse } from './history.ts'
import { learnedSections } from './index.ts'
import { type AnyLearnedSection, entryText, type PolicyEntry, type Used } from './use.ts'

export interface ProposeOptions {
  /** Events, with which nothing is wrong, that a thing must be seen in to be proposed. */
  readonly minSeen: number
}

/** A policy that is proposed for one agent. */
export interface Proposal {
  readonly agentId: string
  /** Of the policy; no two proposals share one. */
  readonly id: string
  /** The whole file. */
  readonly text: string
  /** What was used and would not be allowed. */
  readonly left: readonly SeenUse[]
}

/** An agent of which no policy can be written, and why. */
export interface Unproposed {
  readonly agentId: string
  readonly why: string
}

const ENTRY_LIMIT = 500
/** Control characters, halves of pairs, and what YAML takes for the end of a line. */
const UNWRITABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u

export function propose(
  histories: readonly AgentHistory[],
  options: ProposeOptions,
): { readonly proposals: readonly Proposal[]; readonly unproposed: readonly Unproposed[] } {
  const proposals: Proposal[] = []
  const unproposed: Unproposed[] = []
  const taken = new Set<string>()
  for (const history of histories) {
    const why = whyNot(history.agent.id)
    if (why !== undefined) {
      unproposed.push({ agentId: history.agent.id, why })
      continue
    }
    const id = freeId(history.agent.id, taken)
    taken.add(id)
    proposals.push(proposalFor(history, id, options))
  }
  return { proposals, unproposed }
}

/** Ids of policies are of few characters; agents' ids are of any. */
function freeId(agentId: string, taken: ReadonlySet<string>): string {
  const slug = agentId
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100)
  const base = slug === '' ? 'agent' : slug
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`
    if (!taken.has(id)) {
      return id
    }
  }
}

/** Why an entry cannot be written as it is, or `undefined`. */
function whyNot(text: string): string | undefined {
  if (text.includes('*')) {
    return "it holds a '*', which stands for anything in a policy"
  }
  if (UNWRITABLE.test(text)) {
    return 'it holds characters that cannot be written'
  }
  return text.length > ENTRY_LIMIT ? 'it is too long' : undefined
}

function proposalFor(history: AgentHistory, id: string, options: ProposeOptions): Proposal {
  const { agent, events, denied, sessions, hasMoreSessions, firstMs, lastMs } = history
  const only = denied === 0 ? '' : ` ${denied} of them were denied or refused: what was only tried is not proposed.`
  const sections = learnedSections.map((learned) => proposedSection(learned, history, options))
  const text = [
    '# Proposed by telltale learn: what the agent was seen to do, and no more. Read it before you use it.',
    `# ${count(events, 'event')} of ${hasMoreSessions ? `${sessions} or more sessions` : count(sessions, 'session')}, ${span(firstMs, lastMs)}.${only}`,
    'version: 1',
    `id: ${scalar(id)}`,
    ...(agent.owner === undefined || UNWRITABLE.test(agent.owner) ? [] : [`owner: ${scalar(agent.owner)}`]),
    `agent: { id: ${scalar(agent.id)} }`,
    ...sections.flatMap(({ lines }) => lines),
    '',
  ].join('\n')
  return { agentId: agent.id, id, text, left: sections.flatMap(({ left }) => left) }
}

interface ProposedSection {
  readonly lines: readonly string[]
  readonly left: readonly SeenUse[]
}

function proposedSection(learned: AnyLearnedSection, history: AgentHistory, options: ProposeOptions): ProposedSection {
  const { section, lists, always = [] } = learned
  const uses = history.uses.filter((use) => use.section === section)
  if (uses.length === 0) {
    return { lines: [`# ${section}: nothing was seen, so nothing is said`], left: [] }
  }
  const parts = lists.map((list) => {
    const own = uses.filter(({ used }) => used.list === list)
    return own.length === 0 ? undefined : proposedList(learned, list, own, history, options)
  })
  const found = parts.filter((part) => part !== undefined)
  return {
    lines: [`${section}:`, ...always.map((line) => `  ${line}`), ...found.flatMap(({ lines }) => lines)],
    left: found.flatMap(({ left }) => left),
  }
}

function proposedList(
  learned: AnyLearnedSection,
  list: string,
  uses: readonly SeenUse[],
  history: AgentHistory,
  { minSeen }: ProposeOptions,
): ProposedSection {
  const alone = (used: Used) => learned.judge({ [list]: [used.entry] })(used)
  const wanted = uses.filter(
    ({ used, clean }) => clean >= minSeen && whyNot(entryText(used.entry)) === undefined && alone(used),
  )
  // A name without a server allows the same name of any.
  const plain = new Set(wanted.map(({ used }) => used.entry).filter((entry) => typeof entry === 'string'))
  const proposed = wanted.filter(({ used: { entry } }) => typeof entry === 'string' || !plain.has(entry.name))
  const allows = learned.judge({ [list]: proposed.map(({ used }) => used.entry) })
  const left = uses.filter(({ used }) => !allows(used))
  const entries = proposed.map((use) => `    - ${written(use.used.entry)} # ${seenText(use)}`)
  const overfull = history.overfull.includes(`${learned.section}.${list}`)
  return {
    lines: [
      ...(entries.length === 0 ? [`  ${list}: []`] : [`  ${list}:`, ...entries]),
      ...left.map((use) => `    # not proposed: ${quoteName(entryText(use.used.entry))}, ${leftText(use, alone)}`),
      ...(overfull ? ['    # more different ones were seen than are kept; they are not listed'] : []),
    ],
    left,
  }
}

function seenText(use: SeenUse): string {
  const apart = apartOf(use)
  const rest = apart.length === 0 ? '' : `; not counted: ${apart.join(', ')}`
  return `${times(use.clean)}, ${span(use.firstMs, use.lastMs)}${rest}`
}

function leftText(use: SeenUse, alone: (used: Used) => boolean): string {
  const { clean, firstMs, lastMs, used } = use
  const why = whyNot(entryText(used.entry)) ?? (alone(used) ? undefined : 'no entry can allow it as it is written')
  const seen = [...(clean === 0 ? [] : [`seen ${times(clean)}`]), ...apartOf(use)]
  return [...seen, span(firstMs, lastMs), ...(why === undefined ? [] : [why])].join(', ')
}

/** What speaks for no entry. */
function apartOf({ flagged, denied, tainted }: SeenUse): readonly string[] {
  return [
    ...[...flagged].map(([detector, events]) => `flagged by ${detector} ${times(events)}`),
    ...(denied === 0 ? [] : [`denied ${times(denied)}`]),
    ...(tainted === 0 ? [] : [`after a grave finding in its session ${times(tainted)}`]),
  ]
}

const times = (number: number) => (number === 1 ? 'once' : `${number} times`)
const count = (number: number, thing: string) => `${number} ${thing}${number === 1 ? '' : 's'}`

/** What `Date` can write in four digits of a year. */
const LAST_MS = Date.UTC(9999, 11, 31)

/** Days in UTC. */
function span(firstMs: number, lastMs: number): string {
  const [first, last] = [firstMs, lastMs].map((ms) => new Date(Math.min(ms, LAST_MS)).toISOString().slice(0, 10))
  return first === last ? `${first}` : `${first} to ${last}`
}

function written(entry: PolicyEntry): string {
  return typeof entry === 'string' ? scalar(entry) : `{ name: ${scalar(entry.name)}, server: ${scalar(entry.server)} }`
}

/** YAML that reads as exactly this text. */
function scalar(text: string): string {
  return /^[\w./:@+ -]+$/.test(text) ? `'${text}'` : JSON.stringify(text)
}
