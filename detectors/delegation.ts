/**
 * Agents that act for one another in a way that nobody allowed: an unknown caller or callee, a chain too deep or in a
 * circle, no human where one must be or was, a policy decision used again, a message that claims to be somebody else's.
 *
 * It speaks once of each in the agent's part of a session: the chain is the same with every event of it.
 */
import type { DelegationRules } from '../rules/delegation.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import type { Judgement, Refusal } from '../rules/verdict.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Subject, Telemetry } from '../schema/telemetry.ts'
import { falseClaim } from './delegation/false-claim.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { agentOf, agentsIn, callersOf, callingAgent, namesOf } from './draft/chain.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'

/** The most policy decisions of one session, and the most causes told, that are remembered; the oldest make room. */
const DECISIONS_KEPT = 32
const TOLD_KEPT = 32

/** A policy decision and the operation it was first seen with, as a hash. */
type Decision = readonly [snapshot: string, operation: string]

interface State {
  /** A human was at the root of a chain. */
  human: boolean
  /** Hashes of the causes that were told. */
  told: readonly string[]
  decisions: readonly Decision[]
}

export const delegation = defineDetector<State>({
  id: 'delegation',
  title: 'Delegation that nobody allowed',
  catches:
    'A caller that the policy of the agent does not name, an agent called that the policy of its caller does not name, a chain of agents deeper than allowed, no human at the root where the policy asks for one (or one where it forbids it), a policy decision that was made for another operation; with or without a policy: a human who was at the root of a session and no longer is, an agent twice in its chain, and a message between agents that says it is from the user, an administrator, the system or another agent.',
  misses:
    'Whatever the subject chain does not show: chains are as complete as the spans above an event that have arrived by then, unless agents state theirs (telltale.subject_chain); a policy decision that another agent used before, in its own part of the session, where this one does a single kind of thing on it and was called without it; whom an agent may call, where its policy is selected by labels, version, owner or framework, which chains do not tell; claims of origin in other words than it knows; an agent that lies in its own chain.',
  kind: 'policy',
  version: 2,
  techniques: ['AML.T0053', 'AML.T0073', 'AML.T0118.001', 'AML.T0012'],
  owasp: ['LLM06:2025', 'ASI03', 'ASI07', 'ASI08'],
  runbook: [
    'Read untrusted_chain from left to right: who began, who called whom, and which link is new? Compare it with the chains of the agent in the last 7 days.',
    'Read the prompt of the agent_invoke event: what was the agent asked to do, and by whom does it say?',
    'Look at what the caller read in the ten minutes before (tool results, documents): did text there ask it to call this agent?',
    'Look at the tools and datasets that the agent used in the session: are they ones that the principal at the root may use?',
    'If the delegation is wanted, make the change that policy.allow_with names. If not, end the session and take from the callee the right to be called by that caller.',
  ],
  needs: ['subject_chain'],
  uses: ['policy.delegation', 'policy_snapshot', 'content.prompt'],
  severities: ['low', 'medium', 'high'],
  on: ['agent_invoke', 'tool_call', 'agent_spawn', 'retrieval', 'token_request', 'config_change'],
  scope: 'session',
  stateVersion: 1,
  initial: () => ({ human: false, told: [], decisions: [] }),

  check(event, state, context) {
    const rules = context.policy?.delegation
    const callers = callersOf(event)
    if (event.subject_chain.length === 0 || (callers.length === 0 && rules === undefined)) {
      return NONE
    }
    const findings = judge(event, callers, state, context)
    return findings.length === 0 ? NONE : findings.filter(({ cause }) => !state.told.includes(idOf(cause)))
  },

  learn: absorb,

  spoke(event, state, context) {
    const causes = judge(event, callersOf(event), state, context).map(({ cause }) => idOf(cause))
    state.told = [...new Set([...state.told, ...causes])].slice(-TOLD_KEPT)
    absorb(event, state, context)
    return true
  },
})

const NONE: readonly FindingDraft[] = []

function absorb(event: Telemetry, state: State, { policy }: DetectionContext): boolean {
  let isChanged = false
  if (!state.human && callersOf(event)[0]?.kind === 'human') {
    state.human = true
    isChanged = true
  }
  const { policy_snapshot: snapshot } = event
  const minds = policy?.delegation?.reusedDecision !== undefined
  if (minds && snapshot !== null && !state.decisions.some(([known]) => known === snapshot)) {
    state.decisions = [...state.decisions, [snapshot, operationOf(event)] as const].slice(-DECISIONS_KEPT)
    isChanged = true
  }
  return isChanged
}

/** What a decision was made for. Arguments are left out: a call that is tried again in other words is the same operation. */
function operationOf({ operation, tool }: Telemetry): string {
  return idOf(operation, tool?.name ?? '', tool?.server ?? '')
}

function judge(
  event: Telemetry,
  callers: readonly Subject[],
  state: Readonly<State>,
  context: DetectionContext,
): readonly FindingDraft[] {
  const findings = [
    ...(context.policy === undefined ? NONE : byOwnPolicy(event, callers, context.policy, state)),
    judgeCallee(event, context),
    judgeRoot(event, callers, context.policy, state),
    cycle(event, callers),
    event.operation === 'agent_invoke' ? falseClaim(event, chainEvidence) : undefined,
  ]
  return findings.filter((finding) => finding !== undefined)
}

function byOwnPolicy(
  event: Telemetry,
  callers: readonly Subject[],
  policy: CompiledPolicy,
  state: Readonly<State>,
): readonly FindingDraft[] {
  const rules = policy.delegation
  const caller = callers.at(-1)
  const findings = [
    caller === undefined ? undefined : refused(rules?.judgeCaller(caller), (no) => unknownCaller(event, caller, no)),
    refused(rules?.judgeDepth(agentsIn(callers)), (no) => tooDeep(event, no)),
    reusedDecision(event, rules, state),
  ]
  return findings.filter((finding) => finding !== undefined).map((finding) => byPolicyOf(policy, finding))
}

function refused<Because extends string>(
  judgement: Judgement<Because> | undefined,
  tell: (refusal: Refusal<Because>) => FindingDraft,
): FindingDraft | undefined {
  return judgement === undefined || judgement.allowed ? undefined : tell(judgement)
}

function chainEvidence({ subject_chain: chain, agent }: Telemetry): FindingDraft['evidence'] {
  const links = chain.map(({ kind, id }) => `${kind}:${id}`)
  return {
    untrusted_chain: untrusted(links.join(' > ')),
    untrusted_agent: untrusted(agent.id),
    agents_in_chain: agentsIn(chain),
  }
}

/** The same for every opinion of this detector: who, how urgent, and the chain. */
function draft(
  event: Telemetry,
  own: Pick<FindingDraft, 'cause' | 'confidence' | 'title' | 'reason' | 'observed' | 'expected' | 'techniques'> & {
    readonly severity: Severity
    readonly rule: string
  },
): FindingDraft {
  const { rule, severity, ...rest } = own
  return {
    ...rest,
    severity: wasStopped(event) ? raise(severity, -1) : severity,
    evidence: { ...chainEvidence(event), outcome: event.outcome, rule },
  }
}

const spell = ({ kind, id }: Subject) => `${kind} ${quoteName(id)}`

function unknownCaller(event: Telemetry, caller: Subject, refusal: Refusal<'caller'>): FindingDraft {
  const agent = quoteName(event.agent.id)
  return {
    ...draft(event, {
      cause: causeOf('caller', `${caller.kind}:${caller.id}`),
      severity: caller.kind === 'agent' ? 'high' : 'medium',
      confidence: 0.9,
      title: `Agent called by somebody unknown: ${spell(caller)}`,
      reason: `${agent} acts for ${spell(caller)}, whom its policy does not name as a caller.`,
      observed: `called by ${spell(caller)}`,
      expected: refusal.expected,
      techniques: ['AML.T0053', ...(caller.kind === 'agent' ? ['AML.T0118.001'] : [])],
      rule: 'caller',
    }),
    ...refusedBy(refusal),
  }
}

/** By the policy of the agent that called: it says whom it may call, or create. */
function judgeCallee(event: Telemetry, { policies }: DetectionContext): FindingDraft | undefined {
  const caller = callingAgent(event)
  const theirs = caller === undefined ? undefined : policies?.governingKnown(agentOf(caller), event.time_ms)
  const judgement = theirs?.delegation?.judgeCallee({ kind: 'agent', id: event.agent.id })
  if (caller === undefined || theirs === undefined || judgement === undefined || judgement.allowed) {
    return undefined
  }
  return mayCreate(theirs, event) ? undefined : byPolicyOf(theirs, unknownCallee(event, caller, judgement))
}

function unknownCallee(event: Telemetry, caller: Subject, refusal: Refusal<'callee'>): FindingDraft {
  const [name, by] = [quoteName(event.agent.id), quoteName(caller.id)]
  return {
    ...draft(event, {
      cause: causeOf('callee', event.agent.id, caller.id),
      severity: 'medium',
      confidence: 0.9,
      title: `Agent called another that it may not call: ${name}`,
      reason: `${by} called ${name}, whom its policy does not name as an agent that it may call.`,
      observed: `${by} called ${name}`,
      expected: refusal.expected,
      techniques: ['AML.T0053', 'AML.T0118.001'],
      rule: 'callee',
    }),
    ...refusedBy(refusal),
  }
}

function mayCreate(policy: CompiledPolicy, { agent }: Telemetry): boolean {
  return policy.spawning?.lists === true && policy.spawning.judgeSpawn(namesOf(agent)).allowed
}

function tooDeep(event: Telemetry, refusal: Refusal<'depth'>): FindingDraft {
  const depth = agentsIn(callersOf(event))
  return {
    ...draft(event, {
      cause: 'depth',
      severity: 'medium',
      confidence: 0.95,
      title: 'Chain of agents too deep',
      reason: `${quoteName(event.agent.id)} acts at the end of a chain with ${depth} agents above it, more than its policy allows.`,
      observed: `${depth} agents above it`,
      expected: refusal.expected,
      techniques: ['AML.T0053'],
      rule: 'depth',
    }),
    ...refusedBy(refusal),
  }
}

/**
 * A chain of the agent alone says little: what is above it may not have arrived. Only an event that has nothing above it
 * is judged by that; and a human is only lost to somebody else at the root.
 */
function judgeRoot(
  event: Telemetry,
  callers: readonly Subject[],
  policy: CompiledPolicy | undefined,
  state: Readonly<State>,
): FindingDraft | undefined {
  const root = callers[0]
  const isLost = state.human && root !== undefined && root.kind !== 'human'
  const isJudged = root !== undefined || event.parent_span_id === null
  const judgement = isJudged ? policy?.delegation?.judgeRoot(root) : undefined
  // A human is lost without a policy, too: one that is still being learned makes it no milder.
  const refusal = judgement?.allowed === false && !(isLost && isLearned(policy)) ? judgement : undefined
  if (refusal === undefined && !isLost) {
    return undefined
  }
  const because = isLost ? 'human-lost' : (refusal?.because ?? 'human-lost')
  const who = root === undefined ? 'nobody' : spell(root)
  const found = {
    ...draft(event, {
      cause: because,
      severity: 'medium',
      confidence: root === undefined ? 0.6 : isLost ? 0.65 : 0.85,
      title: ROOT_TITLES[because],
      reason: `${quoteName(event.agent.id)} acts for a chain that begins with ${who}${ROOT_REASONS[because]}.`,
      observed: `root of the chain: ${who}`,
      expected: 'the human who began the session at the root of every chain in it',
      techniques: ['AML.T0053', ...(isLost ? ['AML.T0073'] : [])],
      rule: because,
    }),
    silence: 'close the alert as benign',
  }
  return policy === undefined || refusal === undefined ? found : byPolicyOf(policy, { ...found, ...refusedBy(refusal) })
}

type RootProblem = 'human-missing' | 'human-forbidden' | 'human-lost'

const ROOT_TITLES: Readonly<Record<RootProblem, string>> = {
  'human-missing': 'No human at the root of the chain',
  'human-forbidden': 'A human at the root of a chain that must have none',
  'human-lost': 'The human at the root of the session was lost',
}

const ROOT_REASONS: Readonly<Record<RootProblem, string>> = {
  'human-missing': ', where its policy asks for a human',
  'human-forbidden': ', where its policy allows no human',
  'human-lost': ', though a human began this session',
}

/** Only where the agent acts for another agent: then the decision is one of the two that should have been made. */
function reusedDecision(
  event: Telemetry,
  rules: DelegationRules | undefined,
  { decisions }: Readonly<State>,
): FindingDraft | undefined {
  const { policy_snapshot: snapshot } = event
  const refusal = rules?.reusedDecision
  const caller = callingAgent(event)
  if (refusal === undefined || snapshot === null || caller === undefined) {
    return undefined
  }
  const known = decisions.find(([id]) => id === snapshot)
  if (known === undefined || known[1] === operationOf(event)) {
    return undefined
  }
  const did = event.tool === null ? event.operation : `${event.operation} of ${quoteName(event.tool.name)}`
  const found = draft(event, {
    cause: 'decision',
    severity: 'medium',
    confidence: 0.75,
    title: 'Trust inherited without a new decision',
    reason: `${quoteName(event.agent.id)} did ${did} for ${spell(caller)} on a policy decision that was made for another operation.`,
    observed: 'a policy decision of an earlier operation of the session',
    expected: refusal.expected,
    techniques: ['AML.T0053', 'AML.T0012'],
    rule: 'decision',
  })
  return { ...found, evidence: { ...found.evidence, policy_snapshot: snapshot }, ...refusedBy(refusal) }
}

function cycle(event: Telemetry, callers: readonly Subject[]): FindingDraft | undefined {
  const agents = callers.filter(({ kind }) => kind === 'agent').map(({ id }) => id)
  if (agents.length === 0) {
    return undefined
  }
  // Two links in a row with one name are one agent, told twice.
  const path = [...agents, event.agent.id].filter((id, at, all) => id !== all[at - 1])
  const times = new Map<string, number>()
  for (const id of path) {
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  const [id, most] = [...times].reduce((worst, each) => (each[1] > worst[1] ? each : worst), ['', 1])
  if (most < 2) {
    return undefined
  }
  const name = quoteName(id)
  return {
    ...draft(event, {
      cause: causeOf('cycle', id),
      // Asking back once is how some agents talk; going round is a loop.
      severity: most > 2 ? 'medium' : 'low',
      confidence: 0.8,
      title: `Agents call each other in a circle: ${name}`,
      reason: `${name} stands ${most} times in the chain that ${quoteName(event.agent.id)} acts for.`,
      observed: `${name} ${most} times in a chain of ${path.length} agents`,
      expected: 'every agent once in a chain',
      techniques: ['AML.T0053'],
      rule: 'cycle',
    }),
    silence: 'close the alert as benign',
  }
}
