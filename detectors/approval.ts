/**
 * An action of consequence without the human gate that the agent's policy asks for: nobody approved it, the agent did
 * itself, somebody who may not, too long ago, or for something else.
 */
import { GATED_ACTIONS, type GatedAction } from '../rules/approvals.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import { ALLOWED, type Refusal } from '../rules/verdict.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Telemetry, Tool } from '../schema/telemetry.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { type Approver, approverOf } from './draft/approver.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { toolActions } from './draft/tool-powers.ts'
import { untrusted } from './draft/untrusted.ts'

/** The most approvals of one session that are remembered; the oldest makes room. */
const APPROVALS_KEPT = 64
/** An approval this much later than the end of the action came after it, whatever clocks say. */
const CLOCKS_MS = 60_000

/** An approval and the action that it was used for, both as hashes. */
type Use = readonly [approval: string, action: string]

interface State {
  used: readonly Use[]
}

export const approval = defineDetector<State>({
  id: 'approval',
  title: 'Action without approval',
  catches:
    'Tool calls that need a human by the policy of the agent (tools it lists, or what the maturity of the agent presets by what the name of a tool says it does) and that nobody approved, a setting let pass, the agent or another agent of the chain approved, somebody approved who may not, or an approval allows that is stale, came afterwards or was given for another action; an agent that approves its own action, without a policy, too.',
  misses:
    'Approvals that telemetry does not carry (they look like none: record them as telltale.approval), an approver who did not look, who sits at the keyboard where telemetry names no user, tools whose names do not say what they do unless the policy lists them, and an approval used again in another session.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0053', 'AML.T0101', 'AML.T0048.000', 'AML.T0086'],
  owasp: ['LLM06:2025', 'ASI02', 'ASI03', 'ASI09'],
  runbook: [
    'Read untrusted_arguments and outcome: what was done, and can it be undone? Undo it first.',
    'Ask who is named in untrusted_approved_by (or the user at the root of subject_chain) whether they approved this action, with these arguments.',
    'Look at the prompts and tool results of the ten minutes before in the session: what made the agent act without asking?',
    'Is the gate enforced where the tool runs, or only asked for in the prompt? If it was passed, close the tool to the agent until it is enforced.',
    'If the action needs no human, make the change that policy.allow_with names.',
  ],
  needs: ['tool', ['policy.approvals', 'approval.by']],
  uses: ['approval.at_ms', 'approval.id', 'subject_chain', 'content.arguments'],
  severities: ['low', 'medium', 'high'],
  on: ['tool_call', 'agent_spawn'],
  scope: 'session',
  stateVersion: 2,
  initial: () => ({ used: [] }),

  check(event, state, { policy, repeated }) {
    const { tool } = event
    const rules = policy?.approvals
    if (tool === null || (rules === undefined && event.approval === null) || wasStopped(event)) {
      return NONE
    }
    const actions = toolActions(tool.name)
    const approver = approverOf(event)
    const needed = rules?.judgeUnapproved(tool, actions)
    const refusal = needed?.allowed === false ? needed : undefined
    const act = { event, tool, actions, approver, refusal, policy }
    if (approver.kind === 'itself') {
      const firm = isLearned(policy) ? undefined : refusal
      return [finding({ ...act, refusal: firm }, 'itself', firm === undefined ? NOT_ITSELF : refusedBy(firm))]
    }
    if (policy === undefined || rules === undefined || refusal === undefined) {
      return NONE
    }
    const told = (wrong: Wrong, says: Says) => [byPolicyOf(policy, finding(act, wrong, says))]
    if (approver.kind !== 'person') {
      return told(approver.kind === 'nobody' ? 'missing' : 'automatic', refusedBy(refusal))
    }
    const who = approver.names.length === 0 ? ALLOWED : rules.judgeApprover(approver.names)
    const wrong = [who, rules.judgeAge(ageOf(event))].find(({ allowed }) => !allowed)
    if (wrong?.allowed === false) {
      return told(wrong.because, refusedBy(wrong))
    }
    if (isAfterwards(event)) {
      return told('afterwards', refusedBy(refusal))
    }
    // An amendment may know more of the arguments than the event that it amends.
    const reused = repeated !== true && isReused(event, tool, state)
    return reused ? told('reused', refusedBy(rules.reused)) : NONE
  },

  learn(event, state, context) {
    const use = event.approval === null || !isGated(event, context) ? undefined : useOf(event)
    if (use === undefined || state.used.some(([known]) => known === use[0])) {
      return false
    }
    state.used = [...state.used, use].slice(-APPROVALS_KEPT)
    return true
  },
})

const NONE: readonly FindingDraft[] = []

function isGated({ tool }: Telemetry, { policy }: DetectionContext): boolean {
  return tool !== null && policy?.approvals?.judgeUnapproved(tool, toolActions(tool.name)).allowed === false
}

function ageOf({ time_ms, approval: given }: Telemetry): number {
  return given?.at_ms === undefined ? 0 : time_ms - given.at_ms
}

function isAfterwards({ time_ms, duration_ms, approval: given }: Telemetry): boolean {
  return given?.at_ms !== undefined && given.at_ms > time_ms + (duration_ms ?? 0) + CLOCKS_MS
}

/** Which approval it was: by its id, else by who gave it and when, to the millisecond. */
function useOf({ approval: given, tool, content }: Telemetry): Use | undefined {
  if (tool === null || given === null || (given.id === undefined && given.at_ms === undefined)) {
    return undefined
  }
  const approvalId = given.id === undefined ? idOf(given.by ?? '', given.at_ms ?? 0) : idOf(given.id)
  return [approvalId, idOf(tool.name, tool.server ?? '', content?.arguments ?? '')]
}

function isReused(event: Telemetry, tool: Tool, { used }: Readonly<State>): boolean {
  const use = useOf({ ...event, tool })
  const known = use === undefined ? undefined : used.find(([id]) => id === use[0])
  return known !== undefined && known[1] !== use?.[1]
}

interface Act {
  readonly event: Telemetry
  readonly tool: Tool
  readonly actions: ReadonlySet<GatedAction>
  readonly approver: Approver
  /** What the policy says against the action without an approval. */
  readonly refusal: Refusal<string> | undefined
  readonly policy: CompiledPolicy | undefined
}

type Wrong = 'missing' | 'automatic' | 'approver' | 'age' | 'afterwards' | 'reused' | 'itself'

const TITLES: Readonly<Record<Wrong, string>> = {
  missing: 'Agent acted without approval',
  automatic: 'Agent acted without a human',
  approver: 'Action approved by somebody who may not',
  age: 'Agent acted on a stale approval',
  afterwards: 'Action approved only afterwards',
  reused: 'Approval used for another action',
  itself: 'Agent approved its own action',
}

const CONFIDENCE: Readonly<Record<Wrong, number>> = {
  missing: 0.85,
  automatic: 0.9,
  approver: 0.95,
  age: 0.95,
  afterwards: 0.9,
  reused: 0.9,
  itself: 0.95,
}

/** What the policy has to say to it; without a policy, that nobody approves their own actions. */
type Says = Pick<FindingDraft, 'expected' | 'policy' | 'silence'>

const NOT_ITSELF: Says = {
  expected: 'approval by a human who is not the agent',
  silence: 'record who approved in telltale.approval',
}

function finding(act: Act, wrong: Wrong, says: Says): FindingDraft {
  const { event, tool, approver, policy } = act
  const name = quoteName(tool.name)
  const by = approver.kind === 'nobody' ? undefined : approver.by
  return {
    cause: causeOf(`approval-${wrong}`, tool.name, tool.server ?? ''),
    severity: severityOf(act, wrong),
    confidence: CONFIDENCE[wrong],
    title: `${TITLES[wrong]}: ${name}`,
    reason: `${quoteName(event.agent.id)} called ${name}, ${whatIsWrong(act, wrong)}.`,
    observed: `${by === undefined ? 'no approval' : `approval by ${quoteName(by)}`}, outcome ${event.outcome}`,
    ...says,
    evidence: {
      untrusted_tool: untrusted(tool.name),
      ...(by === undefined ? {} : { untrusted_approved_by: untrusted(by) }),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      ...(event.approval?.at_ms === undefined ? {} : { approval_age_s: Math.round(ageOf(event) / 1000) }),
      actions: [...act.actions].join(', '),
      outcome: event.outcome,
      rule: wrong,
      ...(policy === undefined ? {} : { policy_id: policy.id }),
    },
    techniques: techniquesOf(act.actions),
  }
}

function whatIsWrong({ event, approver }: Act, wrong: Wrong): string {
  const by = approver.kind === 'nobody' ? '' : quoteName(approver.by)
  const reasons: Readonly<Record<Wrong, string>> = {
    missing: 'which needs the approval of a human, and none is recorded',
    automatic: `which needs the approval of a human, and was let pass by a setting (${by})`,
    approver: `which ${by} approved, who may not`,
    age: `with an approval of ${Math.round(ageOf(event) / 1000)} seconds before`,
    afterwards: 'and the approval came only afterwards',
    reused: 'with an approval that was already used for another action in this session',
    itself: `and the approval came from ${by}, who is the agent or one that it acts for`,
  }
  return reasons[wrong]
}

function severityOf({ event, actions, refusal }: Act, wrong: Wrong): Severity {
  const isGrave = GATED_ACTIONS.associate.some((action) => actions.has(action))
  const base: Severity = isGrave || refusal?.because === 'listed' ? 'high' : 'medium'
  const isLess = wrong === 'age' || event.outcome !== 'ok'
  return isLess ? raise(base, -1) : base
}

function techniquesOf(actions: ReadonlySet<GatedAction>): string[] {
  return [
    'AML.T0053',
    ...(actions.has('deletes') ? ['AML.T0101'] : []),
    ...(actions.has('pays') ? ['AML.T0048.000'] : []),
    ...(actions.has('sends') ? ['AML.T0086'] : []),
  ]
}
