/** An agent gives out what should have stayed: keys, personal data in bulk, data in disguise, or another form than declared. */
import type { FindingDraft } from '../schema/finding.ts'
import { maskClass, masksIn } from '../schema/masks.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { TextMemory } from '../schema/text-memory.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { wordsOfUser } from './draft/chain.ts'
import { isOutward } from './draft/outward.ts'
import { type Blob, blobsIn } from './sensitive-output/blobs.ts'
import { type Carrier, carriersIn } from './sensitive-output/carriers.ts'
import { declaredJson, mismatch } from './sensitive-output/declared.ts'
import { blobDraft, bulkDraft, carrierDraft, keyDraft, mismatchDraft } from './sensitive-output/drafts.ts'
import { bulkIn, type Counts, countOf, keysIn } from './sensitive-output/masks.ts'

/** Kinds of masks remembered of a session. */
const KINDS_KEPT = 32

/** Plain counts of masks by kind: the most that one text had. */
interface State {
  /** In what users asked: theirs to have again. */
  given: Record<string, number>
  /** In what tools returned. */
  read: Record<string, number>
}

const NO_FINDINGS: readonly FindingDraft[] = []
const NO_MASKS: Counts = {}

/** UTF-16 units of the texts whose judgement is remembered. */
const REMEMBERED = 512 * 1024
const blobs = new TextMemory(blobsIn, REMEMBERED)
const carriers = new TextMemory(carriersIn, REMEMBERED)

export const sensitiveOutput = defineDetector<State>({
  id: 'sensitive-output',
  title: 'Sensitive data given out',
  catches:
    'Keys of known form, lists of personal data, encoded blobs, and pictures or links whose address carries data, in what an agent answers and in the arguments of calls that go outward; output that is not of the JSON form or schema that telemetry declares.',
  misses: `Secrets without a form of their own (passwords, API keys without a prefix), which are masked and not reported; a key that is given out in place of another of its kind that the user gave, or that an agent that calls gave and has again; personal data that no collector recognises (names, addresses), or a little of it at a time; blobs of fewer than 80 characters, or in an encoding of the agent's own; prose in links that nobody needs to click; calls whose tool neither says that it sends nor is seen reaching a foreign host; whatever lies beyond the ${CONTENT_LIMIT} characters kept of a text; everything of agents whose content is not recorded.`,
  kind: 'content',
  version: 1,
  techniques: ['AML.T0057', 'AML.T0098', 'AML.T0077', 'AML.T0086'],
  owasp: ['LLM02:2025', 'LLM05:2025', 'ASI02', 'ASI03'],
  runbook: [
    'Read evidence.kinds or evidence.untrusted_excerpt: what was given out, and to whom (output: the user; arguments: the destinations of the call)?',
    'Read the tool results of the session before it (evidence.read_from_tool): where did it come from, and did the user ask for it?',
    'Rotate keys that were given out. For personal data, count the people and ask whoever answers for data protection.',
    'For a picture or link, look in the egress logs for its host within the next hour: was it fetched?',
  ],
  needs: [['content.output', 'content.arguments']],
  uses: ['content.prompt', 'content.result', 'destinations', 'policy.egress'],
  severities: ['low', 'medium', 'high', 'critical'],
  on: ['model_call', 'agent_invoke', 'tool_call', 'retrieval'],
  scope: 'session',
  stateVersion: 1,
  initial: () => ({ given: {}, read: {} }),

  check(event, state, context) {
    const { content } = event
    if (content === undefined) {
      return NO_FINDINGS
    }
    if (event.operation === 'model_call' || event.operation === 'agent_invoke') {
      const output = content.output ?? ''
      return output === '' ? NO_FINDINGS : judgeOutput(event, output, state, context)
    }
    const text = content.arguments ?? ''
    return event.operation === 'tool_call' && text.length >= SHORTEST_ARGUMENTS && isOutward(event)
      ? judgeText(event, text, 'arguments', state, context)
      : NO_FINDINGS
  },

  learn: absorb,
  // What was given out changes nothing of what was read and asked before it.
  spoke: absorb,
})

/** `{"a":"[masked:jwt]"}` */
const SHORTEST_ARGUMENTS = 18

export type Place = 'output' | 'arguments'

function judgeOutput(
  event: Telemetry,
  output: string,
  state: Readonly<State>,
  context: DetectionContext,
): readonly FindingDraft[] {
  const found = judgeText(event, output, 'output', state, context)
  const declared =
    event.outcome === 'ok' && event.content?.truncated !== true ? declaredJson(event.attributes) : undefined
  const wrong = declared === undefined ? undefined : mismatch(output, declared)
  return wrong === undefined ? found : [...found, mismatchDraft(output, wrong)]
}

function judgeText(
  event: Telemetry,
  text: string,
  place: Place,
  state: Readonly<State>,
  context: DetectionContext,
): readonly FindingDraft[] {
  const found: FindingDraft[] = []
  const asked = wordsOfUser(event)
  // Whoever asks may have again what they gave, an agent that calls, too. Where else it goes is for the user to say.
  const theirs = place === 'output' ? (event.content?.prompt ?? '') : asked
  if (text.includes('[masked:')) {
    const given = merged(state.given, countsIn(theirs))
    for (const [kind, count] of Object.entries(keysIn(text, given))) {
      found.push(keyDraft({ text, place, kind, count, readFromTool: countOf(state.read, kind) > 0 }))
    }
    const bulk = bulkIn(text, place, given)
    if (bulk !== undefined) {
      found.push(bulkDraft({ text, place, bulk, read: state.read }))
    }
  }
  for (const carrier of carriers.of(text)) {
    if (!isExpected(carrier, context) && !isAsked(carrier.text, carrier.url, asked)) {
      found.push(carrierDraft(carrier, text, place))
      break
    }
  }
  const blob = found.some(({ cause }) => cause.startsWith('url:'))
    ? undefined
    : blobs.of(text).find((each) => isTold(each, place) && !isAsked(each.text, each.beginning, theirs))
  if (blob !== undefined) {
    found.push(blobDraft(blob, text, place))
  }
  return found.length === 0 ? NO_FINDINGS : found
}

/** Binary data is what APIs speak in: page tokens, signatures, files. In an answer to a person it has no business. */
const isTold = ({ holds }: Blob, place: Place) => holds !== 'binary' || place === 'output'

/** Said already, as it stands or as it was before it was encoded. */
function isAsked(decoded: string, encoded: string, asked: string): boolean {
  return (
    asked !== '' && (asked.includes(encoded) || (decoded.length >= 8 && asked.includes(decoded.slice(0, 40).trim())))
  )
}

/** A policy that lists the destination expects what goes there. */
function isExpected({ host, scheme, port }: Carrier, { policy }: DetectionContext): boolean {
  const judged = { host, scheme, ...(port === undefined ? {} : { port }) }
  return policy?.listsDestinations === true && policy.judgeDestination(judged)?.allowed === true
}

function absorb(event: Telemetry, state: State): boolean {
  const result = event.content?.result
  const asked = wordsOfUser(event)
  const given = asked === '' ? false : remember(state.given, asked)
  return (result === undefined ? false : remember(state.read, result)) || given
}

/** Raises the counts of kinds to those of a text. Returns whether anything changed. */
function remember(known: Record<string, number>, text: string): boolean {
  let changed = false
  for (const [kind, count] of Object.entries(countsIn(text))) {
    if (count > countOf(known, kind) && (Object.hasOwn(known, kind) || Object.keys(known).length < KINDS_KEPT)) {
      known[kind] = count
      changed = true
    }
  }
  return changed
}

/** Keys and personal data masked in a text, by kind. */
function countsIn(text: string): Counts {
  const masks = masksIn(text)
  if (masks.size === 0) {
    return NO_MASKS
  }
  const told = [...masks].filter(([kind]) => maskClass(kind) === 'key' || maskClass(kind) === 'personal')
  return Object.fromEntries(told)
}

function merged(one: Counts, other: Counts): Counts {
  if (other === NO_MASKS) {
    return one
  }
  const counts: Record<string, number> = { ...one }
  for (const [kind, count] of Object.entries(other)) {
    counts[kind] = Math.max(countOf(counts, kind), count)
  }
  return counts
}
