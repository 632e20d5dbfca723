/**
 * An agent calls a tool that its policy does not allow, or one whose name or server pretends to be allowed.
 *
 * The policy decides, nothing is learned. The severity says how much such a call can do, whether it was stopped on its way,
 * and whether somebody goes to some length: a disguised name, a stranger's server, another try after being stopped.
 */
import type { CompiledPolicy } from '../rules/policy.ts'
import type { Violation } from '../rules/verdict.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Telemetry, Tool } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { type Attempts, noAttempts, rememberStopped, stoppedBefore } from './draft/attempts.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { toolPowers } from './draft/tool-powers.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Imitation, imitationOf } from './tool-allowlist/imitation.ts'

export const toolAllowlist = defineDetector<Attempts>({
  id: 'tool-allowlist',
  title: 'Tool outside the allow-list',
  catches:
    'Every call, attempted or done, of a tool that the policy of the agent denies or does not list, whatever made the agent call it; tools of another server than the pinned one; names that are disguised or made to read as a listed one; and calls tried again, also by another tool, after they were stopped.',
  misses:
    'Abuse of allowed tools, agents without a policy, a tool that answers under an allowed name without its server being pinned, and a second try in other words by a tool of another kind.',
  kind: 'policy',
  version: 2,
  techniques: ['AML.T0053', 'AML.T0074', 'AML.T0098', 'AML.T0110', 'AML.T0117', 'AML.T0133'],
  owasp: ['LLM06:2025', 'ASI02', 'ASI03', 'ASI04'],
  runbook: [
    'Read untrusted_arguments and the event: what was the call meant to do, and did it happen (outcome)?',
    'Read what the agent was given before the call in the same session (prompts, tool results of the last minutes): who asked for it?',
    'Where the name is disguised or the server another one: who configured the tool server, and since when does it offer the tool?',
    'Ask the owner of the policy whether the tool is new and wanted. If so, make the change that policy.allow_with names.',
    'If it is not wanted, end the session, and look for other calls of the tool in the last 30 days, by any agent.',
  ],
  needs: ['tool', 'policy.tools'],
  uses: ['tool.server', 'content.arguments', 'policy_decision'],
  severities: ['low', 'medium', 'high', 'critical'],
  on: ['tool_call', 'agent_spawn'],
  scope: 'session',
  stateVersion: 1,
  initial: noAttempts,

  check(event, state, { policy }) {
    const call = judged(event, policy)
    return call === undefined ? [] : [byPolicyOf(call.policy, finding(event, call, state))]
  },

  learn: () => false,

  spoke: (event, state) => (event.tool === null ? false : rememberStopped(state, event, triesOf(event, event.tool))),
})

/** A call that is to be told. */
interface Call {
  readonly tool: Tool
  readonly policy: CompiledPolicy
  /** Absent when the policy would let it pass, disguised as it is. */
  readonly violation: Violation | undefined
  readonly imitation: Imitation | undefined
}

function judged({ tool }: Telemetry, policy: CompiledPolicy | undefined): Call | undefined {
  const verdict = tool === null ? undefined : policy?.judgeTool(tool)
  if (tool === null || policy === undefined || verdict === undefined) {
    return undefined
  }
  const imitation = imitationOf(tool.name, policy)
  if (!verdict.allowed) {
    return { tool, policy, violation: verdict, imitation: verdict.because === 'other-server' ? undefined : imitation }
  }
  return imitation === undefined || isInnocent(tool.name, imitation)
    ? undefined
    : { tool, policy, violation: undefined, imitation }
}

/** A name that the policy allows is left alone unless it hides something, or reads as one that is denied. */
function isInnocent(name: string, { disguise, of }: Imitation): boolean {
  return disguise === 'case' || (disguise === 'look-alike' && of?.list !== 'deny' && !NOT_ASCII.test(name))
}

const NOT_ASCII = /[^\p{ASCII}]/u

function finding(event: Telemetry, call: Call, state: Readonly<Attempts>): FindingDraft {
  const { tool, policy, violation, imitation } = call
  const name = quoteName(tool.name)
  const again = repetitionOf(event, tool, state)
  const reasons = [
    whatIsWrong(call),
    ...(imitation === undefined || violation === undefined ? [] : [describeImitation(imitation)]),
    ...(again === undefined ? [] : [again.text]),
    ...(wasStopped(event) ? ['the call was stopped'] : []),
  ]
  return {
    cause: causeOf('tool', tool.name, tool.server ?? ''),
    severity: severityOf(event, call, again !== undefined),
    confidence: violation === undefined ? 0.9 : 0.99,
    title: `${titleOf(call, again)}: ${name}`,
    reason: `${quoteName(event.agent.id)} called ${name}, ${reasons.join('; ')}.`,
    observed: `call of ${name}, outcome ${event.outcome}`,
    ...(violation === undefined ? disguised(call) : refusedBy(violation)),
    evidence: {
      untrusted_tool: untrusted(tool.name),
      ...(tool.server === undefined ? {} : { untrusted_server: untrusted(tool.server) }),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      outcome: event.outcome,
      policy_id: policy.id,
      rule: violation?.because ?? 'disguised',
      ...(imitation === undefined ? {} : { disguise: imitation.disguise }),
      ...(imitation?.of === undefined
        ? {}
        : { imitates: imitation.of.name.slice(0, 512), imitates_in: imitation.of.list }),
      ...(again === undefined ? {} : { stopped_before: again.times, tried_again: again.by }),
    },
    techniques: techniquesOf(event, call, again),
  }
}

function whatIsWrong({ tool, violation, imitation }: Call): string {
  switch (violation?.because) {
    case undefined:
      return imitation === undefined ? '' : describeImitation(imitation)
    case 'denied':
      return 'which its policy denies'
    case 'other-server':
      return `which its policy allows from another server than ${quoteName(tool.server ?? '')}`
    default:
      return 'which its policy does not list'
  }
}

/** Names of the policy are the operator's words; they are quoted all the same, for they may hold anything. */
function describeImitation({ disguise, of }: Imitation): string {
  const listed = of === undefined ? '' : `${of.list === 'deny' ? 'denied ' : ''}${quoteName(of.name)}`
  switch (disguise) {
    case 'hidden':
      return `a name with hidden characters${of === undefined ? '' : ` that reads as ${listed}`}`
    case 'look-alike':
      return `a name with look-alike characters${of === undefined ? '' : ` that reads as ${listed}`}`
    case 'case':
      return `a name that differs from ${listed} in case alone`
  }
}

function titleOf({ violation, imitation }: Call, again: Repetition | undefined): string {
  if (imitation !== undefined && imitation.disguise !== 'case') {
    return 'Agent called a tool with a disguised name'
  }
  if (violation?.because === 'other-server') {
    return 'Agent called a tool of another server'
  }
  return again === undefined ? 'Agent called a forbidden tool' : 'Agent tried a forbidden tool again'
}

/** Of a name that the policy would let pass, disguised as it is. */
function disguised({ policy, tool }: Call): Pick<FindingDraft, 'expected' | 'silence'> {
  return {
    expected: 'names without hidden or look-alike characters',
    silence: `${policy.file}: add ${quoteName(tool.name)} to tools.allow, in these very characters`,
  }
}

interface Repetition {
  readonly times: number
  readonly by: 'same-tool' | 'other-tool'
  readonly text: string
}

function repetitionOf(event: Telemetry, tool: Tool, state: Readonly<Attempts>): Repetition | undefined {
  const [own = '', ...others] = triesOf(event, tool)
  const same = stoppedBefore(state, event, [own])
  if (same > 0) {
    return { times: same, by: 'same-tool', text: `after ${timesOf(same)} in this session` }
  }
  const times = stoppedBefore(state, event, others)
  return times === 0
    ? undefined
    : {
        times,
        by: 'other-tool',
        text: `after the same was tried with another tool and ${timesOf(times)} in this session`,
      }
}

function timesOf(times: number): string {
  return times === 1 ? 'it was stopped once' : `it was stopped ${times} times`
}

/** Shorter arguments, such as `{}`, say nothing of what was meant. */
const TELLING_ARGUMENTS = 12

/** What the call tries, its own tool first: the same tool, the same arguments, the same power. */
function triesOf(event: Telemetry, tool: Tool): readonly string[] {
  const given = event.content?.arguments?.replaceAll(/\s+/g, '') ?? ''
  return [
    JSON.stringify(['tool', tool.name, tool.server]),
    ...(given.length < TELLING_ARGUMENTS ? [] : [`arguments:${given}`]),
    ...[...toolPowers(tool.name)].map((power) => `power:${power}`),
  ]
}

function severityOf(event: Telemetry, { tool, violation, imitation }: Call, isAgain: boolean): Severity {
  const isGrave = violation?.because === 'denied' || imitation?.of?.list === 'deny' || toolPowers(tool.name).size > 0
  const isDisguised = imitation !== undefined && imitation.disguise !== 'case'
  const isPretended = violation?.because === 'other-server' || (isDisguised && imitation.of !== undefined)
  const steps = (isPretended ? 1 : 0) + (isAgain ? 1 : 0) - (wasStopped(event) ? 1 : 0)
  const most: Severity = isAgain && !wasStopped(event) ? 'critical' : 'high'
  return atMost(raise(isGrave ? 'high' : 'medium', steps), most)
}

/** One sign alone is not the worst that can be. */
function atMost(severity: Severity, most: Severity): Severity {
  return severity === 'critical' && most === 'high' ? 'high' : severity
}

/** What tool servers and frameworks say about a name that nobody offers. */
const UNKNOWN_TOOL = /unknown|not.?found|no.?such|unrecogni|does.?not.?exist|invalid.?tool/i

function techniquesOf(event: Telemetry, call: Call, again: Repetition | undefined): string[] {
  const { tool, violation, imitation } = call
  const probing = wasStopped(event) || UNKNOWN_TOOL.test(event.error_type ?? '')
  return [
    'AML.T0053',
    // Calls that come back denied or unknown tell the caller what the agent can reach.
    ...(probing ? ['AML.T0133'] : []),
    ...(toolPowers(tool.name).has('reads-secrets') ? ['AML.T0098'] : []),
    ...(imitation !== undefined && imitation.disguise !== 'case' ? ['AML.T0074'] : []),
    ...(violation?.because === 'other-server' ? ['AML.T0110'] : []),
    ...(again?.by === 'other-tool' ? ['AML.T0117'] : []),
  ]
}
