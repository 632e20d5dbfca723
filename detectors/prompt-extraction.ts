/**
 * Someone tries to make an agent give up its system prompt or what it was told to keep, or the agent does give it up.
 */
import { SHINGLE_TEXT_LIMIT } from '../rules/shingles.ts'
import type { FindingDraft } from '../schema/finding.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { TextMemory } from '../schema/text-memory.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { isBetweenAgents } from './draft/chain.ts'
import { originOf } from './draft/origin.ts'
import { rounded } from './draft/rounded.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Announcement, judgeAnnouncement } from './prompt-extraction/announcement.ts'
import { argumentTexts } from './prompt-extraction/argument-texts.ts'
import { type Attempt, judgeAttempt } from './prompt-extraction/attempt.ts'
import { judgeOverlap, type KnownPrompt, knownPrompt, type Overlap } from './prompt-extraction/leak.ts'
import { judgeTrick } from './prompt-extraction/tricks.ts'
import { after, isEnough, type Suspect, type Turn, turnOf, withSuspect } from './prompt-extraction/turns.ts'
import { hashedWords } from './text/hashed-words.ts'
import { PhraseSearch } from './text/phrase-search.ts'

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
  /** Sessions in which somebody spoke of the prompt. */
  suspects: readonly Suspect[]
}

/** Arguments and results are flagged from this confidence on. */
const ARGUMENTS_CONFIDENCE = 0.8

const NONE_REGISTERED: readonly ReadonlySet<number>[] = []

/** UTF-16 units of the texts of each place whose judgement is remembered. */
const REMEMBERED = 1024 * 1024
const attempts = new TextMemory((text) => judgeAttempt(text) ?? judgeTrick(text), REMEMBERED, 'first')
const results = new TextMemory(judgeResult, REMEMBERED)
const calls = new TextMemory(judgeArguments, REMEMBERED)
const announcements = new TextMemory(judgeAnnouncement, REMEMBERED)
const systemPrompts = new TextMemory((text) => knownPrompt(text, undefined), REMEMBERED, 'first')

export const promptExtraction = defineDetector<State>({
  id: 'prompt-extraction',
  title: 'System prompt extraction',
  catches:
    'Requests to repeat, translate, encode or otherwise give up the system prompt or protected secrets, in some twenty languages and through common disguises, by position, by games and by sentences to complete, at once or piece by piece over the turns of a session, from users, other agents, tool results and documents; outputs and arguments that carry a known prompt, through common disguises too, or announce one, and those that carry a decoy planted in it (canaries.tokens).',
  misses: `Extraction over turns that never speak of the prompt, that only have "the text above" translated or summed up (as people have their own), or in other languages than English; what is given out piece by piece, each too short to be recognised; requests that name nothing of the agent; requests in tool results that are disguised; leaks in free paraphrase or in another language, of less than an eighth of the prompt (two fifths of a short one), or with the letters of all words run together; whatever lies beyond the ${CONTENT_LIMIT} characters that telemetry keeps of a message, an output, arguments or a system prompt, except that a prompt registered in the policy is known up to ${SHINGLE_TEXT_LIMIT}; everything of agents whose content is not recorded.`,
  kind: 'content',
  version: 2,
  techniques: ['AML.T0056', 'AML.T0069.002', 'AML.T0051.000', 'AML.T0051.001', 'AML.T0057'],
  owasp: ['LLM07:2025', 'LLM01:2025', 'ASI01'],
  runbook: [
    'Read evidence.untrusted_excerpt: is it a request for the prompt, or talk about prompts?',
    'Look at the output of the same trace and of the next ten minutes of the session: did the agent comply?',
    'If a prompt leaked, rotate every secret it held and treat its rules as public.',
    'See who else the same user or source talked to in the last day.',
  ],
  needs: [['content.prompt', 'content.output', 'content.arguments', 'content.result']],
  uses: ['content.system_prompt', 'policy.system_prompts', 'policy.canaries'],
  severities: ['medium', 'high', 'critical'],
  on: ['model_call', 'agent_invoke', 'tool_call', 'retrieval'],
  scope: 'agent',
  stateVersion: 2,
  initial: () => ({ prompts: [], suspects: [] }),

  check(event, state, context) {
    const { content } = event
    if (content === undefined) {
      return []
    }
    if (event.operation === 'model_call' || event.operation === 'agent_invoke') {
      const prompts = promptsOf(event, state, context)
      const asked = judgeMessage(event, prompts, context) ?? judgeTurns(event, state)
      return present(asked, judgeLeak(event, content.output ?? '', 'output', prompts, context))
    }
    const { arguments: given = '', result = '' } = content
    if (given === '') {
      return result === '' ? NO_FINDINGS : present(judgeRequest(event, results.of(result), result, 'result'))
    }
    const { said, attempt } = calls.of(given)
    return present(
      judgeRequest(event, attempt, given, 'arguments'),
      judgeLeak(event, said, 'arguments', promptsOf(event, state, context), context),
      result === '' ? undefined : judgeRequest(event, results.of(result), result, 'result'),
    )
  },

  learn: absorb,
  // Who asks piece by piece is told of at the last piece, and goes on.
  spoke: (event, state) => rememberTurn(event, state),
})

function absorb(event: Telemetry, state: State, context: DetectionContext): boolean {
  const prompts = promptsOf(event, state, context)
  const isNew = prompts !== state.prompts
  if (isNew) {
    state.prompts = prompts.slice(-PROMPTS_KEPT)
  }
  return rememberTurn(event, state) || isNew
}

function rememberTurn(event: Telemetry, state: State): boolean {
  const entry = turnAfter(event, state)?.entry
  if (entry === undefined) {
    return false
  }
  state.suspects = withSuspect(state.suspects, entry)
  return true
}

/** What the message of an event is in a request over several turns, and what is known of its session after it. */
function turnAfter(
  { operation, content, session_id: session, trace_id: trace }: Telemetry,
  { suspects }: Readonly<State>,
): { readonly turn: Turn; readonly entry: Suspect } | undefined {
  const text = content?.prompt
  if (text === undefined || text === '' || (operation !== 'model_call' && operation !== 'agent_invoke')) {
    return undefined
  }
  const turn = turnOf(text)
  const entry = after(suspects, { session, trace: trace ?? '', text, turn })
  return turn === undefined || entry === undefined ? undefined : { turn, entry }
}

function judgeTurns(event: Telemetry, state: Readonly<State>): FindingDraft | undefined {
  const said = turnAfter(event, state)
  if (said === undefined || !isEnough(said.entry)) {
    return undefined
  }
  const { points, turns: count } = said.entry
  const text = event.content?.prompt ?? ''
  return {
    cause: 'attempt:turns',
    severity: 'medium',
    confidence: rounded(Math.min(0.9, 0.5 + 0.05 * points)),
    title: 'Attempt to extract the system prompt piece by piece',
    reason: `${count} messages of the session ask for pieces of the agent's instructions, each too small to be a request for them.`,
    observed: `${count} such messages, the last of which ${said.turn}`,
    expected: 'no request for the system prompt, in one message or in many',
    silence: 'close the alert as benign',
    evidence: { channel: 'prompt', messages: count, points, untrusted_excerpt: untrusted(text, EXCERPT) },
    origin: originOf(text),
    techniques: ['AML.T0056', 'AML.T0069.002', 'AML.T0051.000'],
  }
}

const NO_FINDINGS: readonly FindingDraft[] = []

function present(...findings: readonly (FindingDraft | undefined)[]): readonly FindingDraft[] {
  const found = findings.filter((finding) => finding !== undefined)
  return found.length === 0 ? NO_FINDINGS : found
}

/** What the arguments of a call say, and whether that asks for a prompt. */
function judgeArguments(text: string): { readonly said: string; readonly attempt: Attempt | undefined } {
  const said = argumentTexts(text)
  return { said, attempt: judgeAttempt(said) }
}

/**
 * Words for prompt and instructions in the languages that are read. Results are long and many, and nearly none holds any:
 * the rest is spared the reading, and so are the disguises.
 */
const NAMES_PROMPT = new PhraseSearch(
  (
    'prompt,instruc,instruk,instruç,istruzion,anweisung,vorgabe,guideline,directive,ruleset,your rules,system message,' +
    'инструкц,указани,промпт,talimat,تعليمات,निर्देश,指示,指令,提示,プロンプト,프롬프트,지시'
  ).split(','),
)

/** Whether what a tool returned asks for a prompt. */
function judgeResult(text: string): Attempt | undefined {
  return NAMES_PROMPT.isIn(text) ? judgeAttempt(text) : undefined
}

const registeredIn = ({ policy }: DetectionContext) => policy?.registeredPrompts ?? NONE_REGISTERED

type Channel = 'prompt' | 'message' | 'arguments' | 'result'

/** The prompts known of the agent, the one on the event itself included although it is not learned yet. */
function promptsOf(event: Telemetry, state: Readonly<State>, context: DetectionContext): readonly KnownPrompt[] {
  const text = event.content?.system_prompt
  if (text === undefined || text === '') {
    return state.prompts
  }
  const hash = event.integrity.system_prompt_hash
  const id = hash ?? systemPrompts.of(text).id
  return state.prompts.some((prompt) => prompt.id === id)
    ? state.prompts
    : [...state.prompts, { ...systemPrompts.of(text), id, decoys: decoysIn(text, context) }]
}

/** The decoy credentials in a text, as the policy names them. */
function decoysIn(text: string, { policy }: DetectionContext): readonly string[] {
  const canaries = policy?.canaries
  return canaries?.hasTokens === true
    ? hashedWords(text).flatMap((hash) => canaries.token(hash)?.entry ?? [])
    : NO_DECOYS
}

const NO_DECOYS: readonly string[] = []

function judgeMessage(
  event: Telemetry,
  prompts: readonly KnownPrompt[],
  context: DetectionContext,
): FindingDraft | undefined {
  const text = event.content?.prompt ?? ''
  const attempt = text === '' ? undefined : attempts.of(text)
  const channel = event.operation === 'agent_invoke' && isBetweenAgents(event) ? 'message' : 'prompt'
  const finding = judgeRequest(event, attempt, text, channel)
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

function judgeRequest(
  event: Telemetry,
  attempt: Attempt | undefined,
  text: string,
  channel: Channel,
): FindingDraft | undefined {
  if (attempt === undefined) {
    return undefined
  }
  // They are mostly code, queries, forms and pages, full of passwords that nobody asks the agent for.
  if (
    (channel === 'arguments' || channel === 'result') &&
    (!attempt.asksForPrompt || attempt.confidence < ARGUMENTS_CONFIDENCE)
  ) {
    return undefined
  }
  return { ...attemptFinding(event, attempt, channel), origin: originOf(text) }
}

const PLACE: Readonly<Record<Channel, string>> = {
  prompt: 'a prompt',
  message: 'a message between agents',
  arguments: 'the arguments of a tool call',
  result: 'what a tool returned',
}

function attemptFinding(event: Telemetry, attempt: Attempt, channel: Channel): FindingDraft {
  const hidden = attempt.hidden === undefined ? '' : `, hidden by ${attempt.hidden}`
  const because = attempt.features.slice(0, 4).join(', ')
  return {
    cause: `attempt:${channel}`,
    severity: 'medium',
    confidence: rounded(attempt.confidence),
    title: 'Attempt to extract the system prompt',
    reason: `A request for the agent's instructions or secrets stands in ${PLACE[channel]}${hidden} (${because}).`,
    observed: `score ${attempt.score.toFixed(2)}: ${attempt.features.slice(0, 8).join(', ')}`.slice(0, 900),
    expected: 'no request for the system prompt, instructions or secrets',
    silence: 'close the alert as benign',
    evidence: {
      channel,
      score: rounded(attempt.score),
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
    return { ...overlapFinding(overlap, text, channel), origin: originOf(text) }
  }
  const decoys = new Set(prompts.flatMap((prompt) => prompt.decoys ?? []))
  if (decoys.size > 0 && decoysIn(text, context).some((entry) => decoys.has(entry))) {
    return { ...decoyFinding(text, channel), origin: originOf(text) }
  }
  const announcement = channel === 'output' ? announcements.of(text) : undefined
  if (announcement === undefined) {
    return undefined
  }
  const asked = given !== '' && attempts.of(given) !== undefined
  // One directive may be the agent's manner of speaking, unless somebody just asked for them.
  return announcement.directives >= 2 || asked
    ? { ...announcementFinding(announcement, asked, channel), origin: originOf(text) }
    : undefined
}

function overlapFinding(overlap: Overlap, text: string, channel: string): FindingDraft {
  const percent = Math.round(100 * overlap.share)
  const hidden = overlap.hidden === undefined ? '' : `, hidden by ${overlap.hidden}`
  return {
    cause: `leak:${channel}`,
    severity: overlap.share >= LARGE_PART ? 'critical' : 'high',
    confidence: rounded(Math.min(0.99, 0.75 + 0.5 * overlap.share)),
    title: 'System prompt leaked',
    reason: `About ${percent} % of the agent's system prompt stands in ${channel === 'output' ? 'its output' : 'the arguments of a tool call'}${hidden}.`,
    observed: `${overlap.shared} shingles of the prompt, about ${percent} % of it`,
    expected: 'no part of the system prompt in what the agent gives out',
    silence: 'close the alert as benign',
    evidence: {
      channel,
      share: rounded(overlap.share),
      shared_shingles: overlap.shared,
      prompt_holds_secrets: overlap.secrets,
      ...(overlap.hidden === undefined ? {} : { hidden: overlap.hidden }),
      untrusted_excerpt: untrusted(text, EXCERPT),
    },
    techniques: overlap.secrets ? ['AML.T0056', 'AML.T0057'] : ['AML.T0056'],
  }
}

function decoyFinding(text: string, channel: string): FindingDraft {
  return {
    cause: `leak:${channel}`,
    severity: 'critical',
    confidence: 0.97,
    title: 'System prompt leaked',
    reason: `A decoy that was planted in the agent's system prompt stands in ${channel === 'output' ? 'its output' : 'the arguments of a tool call'}.`,
    observed: 'a decoy of the system prompt',
    expected: 'no part of the system prompt in what the agent gives out',
    silence: 'remove the decoy from canaries.tokens of the policy',
    evidence: { channel, decoy: true, untrusted_excerpt: untrusted(text, EXCERPT) },
    techniques: ['AML.T0056'],
  }
}

function announcementFinding(announcement: Announcement, asked: boolean, channel: string): FindingDraft {
  const { announced, directives } = announcement
  return {
    cause: `leak:${channel}`,
    severity: 'high',
    confidence: rounded(Math.min(0.85, (announced ? 0.45 : 0.3) + 0.05 * Math.min(4, directives) + (asked ? 0.2 : 0))),
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
