/**
 * Someone tries to make an agent give up its system prompt or what it was told to keep, or the agent does give it up.
 */
import { SHINGLE_TEXT_LIMIT } from '../rules/shingles.ts'
import type { FindingDraft } from '../schema/finding.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { TextMemory } from '../schema/text-memory.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { untrusted } from './draft/untrusted.ts'
import { argumentTexts } from './prompt-extraction/argument-texts.ts'
import { type Attempt, judgeAttempt } from './prompt-extraction/attempt.ts'
import {
  type Announcement,
  judgeAnnouncement,
  judgeOverlap,
  type KnownPrompt,
  knownPrompt,
  type Overlap,
} from './prompt-extraction/leak.ts'

/** How many prompts of one agent are remembered; the oldest makes room. About 1 KiB each. */
export const PROMPTS_KEPT = 3
/** The longest excerpt of agent-supplied text in evidence, in UTF-16 units. */
const EXCERPT = 300
/** From this share of the prompt on a leak is critical. */
const LARGE_PART = 0.5
/** A message that is this much of the system prompt is the prompt itself, not a request for it. */
const IS_PROMPT = 0.8

interface State {
  prompts: readonly KnownPrompt[]
}

/** Arguments are flagged from this confidence on. */
const ARGUMENTS_CONFIDENCE = 0.8

const NONE_REGISTERED: readonly ReadonlySet<number>[] = []

/** UTF-16 units of the texts of each place whose judgement is remembered. */
const REMEMBERED = 1024 * 1024
const attempts = new TextMemory(judgeAttempt, REMEMBERED, 'first')
const calls = new TextMemory(judgeArguments, REMEMBERED, 'first')
const announcements = new TextMemory(judgeAnnouncement, REMEMBERED, 'first')
const systemPrompts = new TextMemory((text) => knownPrompt(text, undefined), REMEMBERED, 'first')

export const promptExtraction = defineDetector<State>({
  id: 'prompt-extraction',
  title: 'System prompt extraction',
  catches:
    'Requests to repeat, translate, encode or otherwise give up the system prompt or protected secrets, in some twenty languages and through common disguises; outputs and arguments that carry a known prompt, through common disguises too, or announce one.',
  misses: `Extraction over many innocent turns; requests that name nothing of the agent; leaks in free paraphrase or in another language, of less than an eighth of the prompt (two fifths of a short one), or with the letters of all words run together; whatever lies beyond the ${CONTENT_LIMIT} characters that telemetry keeps of a message, an output, arguments or a system prompt, except that a prompt registered in the policy is known up to ${SHINGLE_TEXT_LIMIT}; everything of agents whose content is not recorded.`,
  kind: 'content',
  version: 1,
  techniques: ['AML.T0056', 'AML.T0069.002', 'AML.T0051.000', 'AML.T0051.001', 'AML.T0057'],
  owasp: ['LLM07:2025', 'LLM01:2025', 'ASI01'],
  runbook: [
    'Read evidence.untrusted_excerpt: is it a request for the prompt, or talk about prompts?',
    'Look at the output of the same trace and of the next ten minutes of the session: did the agent comply?',
    'If a prompt leaked, rotate every secret it held and treat its rules as public.',
    'See who else the same user or source talked to in the last day.',
  ],
  needs: [['content.prompt', 'content.output', 'content.arguments']],
  uses: ['content.system_prompt', 'policy.system_prompts'],
  severities: ['medium', 'high', 'critical'],
  on: ['model_call', 'agent_invoke', 'tool_call'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ prompts: [] }),

  check(event, state, context) {
    const { content } = event
    if (content === undefined) {
      return []
    }
    const prompts = promptsOf(event, state)
    if (event.operation !== 'tool_call') {
      return present(
        judgeMessage(event, prompts, context),
        judgeLeak(event, content.output ?? '', 'output', prompts, context),
      )
    }
    if (content.arguments === undefined || content.arguments === '') {
      return NO_FINDINGS
    }
    const { said, attempt } = calls.of(content.arguments)
    return present(judgeRequest(event, attempt, 'arguments'), judgeLeak(event, said, 'arguments', prompts, context))
  },

  learn(event, state) {
    const prompts = promptsOf(event, state)
    if (prompts !== state.prompts) {
      state.prompts = prompts.slice(-PROMPTS_KEPT)
    }
  },
})

const NO_FINDINGS: readonly FindingDraft[] = []

function present(...findings: readonly (FindingDraft | undefined)[]): readonly FindingDraft[] {
  const [one, other] = findings
  return one === undefined && other === undefined ? NO_FINDINGS : findings.filter((finding) => finding !== undefined)
}

/** What the arguments of a call say, and whether that asks for a prompt. */
function judgeArguments(text: string): { readonly said: string; readonly attempt: Attempt | undefined } {
  const said = argumentTexts(text)
  return { said, attempt: judgeAttempt(said) }
}

const registeredIn = ({ policy }: DetectionContext) => policy?.registeredPrompts ?? NONE_REGISTERED

type Channel = 'prompt' | 'message' | 'arguments'

/** The prompts known of the agent, the one on the event itself included although it is not learned yet. */
function promptsOf(event: Telemetry, state: Readonly<State>): readonly KnownPrompt[] {
  const text = event.content?.system_prompt
  if (text === undefined || text === '') {
    return state.prompts
  }
  const hash = event.integrity.system_prompt_hash
  const id = hash ?? systemPrompts.of(text).id
  return state.prompts.some((prompt) => prompt.id === id)
    ? state.prompts
    : [...state.prompts, { ...systemPrompts.of(text), id }]
}

function judgeMessage(
  event: Telemetry,
  prompts: readonly KnownPrompt[],
  context: DetectionContext,
): FindingDraft | undefined {
  const text = event.content?.prompt ?? ''
  const between =
    event.operation === 'agent_invoke' && event.subject_chain.filter((one) => one.kind === 'agent').length > 1
  const attempt = text === '' ? undefined : attempts.of(text)
  const finding = judgeRequest(event, attempt, between ? 'message' : 'prompt')
  if (finding === undefined || isSystemPrompt(event, text, prompts, context)) {
    return undefined
  }
  return finding
}

/** Some instrumentations put the system prompt where the user's message belongs. It asks for nothing. */
function isSystemPrompt(
  event: Telemetry,
  text: string,
  prompts: readonly KnownPrompt[],
  context: DetectionContext,
): boolean {
  const given = event.content?.system_prompt ?? ''
  if (given !== '' && (given === text || given.includes(text.trim()))) {
    return true
  }
  const overlap = judgeOverlap(text, prompts, registeredIn(context), '')
  return overlap !== undefined && overlap.share >= IS_PROMPT
}

function judgeRequest(event: Telemetry, attempt: Attempt | undefined, channel: Channel): FindingDraft | undefined {
  if (attempt === undefined) {
    return undefined
  }
  // Arguments are mostly code, queries and forms, full of passwords that nobody asks the agent for.
  if (channel === 'arguments' && (!attempt.asksForPrompt || attempt.confidence < ARGUMENTS_CONFIDENCE)) {
    return undefined
  }
  return attemptFinding(event, attempt, channel)
}

const PLACE: Readonly<Record<Channel, string>> = {
  prompt: 'a prompt',
  message: 'a message between agents',
  arguments: 'the arguments of a tool call',
}

function attemptFinding(event: Telemetry, attempt: Attempt, channel: Channel): FindingDraft {
  const hidden = attempt.hidden === undefined ? '' : `, hidden by ${attempt.hidden}`
  const because = attempt.features.slice(0, 4).join(', ')
  return {
    cause: `attempt:${channel}`,
    severity: 'medium',
    confidence: round(attempt.confidence),
    title: 'Attempt to extract the system prompt',
    reason: `A request for the agent's instructions or secrets stands in ${PLACE[channel]}${hidden} (${because}).`,
    observed: `score ${attempt.score.toFixed(2)}: ${attempt.features.slice(0, 8).join(', ')}`.slice(0, 900),
    expected: 'no request for the system prompt, instructions or secrets',
    silence: 'close the alert as benign',
    evidence: {
      channel,
      score: round(attempt.score),
      features: attempt.features.slice(0, 12).join(', ').slice(0, 1000),
      ...(attempt.hidden === undefined ? {} : { hidden: attempt.hidden }),
      untrusted_excerpt: untrusted(attempt.sentence, EXCERPT),
    },
    techniques: [
      'AML.T0056',
      'AML.T0069.002',
      channel === 'prompt' && !event.subject_chain.slice(0, -1).some((one) => one.kind === 'agent')
        ? 'AML.T0051.000'
        : 'AML.T0051.001',
    ],
  }
}

function judgeLeak(
  event: Telemetry,
  text: string,
  channel: 'output' | 'arguments',
  prompts: readonly KnownPrompt[],
  context: DetectionContext,
): FindingDraft | undefined {
  if (text === '') {
    return undefined
  }
  const given = event.content?.prompt ?? ''
  const overlap = judgeOverlap(text, prompts, registeredIn(context), given)
  if (overlap !== undefined) {
    return overlapFinding(overlap, text, channel)
  }
  const announcement = channel === 'output' ? announcements.of(text) : undefined
  if (announcement === undefined) {
    return undefined
  }
  const asked = given !== '' && attempts.of(given) !== undefined
  // One directive may be the agent's manner of speaking, unless somebody just asked for them.
  return announcement.directives >= 2 || asked ? announcementFinding(announcement, asked, channel) : undefined
}

function overlapFinding(overlap: Overlap, text: string, channel: string): FindingDraft {
  const percent = Math.round(100 * overlap.share)
  const hidden = overlap.hidden === undefined ? '' : `, hidden by ${overlap.hidden}`
  return {
    cause: `leak:${channel}`,
    severity: overlap.share >= LARGE_PART ? 'critical' : 'high',
    confidence: round(Math.min(0.99, 0.75 + 0.5 * overlap.share)),
    title: 'System prompt leaked',
    reason: `About ${percent} % of the agent's system prompt stands in ${channel === 'output' ? 'its output' : 'the arguments of a tool call'}${hidden}.`,
    observed: `${overlap.shared} shingles of the prompt, about ${percent} % of it`,
    expected: 'no part of the system prompt in what the agent gives out',
    silence: 'close the alert as benign',
    evidence: {
      channel,
      share: round(overlap.share),
      shared_shingles: overlap.shared,
      prompt_holds_secrets: overlap.secrets,
      ...(overlap.hidden === undefined ? {} : { hidden: overlap.hidden }),
      untrusted_excerpt: untrusted(text, EXCERPT),
    },
    techniques: overlap.secrets ? ['AML.T0056', 'AML.T0057'] : ['AML.T0056'],
  }
}

function announcementFinding(announcement: Announcement, asked: boolean, channel: string): FindingDraft {
  const { announced, directives } = announcement
  return {
    cause: `leak:${channel}`,
    severity: 'high',
    confidence: round(Math.min(0.85, (announced ? 0.45 : 0.3) + 0.05 * Math.min(4, directives) + (asked ? 0.2 : 0))),
    title: 'System prompt probably leaked',
    reason: `${announced ? 'The output says that it states its instructions, and' : 'The output reads like instructions to an agent:'} ${directives} of its sentences instruct${asked ? '; they were asked for' : ''}.`,
    observed: `${announced ? 'an announcement and ' : ''}${directives} directives`,
    expected: 'no instructions of the agent in what it gives out',
    silence: 'register the system prompt in the policy (telltale shingles), so that leaks are judged by overlap',
    evidence: {
      channel,
      directives,
      announced,
      asked_for: asked,
      untrusted_excerpt: untrusted(announcement.sentence, EXCERPT),
    },
    techniques: announcement.secrets ? ['AML.T0056', 'AML.T0057'] : ['AML.T0056'],
  }
}

const round = (value: number) => Math.round(value * 1000) / 1000
