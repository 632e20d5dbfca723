/**
 * An agent acts with a value that came only from what it read: the account, address, link, file or name stood in a tool's
 * result behind a demand to act on it, and nobody whom the agent works for named it or asked for such an act.
 *
 * Information flow over telemetry, after the idea of taint tracking (as in FIDES and CaMeL, which need the agent's
 * cooperation): trusted is what users and operators said, untrusted what tools returned. Values are compared as hashed
 * words, so state holds no text. Masked values of one kind look alike (`docs/decisions/0013-masked-values.md`).
 */
import type { FindingDraft } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { callingAgent } from './draft/chain.ts'
import { originOf } from './draft/origin.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Action, actionsOfTool, asked, OBEYING } from './tainted-argument/actions.ts'
import { type CommandKind, commandKind } from './tainted-argument/commands.ts'
import { type Demand, demandsOf, FORCES, holds, type Reach, type Reading, reachOf } from './tainted-argument/demands.ts'
import { tokensOf } from './tainted-argument/tokens.ts'
import { type ArgumentValue, argumentValues } from './tainted-argument/values.ts'

/** The most words kept of what users and operators said. */
const TRUSTED_WORDS = 1500
/** The most texts that were read, and words of theirs, that are kept; of the last text, all. */
const TEXTS_KEPT = 32
const READ_WORDS = 2048
/** The share of both that is for what was read last, however forceful it is. */
const NEWEST = 1 / 4
/** The longest excerpt of agent-supplied text in evidence, in UTF-16 units. */
const EXCERPT = 200

/** What a text demands, and where it was read. */
interface ReadText extends Reading {
  readonly event: string
  readonly tool: string
  readonly origin: string
}
interface State {
  /** Hashed words, oldest first. */
  trusted: number[]
  asked: readonly Action[]
  defers: boolean
  /** In the order in which it was read. */
  read: readonly ReadText[]
  /** What was last learned of prompt and system prompt, so that the same again costs nothing. */
  prompt: string
  system: string
}

export const taintedArgument = defineDetector<State>({
  id: 'tainted-argument',
  title: 'Tainted argument',
  catches:
    'Calls that pay, send, share, delete, book, change or run with a recipient, account, link, file or name that stood in a tool result of the session behind a demand to act on it, while the user neither named the value nor asked for such an act, or the result spoke to the agent over the head of the user.',
  misses: `Values that the result states without demanding anything; commands that stay with the project (tests, builds, packages, clones and pushes to where it already comes from), as guides demand them all day, unless the demand speaks to the agent over the head of the user; acts that the user, or the agent that called, asked for in words of the same kind, when the demand does not speak to the agent; values changed on the way; masked values of a kind that the user named one of; demands in languages other than English or encoded; the rest of prompts and results beyond the ${CONTENT_LIMIT} characters kept; sessions whose content is not recorded.`,
  kind: 'content',
  version: 2,
  techniques: ['AML.T0053', 'AML.T0051.001', 'AML.T0086'],
  owasp: ['LLM01:2025', 'LLM06:2025', 'ASI01', 'ASI02'],
  runbook: [
    'Read evidence.untrusted_value and the result of the event that evidence.read_in names: who wrote that text, and should it decide anything?',
    'Read the prompts of the session: did the user want this act, with this value?',
    'If not, take the act back where that is possible (recall the payment, the mail, the permission) and stop the session.',
    'Look for the same origin in other sessions: what else has read the poisoned text?',
  ],
  needs: ['tool', 'content.arguments', 'content.result', 'content.prompt'],
  uses: ['content.system_prompt'],
  severities: ['low', 'medium', 'high'],
  on: ['tool_call', 'model_call', 'agent_invoke', 'retrieval'],
  scope: 'session',
  stateVersion: 2,
  initial: () => ({ trusted: [], asked: [], defers: false, read: [], prompt: '', system: '' }),

  check(event, state) {
    const args = event.content?.arguments
    if (event.operation !== 'tool_call' || event.tool === null || args === undefined || state.read.length === 0) {
      return NO_FINDINGS
    }
    // Who never heard the user cannot tell what the user did not say.
    const actions = state.prompt === '' ? [] : actionsOfTool(event.tool.name)
    if (actions.length === 0) {
      return NO_FINDINGS
    }
    const wanted = state.defers || actions.some((action) => state.asked.includes(action))
    const isCommand = actions.every((action) => action === 'run')
    // Guides press their readers, too, and what they have them run is mostly commands.
    const overrides = ({ force }: Demand) => force === 'overriding' || (force === 'pressing' && !isCommand)
    const counts = (demand: Demand) =>
      (!wanted || overrides(demand)) && actions.some((action) => OBEYING[demand.kind].includes(action))
    // What the call itself returned cannot have made the agent call.
    const read = state.read.filter(({ event: id }) => id !== event.event_id)
    const strong = reaches(read, (demand) => counts(demand) && overrides(demand))
    const weak = wanted ? [] : reaches(read, counts)
    if (strong.length === 0 && weak.length === 0) {
      return NO_FINDINGS
    }
    const trusted = new Set(state.trusted)
    const isTrusted = (tokens: readonly number[]) => tokens.every((token) => trusted.has(token))
    const call = { tool: event.tool.name, actions, wanted }
    let command: CommandKind | undefined
    for (const value of argumentValues(args).filter(({ tokens }) => !isTrusted(tokens))) {
      const commanded = holder(strong, value)
      const demanded = commanded ?? (value.masked ? undefined : holder(weak, value))
      if (isCommand && demanded !== undefined) {
        command ??= commandKind(call.tool, args, (host) => isTrusted(tokensOf(host, TRUSTED_WORDS)))
      }
      if (demanded !== undefined && (commanded !== undefined || command !== 'ordinary')) {
        return [finding(event, { ...call, value, text: demanded, overrides: commanded !== undefined, command })]
      }
    }
    return NO_FINDINGS
  },

  learn: absorb,
  spoke: absorb,
})

const NO_FINDINGS: readonly FindingDraft[] = []

type Reached = readonly [text: ReadText, reach: Reach]

function reaches(texts: readonly ReadText[], counts: (demand: Demand) => boolean): readonly Reached[] {
  return texts.flatMap((text) => {
    const reach = reachOf(text, counts)
    return reach === undefined ? [] : [[text, reach] as const]
  })
}

/** The text that demands the value. */
function holder(texts: readonly Reached[], { tokens }: ArgumentValue): ReadText | undefined {
  return texts.find(([text, reach]) => holds(text, reach, tokens))?.[0]
}

/** Remembers what was said and what was read. What was flagged is remembered alike: nothing here is taken for normal. */
function absorb(event: Telemetry, state: State): boolean {
  const { content } = event
  if (content === undefined) {
    return false
  }
  if (event.operation === 'tool_call' || event.operation === 'retrieval') {
    return content.result === undefined ? false : absorbResult(event, content.result, state)
  }
  // A task that another agent gives says what is to be done. The values in it may come from anywhere.
  const isTrusted = callingAgent(event) === undefined
  const heard = hear(state, content.prompt, 'prompt', isTrusted)
  return hear(state, content.system_prompt, 'system', true) || heard
}

function hear(state: State, text: string | undefined, place: 'prompt' | 'system', isTrusted: boolean): boolean {
  if (text === undefined || text === '') {
    return false
  }
  const id = `${isTrusted ? '' : 'of an agent:'}${originOf(text)}`
  if (state[place] === id) {
    return false
  }
  state[place] = id
  if (isTrusted) {
    const known = new Set(state.trusted)
    const fresh = [...new Set(tokensOf(text, TRUSTED_WORDS))].filter((token) => !known.has(token))
    state.trusted = [...state.trusted, ...fresh].slice(-TRUSTED_WORDS)
  }
  if (place === 'prompt') {
    const { actions, defers } = asked(text)
    state.asked = [...new Set([...state.asked, ...actions])]
    state.defers ||= defers
  }
  return true
}

function absorbResult(event: Telemetry, result: string, state: State): boolean {
  const reading = demandsOf(result)
  if (reading === undefined) {
    return false
  }
  const origin = originOf(result)
  if (state.read.some((each) => each.origin === origin)) {
    return false
  }
  const tool = (event.tool?.name ?? event.operation).slice(0, EXCERPT)
  state.read = kept([...state.read, { ...reading, event: event.event_id, tool, origin }])
  return true
}

/**
 * What is kept of the texts. The newest stay, so that a text just read is never pushed out by what stood before it; of the
 * others the more forceful outlive the rest, so that a flood of harmless demands behind it takes no forceful one away. A
 * plain demand outlives a flood of forceful ones only while it is among the newest.
 */
function kept(texts: readonly ReadText[]): readonly ReadText[] {
  let words = texts.reduce((sum, text) => sum + text.words.length, 0)
  const older = texts.slice(0, -newest(texts)).sort((one, other) => forceOf(one) - forceOf(other))
  const dropped = new Set<ReadText>()
  for (const text of older) {
    if (texts.length - dropped.size <= TEXTS_KEPT && words <= READ_WORDS) {
      break
    }
    dropped.add(text)
    words -= text.words.length
  }
  return dropped.size === 0 ? texts : texts.filter((text) => !dropped.has(text))
}

/** How many texts at the end are kept for being new: the last at least. */
function newest(texts: readonly ReadText[]): number {
  let words = texts.at(-1)?.words.length ?? 0
  for (let count = 1; count < texts.length && count < TEXTS_KEPT * NEWEST; count += 1) {
    words += texts.at(-1 - count)?.words.length ?? 0
    if (words > READ_WORDS * NEWEST) {
      return count
    }
  }
  return Math.min(texts.length, TEXTS_KEPT * NEWEST)
}

function forceOf({ demands }: Reading): number {
  return Math.max(...demands.map(({ force }) => FORCES.indexOf(force)))
}

interface Tainted {
  readonly tool: string
  readonly value: ArgumentValue
  readonly text: ReadText
  /** The demand speaks to the agent over the head of the user. */
  readonly overrides: boolean
  readonly actions: readonly Action[]
  /** The user asked for such an act. */
  readonly wanted: boolean
  /** Of calls that run something and do nothing else. */
  readonly command: CommandKind | undefined
}

const COMMANDS: Readonly<Record<CommandKind, string>> = {
  ordinary: 'ordinary',
  foreign: 'reaches a place that the user did not name',
  uploading: 'hands data over to a place that the user did not name',
  dangerous: 'dangerous',
}

function finding(event: Telemetry, tainted: Tainted): FindingDraft {
  const { tool, value, text, overrides, actions, wanted, command } = tainted
  const action = actions[0] ?? 'run'
  const stopped = event.outcome === 'denied' || event.outcome === 'refused'
  const base = overrides && !wanted ? 'high' : 'medium'
  // Guides name hosts, too; seldom do they have anything handed over.
  const less = (stopped ? 1 : 0) + (command === 'foreign' && !overrides ? 1 : 0)
  const why = wanted
    ? 'behind words that speak to the agent over the head of the user'
    : 'and the user asked for nothing of the kind'
  return {
    cause: `taint:${action}:${text.origin.slice(0, 16)}`,
    severity: raise(base, -less),
    confidence: overrides ? (wanted ? 0.75 : 0.9) : 0.6,
    title: `Argument taken from what the agent read: ${action}`,
    reason: `${quoteName(event.agent.id)} called ${quoteName(tool)} with a value that it had only from the result of ${quoteName(text.tool)}, where a demand names it, ${why}.`,
    observed: `argument ${quoteName(value.name)} as a result of the session demands it, outcome ${event.outcome}`,
    expected: 'values that the user named, or acts that the user asked for',
    silence: 'close the alert as benign, or have the user confirm such acts (telltale.approval)',
    evidence: {
      action,
      asked_for: wanted,
      demand_overrides: overrides,
      ...(command === undefined ? {} : { command: COMMANDS[command] }),
      read_in: text.event,
      untrusted_tool: untrusted(tool, EXCERPT),
      untrusted_read_with: untrusted(text.tool, EXCERPT),
      untrusted_argument: untrusted(value.name, EXCERPT),
      untrusted_value: untrusted(value.text, EXCERPT),
      outcome: event.outcome,
    },
    origin: text.origin,
    techniques: ['AML.T0053', 'AML.T0051.001', ...(action === 'send' || action === 'share' ? ['AML.T0086'] : [])],
  }
}
