/**
 * Somebody who can write where an agent reads tells it what to do: in the result of a tool, in a retrieved document, in a
 * message of another agent.
 */
import type { FindingDraft } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { TextMemory } from '../schema/text-memory.ts'
import { defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { isBetweenAgents } from './draft/chain.ts'
import { originOf } from './draft/origin.ts'
import { rounded } from './draft/rounded.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Instruction, isInstruction, judgeDocument, judgeMessage } from './injection/judge.ts'
import { quotedResults } from './injection/quoted-results.ts'

/** The longest excerpt of agent-supplied text in evidence, in UTF-16 units. */
const EXCERPT = 400
/** How many tools of an agent are remembered, and how long the names are that can be recognised in a text. */
export const TOOLS_KEPT = 64
const SHORTEST_NAME = 6
const LONGEST_NAME = 64
/** So much of a sentence, found in the arguments of the same call, was written by the agent itself. */
const OWN_WORDS = 60
const SHORTEST_OWN = 16

/** UTF-16 units of the texts of each place whose judgement is remembered. */
const REMEMBERED = 2 * 1024 * 1024
const documents = new TextMemory(judgeDocument, REMEMBERED)
const messages = new TextMemory(judgeMessage, REMEMBERED / 2)

interface State {
  /** Names of tools that the agent has called, in lower case, as they may stand in a text. */
  tools: string[]
}

type Channel = 'tool result' | 'retrieved document' | 'message' | 'result in a prompt'

export const injection = defineDetector<State>({
  id: 'injection',
  title: 'Instructions planted in what an agent reads',
  catches:
    'Instructions to the agent inside results of tools, retrieved documents and messages between agents: orders with the means of an agent, overrides, claims of authority, imitated turns and system messages, in some twenty languages; hidden in markup, invisible characters and encodings, too.',
  misses: `Orders without any push that sound like a request between people or like a guide; plain tasks in messages between agents; false facts that order nothing; pictures and sound; what lies beyond the ${CONTENT_LIMIT} characters that telemetry keeps of a text; what a user asks for directly; everything of agents whose content is not recorded.`,
  kind: 'content',
  version: 1,
  techniques: ['AML.T0051.001', 'AML.T0099', 'AML.T0070', 'AML.T0118.001', 'AML.T0068'],
  owasp: ['LLM01:2025', 'ASI01', 'ASI06', 'ASI07'],
  runbook: [
    'Read evidence.untrusted_excerpt in the whole result of the event: is it addressed at the agent, or does the document talk about such texts?',
    'Who can write where it stood (evidence names tool and server)? Find the record, the page or the mail, take it out, and see who wrote it when.',
    'Look at the calls of the session after the event: did the agent do what the text says? Compare recipients, accounts and addresses with those in the excerpt.',
    'Search results of other agents and sessions of the last days for the same text: the origin of the finding is the same wherever it turns up.',
    'If the agent complied, undo what can be undone, replace credentials that it could read, and let the tools that it was made to use ask a human.',
  ],
  needs: [['content.result', 'content.prompt']],
  uses: ['tool.name', 'subject_chain', 'content.arguments'],
  severities: ['medium', 'high'],
  on: ['tool_call', 'retrieval', 'agent_invoke', 'model_call'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ tools: [] }),

  check(event, state) {
    const { content } = event
    if (content === undefined) {
      return NO_FINDINGS
    }
    const { result, prompt } = content
    if (event.operation === 'tool_call' || event.operation === 'retrieval') {
      return result === undefined || result === '' ? NO_FINDINGS : judgeResult(event, result, state)
    }
    if (prompt === undefined || prompt === '') {
      return NO_FINDINGS
    }
    return event.operation === 'model_call' ? judgePrompt(event, prompt, state) : judgeInvocation(event, prompt)
  },

  learn(event, state) {
    const name = event.tool === null || event.operation !== 'tool_call' ? undefined : nameInText(event.tool.name)
    if (name === undefined || state.tools.includes(name)) {
      return false
    }
    state.tools = [...state.tools, name].slice(-TOOLS_KEPT)
    return true
  },
})

const NO_FINDINGS: readonly FindingDraft[] = []

/** Only names that no sentence has by chance: with capitals inside, dots or underscores. */
function nameInText(name: string): string | undefined {
  const isName = /[a-z][A-Z]|[a-zA-Z0-9][._-][a-zA-Z0-9]/.test(name)
  return isName && name.length >= SHORTEST_NAME && name.length <= LONGEST_NAME ? name.toLowerCase() : undefined
}

function judgeResult(event: Telemetry, text: string, state: Readonly<State>): readonly FindingDraft[] {
  const instruction = documents.of(text)
  if (instruction === undefined || isOwnText(event, instruction)) {
    return NO_FINDINGS
  }
  const channel = event.operation === 'retrieval' ? 'retrieved document' : 'tool result'
  return findingsOf(event, text, instruction, channel, state)
}

/** What a call wrote comes back in its result: an agent that edits a guide or sends a mail reads its own words. */
function isOwnText({ content }: Telemetry, { sentence }: Instruction): boolean {
  const written = content?.arguments
  if (written === undefined || sentence.length < SHORTEST_OWN) {
    return false
  }
  const plain = (text: string) => text.replace(/\\[nrt"']|[\s"'\\]+/g, ' ').toLowerCase()
  return plain(written).includes(plain(sentence).trim().slice(0, OWN_WORDS))
}

function judgePrompt(event: Telemetry, prompt: string, state: Readonly<State>): readonly FindingDraft[] {
  for (const part of quotedResults(prompt)) {
    const instruction = documents.of(part)
    const findings =
      instruction === undefined ? NO_FINDINGS : findingsOf(event, part, instruction, 'result in a prompt', state)
    if (findings.length > 0) {
      return findings
    }
  }
  return NO_FINDINGS
}

/** What a user says to an agent is the user's to say; what another agent says may come from anywhere. */
function judgeInvocation(event: Telemetry, prompt: string): readonly FindingDraft[] {
  const instruction = isBetweenAgents(event) ? messages.of(prompt) : undefined
  return instruction === undefined ? NO_FINDINGS : [finding(event, prompt, instruction, 'message', undefined)]
}

function findingsOf(
  event: Telemetry,
  text: string,
  instruction: Instruction,
  channel: Channel,
  state: Readonly<State>,
): readonly FindingDraft[] {
  const said = instruction.sentence.toLowerCase()
  const named = state.tools.find((tool) => said.includes(tool))
  return isInstruction(instruction, named !== undefined)
    ? [finding(event, text, instruction, channel, named)]
    : NO_FINDINGS
}

const PLACE: Readonly<Record<Channel, string>> = {
  'tool result': 'the result of',
  'retrieved document': 'a document retrieved by',
  message: 'a message to',
  'result in a prompt': 'a result inside a prompt of',
}

const DEMAND = { outward: ' that wants something sent out', destructive: ' that wants something destroyed or opened' }

function finding(
  event: Telemetry,
  text: string,
  instruction: Instruction,
  channel: Channel,
  namedTool: string | undefined,
): FindingDraft {
  const { hidden, demand, score, features, confidence } = instruction
  const source = quoteName(channel === 'tool result' ? (event.tool?.name ?? 'a tool') : event.agent.id)
  const how = hidden === undefined ? '' : `, hidden by ${hidden}`
  const what = demand === undefined ? '' : DEMAND[demand]
  return {
    cause: causeOf('injection', channel === 'message' ? channel : (event.tool?.name ?? channel)),
    severity: hidden !== undefined || demand !== undefined ? 'high' : 'medium',
    confidence: rounded(confidence),
    title: hidden === undefined ? 'Instructions planted in what an agent reads' : 'Hidden instructions to an agent',
    reason: `An instruction to the agent${what} stands in ${PLACE[channel]} ${source}${how} (${features.slice(0, 4).join(', ')}).`,
    observed: `score ${score.toFixed(2)}: ${features.slice(0, 8).join(', ')}`.slice(0, 900),
    expected: 'data that tells an agent nothing to do',
    silence: 'close the alert as benign',
    evidence: {
      channel,
      score: rounded(score),
      features: features.slice(0, 12).join(', ').slice(0, 1000),
      ...(hidden === undefined ? {} : { hidden }),
      ...(demand === undefined ? {} : { demand }),
      ...(instruction.position === undefined ? {} : { position: rounded(instruction.position) }),
      ...(namedTool === undefined ? {} : { untrusted_named_tool: untrusted(namedTool) }),
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(event.tool?.server === undefined ? {} : { untrusted_server: untrusted(event.tool.server) }),
      untrusted_excerpt: untrusted(instruction.sentence, EXCERPT),
    },
    origin: originOf(text),
    techniques: techniquesOf(channel, hidden),
  }
}

function techniquesOf(channel: Channel, hidden: string | undefined): string[] {
  const where = {
    'tool result': ['AML.T0099'],
    'retrieved document': ['AML.T0070'],
    message: ['AML.T0118.001'],
    'result in a prompt': [],
  }
  return ['AML.T0051.001', ...where[channel], ...(hidden === undefined ? [] : ['AML.T0068'])]
}
