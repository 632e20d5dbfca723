/**
 * An agent comes to be that nobody allowed: created by a span or a tool that makes agents, or found at work for another
 * one. The policy of whoever is above it decides: of its creator, and for the depth of all above that one.
 */
import type { CompiledPolicy } from '../rules/policy.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Subject, Telemetry } from '../schema/telemetry.ts'
import { type Creation, creationOf, type NewAgent } from './agent-spawn/creation.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { agentOf, namesOf } from './draft/chain.ts'
import { byPolicyOf, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'

/** The most sessions whose creations are counted at once; the one not seen for longest makes room. */
const SESSIONS_KEPT = 32
/** The most callers of one agent that are remembered; the oldest makes room. */
const CALLERS_KEPT = 16

/** What an agent created in one session. A tool and the span below it may both tell of one creation. */
interface Created {
  readonly session: string
  readonly span: number
  readonly tool: number
}

interface State {
  created: readonly Created[]
  /** Hashes of the agents that called this one. */
  callers: readonly string[]
}

export const agentSpawn = defineDetector<State>({
  id: 'agent-spawn',
  title: 'Agent created without permission',
  catches:
    'Agents that an agent creates, by a span or by a tool that makes agents, or that are found at work below it, and that its policy does not name; an agent that was created and creates others, deeper than the policy of one above it allows; more agents created in a session than allowed; an agent at work that no policy governs and that this caller never called before.',
  misses:
    'Agents created in ways that telemetry does not show (a script, a job, a deployment), agents below one without the policy section spawning (or delegation, for unknown ones), agents that take the name of an allowed one or whose arguments name one before their own, what creates further down where no list tells who is created and who is called, and the number of those that are only seen at work: they are counted where they are created.',
  kind: 'policy',
  version: 2,
  techniques: ['AML.T0103', 'AML.T0118.001'],
  owasp: ['LLM06:2025', 'LLM10:2025', 'ASI03', 'ASI08', 'ASI10'],
  runbook: [
    'Read untrusted_created and untrusted_arguments: what was the new agent told to do, with which tools and model?',
    'Read untrusted_above: who created it, and was that one created itself? Look for further agent_invoke and agent_spawn events of the same trace.',
    'Read what the creator was given in the ten minutes before: did a document or a message ask for another agent?',
    'Is the new agent still running? Stop it, and revoke the credentials it was given, before you look further.',
    'If it is wanted, make the change that policy.allow_with names, and give the new agent a policy of its own.',
  ],
  needs: [['policy.spawning', 'policy.delegation']],
  uses: ['subject_chain', 'tool', 'content.arguments', 'agent.name'],
  severities: ['low', 'medium', 'high'],
  on: ['agent_spawn', 'tool_call', 'agent_invoke'],
  scope: 'agent',
  stateVersion: 2,
  initial: () => ({ created: [], callers: [] }),

  check(event, state, context) {
    const creation = creationOf(event)
    if (creation === undefined) {
      return NONE
    }
    const act = { event, creation, context }
    const findings = [notAllowed(act), tooDeep(act), tooMany(act, state), unknownAgent(act, state)]
    return findings.filter((finding) => finding !== undefined)
  },

  learn: absorb,
  // Counted although it was told: the next one is one more. A caller that was told of is told of once.
  spoke: absorb,
})

const NONE: readonly FindingDraft[] = []

interface Act {
  readonly event: Telemetry
  readonly creation: Creation
  readonly context: DetectionContext
}

/** The policy of somebody above the new agent; of the event's own agent it is known without looking. */
function policyOf({ event, context }: Act, above: Subject): CompiledPolicy | undefined {
  return above.id === event.agent.id ? context.policy : context.policies?.governingKnown(agentOf(above), event.time_ms)
}

function absorb(event: Telemetry, state: State, context: DetectionContext): boolean {
  const creation = creationOf(event)
  const creator = creation?.above[0]
  if (creation === undefined || creator === undefined) {
    return false
  }
  if (creation.shownBy === 'work') {
    const caller = idOf(creator.id)
    if (state.callers.includes(caller)) {
      return false
    }
    state.callers = [...state.callers, caller].slice(-CALLERS_KEPT)
    return true
  }
  const known = createdIn(event, state)
  if (context.policy?.spawning === undefined || wasStopped(event)) {
    return false
  }
  const now = { ...known, [creation.shownBy]: known[creation.shownBy] + madeBy(creation) }
  const others = state.created.filter(({ session }) => session !== now.session)
  state.created = [...others, now].slice(-SESSIONS_KEPT)
  return true
}

function createdIn({ session_id }: Telemetry, { created }: Readonly<State>): Created {
  const session = idOf(session_id)
  return created.find((each) => each.session === session) ?? { session, span: 0, tool: 0 }
}

/** Whom its creator may create; an agent at work may also be one that its caller may call. */
function notAllowed(act: Act): FindingDraft | undefined {
  const { creation } = act
  const [creator] = creation.above
  const policy = creator === undefined ? undefined : policyOf(act, creator)
  // Where the policy lists whom the agent may call, `delegation` judges who is at work for it.
  if (policy?.spawning === undefined || (creation.shownBy === 'work' && policy.delegation?.listsCallees === true)) {
    return undefined
  }
  const { spawning } = policy
  const unnamed: NewAgent = []
  const agents = creation.agents.length === 0 ? [unnamed] : creation.agents
  const refused = agents.find((names) => !spawning.judgeSpawn(names).allowed)
  const judgement = refused === undefined ? undefined : spawning.judgeSpawn(refused)
  return refused === undefined || judgement === undefined || judgement.allowed
    ? undefined
    : byPolicyOf(policy, {
        ...draft(act, 'spawn', refused, {
          severity: creation.shownBy === 'work' ? 'medium' : 'high',
          confidence: creation.shownBy === 'work' ? 0.8 : 0.9,
          title: 'Agent created without permission',
          reason: `${shownTo(act, refused)}, which the policy of ${quoteName(creator?.id ?? '')} does not allow.`,
        }),
        ...refusedBy(judgement),
      })
}

/** Whoever is above may say how deep those that it created may create others. */
function tooDeep(act: Act): FindingDraft | undefined {
  const { above } = act.creation
  for (let steps = 2; steps <= above.length; steps += 1) {
    const [ancestor, child] = [above[steps - 1], above[steps - 2]]
    const policy = ancestor === undefined ? undefined : policyOf(act, ancestor)
    if (ancestor === undefined || child === undefined || policy === undefined) {
      continue
    }
    const created = createdBy({ act, ancestor, child, policy })
    const judgement = created === 'no' ? undefined : policy.spawning?.judgeDepth(steps)
    if (judgement !== undefined && !judgement.allowed) {
      return byPolicyOf(policy, {
        ...draft(act, 'depth', first(act), {
          severity: created === 'yes' ? 'high' : 'medium',
          confidence: created === 'yes' ? 0.85 : 0.6,
          title: 'Created agent creates agents',
          reason: `${shownTo(act, first(act))}, ${steps} steps below ${quoteName(ancestor.id)}, whose policy does not let agents that it creates go that far.`,
        }),
        ...refusedBy(judgement),
      })
    }
  }
  return undefined
}

interface Link {
  readonly act: Act
  readonly ancestor: Subject
  readonly child: Subject
  /** Of the ancestor. */
  readonly policy: CompiledPolicy
}

/**
 * Whether an agent is one that another creates, and not one that it only calls. Where the policy lists neither kind, agents
 * that call each other look the same: only the id of a sub-agent tells, or, less surely, that it creates and has no policy.
 */
function createdBy({ act, ancestor, child, policy }: Link): 'yes' | 'no' | 'perhaps' {
  const { spawning, delegation } = policy
  if (spawning === undefined || delegation?.knowsCallee(child) === true) {
    return 'no'
  }
  if (spawning.lists) {
    const own = child.id.slice(child.id.lastIndexOf('/') + 1)
    return spawning.judgeSpawn([...namesOf(child), own]).allowed ? 'yes' : 'no'
  }
  if (delegation?.listsCallees === true || child.id.startsWith(`${ancestor.id}/`)) {
    return 'yes'
  }
  const own = policyOf(act, child)
  return act.creation.shownBy === 'work' || (own !== undefined && own !== policy) ? 'no' : 'perhaps'
}

function tooMany(act: Act, state: Readonly<State>): FindingDraft | undefined {
  const { event, creation, context } = act
  const { policy } = context
  const rules = policy?.spawning
  if (policy === undefined || rules === undefined || creation.shownBy === 'work' || wasStopped(event)) {
    return undefined
  }
  const known = createdIn(event, state)
  const { shownBy } = creation
  const count = Math.max(known.span, known.tool, context.repeated === true ? 0 : known[shownBy] + madeBy(creation))
  const judgement = rules.judgeCount(count)
  return judgement.allowed
    ? undefined
    : byPolicyOf(policy, {
        ...draft(act, 'count', first(act), {
          severity: 'medium',
          confidence: 0.95,
          title: 'Too many agents created in a session',
          reason: `${quoteName(event.agent.id)} created ${count} agents in one session, more than its policy allows.`,
        }),
        cause: 'count',
        observed: `${count} agents created in the session`,
        ...refusedBy(judgement),
      })
}

/** Nobody said anything about the agent: neither a policy of its own, nor a list of its caller. */
function unknownAgent(act: Act, { callers }: Readonly<State>): FindingDraft | undefined {
  const { event, creation, context } = act
  const [caller] = creation.above
  if (creation.shownBy !== 'work' || caller === undefined || context.policy !== undefined) {
    return undefined
  }
  const policy = policyOf(act, caller)
  const { spawning, delegation } = policy ?? {}
  const isSilent = spawning === undefined && delegation === undefined
  const isListed = spawning?.lists === true || delegation?.listsCallees === true
  if (policy === undefined || isSilent || isListed || callers.includes(idOf(caller.id))) {
    return undefined
  }
  return byPolicyOf(policy, {
    ...draft(act, 'unknown', first(act), {
      severity: 'low',
      confidence: 0.5,
      title: 'Unknown agent at work',
      reason: `${quoteName(event.agent.id)} works for ${quoteName(caller.id)}, which never called it before, and no policy governs it.`,
    }),
    expected: `agents that a policy governs, or that ${quoteName(caller.id)} called before`,
    silence: `give ${quoteName(event.agent.id)} a policy, or list it in spawning.allow or delegation.may_call of ${policy.file}`,
  })
}

/** What an act makes, as far as is known: at least one agent. */
function madeBy({ agents }: Creation): number {
  return Math.max(1, agents.length)
}

/** What a finding names where it is about none of several agents more than about another. */
function first({ creation }: Act): NewAgent {
  return creation.agents[0] ?? []
}

function shownTo({ event, creation }: Act, [name]: NewAgent): string {
  const created = name === undefined ? 'an agent without a name' : `agent ${quoteName(name)}`
  if (creation.shownBy === 'work') {
    return `${quoteName(creation.above[0]?.id ?? '')} has ${created} at work`
  }
  const tool = event.tool === null ? '' : ` with ${quoteName(event.tool.name)}`
  return `${quoteName(event.agent.id)} created ${created}${tool}`
}

type Own = Pick<FindingDraft, 'confidence' | 'title' | 'reason'> & { readonly severity: Severity }

/** What all opinions of this detector share; `expected` comes from the policy, or from who calls. */
function draft(act: Act, rule: string, about: NewAgent, { severity, ...own }: Own): Omit<FindingDraft, 'expected'> {
  const { event, creation } = act
  const [name] = about
  const above = creation.above.map(({ id }) => id).toReversed()
  return {
    cause: causeOf(rule, name ?? event.tool?.name ?? 'agent'),
    ...own,
    severity: wasStopped(event) ? raise(severity, -1) : severity,
    observed: `${shownTo(act, about)}, outcome ${event.outcome}`,
    evidence: {
      untrusted_created: untrusted(creation.agents.flat().join(', ')),
      untrusted_above: untrusted(above.join(' > ')),
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      shown_by: creation.shownBy,
      outcome: event.outcome,
      rule,
    },
    techniques: creation.shownBy === 'work' ? ['AML.T0103', 'AML.T0118.001'] : ['AML.T0103'],
  }
}
