/**
 * An agent changes what it is made of or what holds it: its instructions, tools, memory, configuration, the guardrails and
 * permissions around it, the pipeline that builds it, and what watches it.
 */
import { type FindingDraft, SEVERITIES, type Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Telemetry, Tool } from '../schema/telemetry.ts'
import { TextMemory } from '../schema/text-memory.ts'
import { runnablesOf } from './dangerous-command/arguments.ts'
import { defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { isBetweenAgents } from './draft/chain.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Change, changeOf, changesOfCode, changesOfScript } from './self-modification/commands.ts'
import { writtenPaths } from './self-modification/file-writes.ts'
import { changedByName } from './self-modification/named-actions.ts'
import { PARTS, type Part } from './self-modification/targets.ts'

const PART_NAMES = Object.keys(PARTS) as readonly Part[]

interface State {
  /** Parts that the user of the session spoke of. */
  asked: Part[]
}

export const selfModification = defineDetector<State>({
  id: 'self-modification',
  title: 'Agent modifies itself',
  catches:
    'Calls and commands that write, delete or install what an agent consists of: instruction files, MCP servers and tools, settings, hooks and guardrails, memory, CI pipelines, permissions and the monitoring itself, however the path is written.',
  misses:
    'Changes made by code that the agent writes first and runs later, through interpreters, by services of their own, or to files of other names; whether what the user asked for is what was written; agents whose arguments are not recorded.',
  kind: 'integrity',
  version: 1,
  techniques: ['AML.T0081', 'AML.T0080.000', 'AML.T0018.003', 'AML.T0121'],
  owasp: ['LLM06:2025', 'LLM04:2025', 'ASI06', 'ASI10'],
  runbook: [
    'Read evidence.untrusted_target and the arguments of the event: what was written, and does the agent read it the next time it starts?',
    'Read what the agent was given before it in the session (tool results of the last ten minutes): did a document or a page ask for the change?',
    'Compare the file with the version under review (git log, backup); take back what nobody asked for.',
    'Look for other agents that read the same file or server, and for what they did after the change.',
    'If the agent has no business there, deny the tool or the path in its policy.',
  ],
  needs: ['tool', ['content.arguments', 'tool.name']],
  uses: ['content.arguments', 'content.prompt'],
  severities: [...SEVERITIES],
  on: ['tool_call', 'model_call', 'agent_invoke'],
  scope: 'session',
  stateVersion: 1,
  initial: () => ({ asked: [] }),

  check(event, state) {
    const { tool } = event
    if (event.operation !== 'tool_call' || tool === null) {
      return []
    }
    const changes = changesOf(tool, event.content?.arguments ?? '')
    const parts = new Map<Part, Change[]>()
    for (const change of changes) {
      parts.set(change.part, [...(parts.get(change.part) ?? []), change])
    }
    return [...parts].map(([part, all]) => findingOf(event, tool, part, all, state))
  },

  learn(event, state) {
    const prompt = event.operation === 'tool_call' ? undefined : userText(event)
    const asked = prompt === undefined ? NONE : askedFor.of(prompt).filter((part) => !state.asked.includes(part))
    state.asked.push(...asked)
    return asked.length > 0
  },
})

const NONE: readonly Part[] = []
const REMEMBERED = 512 * 1024

const askedFor = new TextMemory(
  (prompt): readonly Part[] => PART_NAMES.filter((part) => PARTS[part].asked.test(prompt)),
  REMEMBERED,
  'first',
)

/** What a person said: what another agent said in his name asks for nothing. */
function userText(event: Telemetry): string | undefined {
  return isBetweenAgents(event) ? undefined : event.content?.prompt
}

const NO_CHANGES: readonly Change[] = []

function byName(name: string): readonly Change[] {
  const part = changedByName(name)
  return part === undefined ? NO_CHANGES : [{ part, target: name }]
}

function changesOf({ name }: Tool, text: string): readonly Change[] {
  const run = runnablesOf(name, text).flatMap(({ language, text: script }) =>
    language === 'code' ? changesOfCode(script) : language === 'sql' ? NO_CHANGES : changesOfScript(script),
  )
  const found = [...run, ...writtenPaths(name, text).flatMap(changeOf)]
  return found.length > 0 ? found : byName(name)
}

function findingOf(
  event: Telemetry,
  tool: Tool,
  part: Part,
  changes: readonly Change[],
  state: Readonly<State>,
): FindingDraft {
  const { what, techniques } = PARTS[part]
  const [first] = changes
  const target = first?.target ?? tool.name
  const isAsked = state.asked.includes(part)
  const stopped = wasStopped(event)
  return {
    cause: causeOf(`self-modification:${part}`, target),
    severity: severityOf(part, isAsked, stopped),
    confidence: isAsked ? 0.4 : 0.8,
    title: `Agent ${stopped ? 'tried to change' : 'changed'} ${what}`,
    reason: `${quoteName(event.agent.id)} ${stopped ? 'tried to change' : 'changed'} ${what} by ${quoteName(tool.name)}${isAsked ? '; the user of the session spoke of such a change' : ', and no user of the session had spoken of it'}.`,
    observed: `${quoteName(target)}, outcome ${event.outcome}`,
    expected: 'agents that leave to people what they are made of',
    silence: 'Close the alert as benign, or have the change made by a person or a release.',
    evidence: {
      part,
      untrusted_target: untrusted(target),
      untrusted_tool: untrusted(tool.name),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      targets: changes.length,
      asked_for: isAsked,
      outcome: event.outcome,
    },
    techniques: [...techniques],
  }
}

function severityOf(part: Part, isAsked: boolean, stopped: boolean): Severity {
  const { severity } = PARTS[part]
  if (severity === 'informational' || isAsked) {
    // What was asked for is for the record: people have agents edit their instructions and pipelines all day long.
    return part === 'permissions' || part === 'monitoring' || part === 'guardrails' ? 'low' : 'informational'
  }
  return stopped ? raise(severity, -1) : severity
}
