/**
 * Private data, content from outside and a way out, in one session and in an order that can leak: whoever wrote the content
 * may have told the agent to send the data (Simon Willison, "The lethal trifecta for AI agents", 2025).
 *
 * Assistants that read mail and answer it have all three every day. So the combination alone is only context; what makes
 * it an alert is what others found: that the content gives orders, that a value of it was sent, or that a policy forbids
 * the sending.
 */
import { type Finding, type FindingDraft, type Severity, severityRank } from '../schema/finding.ts'
import { isMark } from '../schema/mark.ts'
import { quoteName } from '../schema/quote-name.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Fact, initialTrifecta, type Steering, type TrifectaState, takeIn } from './lethal-trifecta/facts.ts'
import { defineSessionDetector, type SessionFinding } from './session-detector.ts'

export const lethalTrifecta = defineSessionDetector<TrifectaState>({
  id: 'lethal-trifecta',
  title: 'Private data, outside content and a way out in one session',
  catches:
    'Sessions in which an agent, or several that call each other, got content from outside and private data and then sent something out. It is context, until the content gives orders, a value of it is sent, or a policy forbids the sending.',
  misses:
    'Data that leaves in a later session, sources and channels that neither names of tools nor requests nor classifications show, and orders that no other detector recognizes.',
  kind: 'correlation',
  version: 1,
  techniques: ['AML.T0051.001', 'AML.T0085.001', 'AML.T0086'],
  owasp: ['LLM01:2025', 'LLM02:2025', 'LLM06:2025', 'ASI01', 'ASI02'],
  runbook: [
    'Read the result of outside_event: does it tell the agent what to do, openly or hidden?',
    'Compare the arguments of outward_event with the results of private_event and outside_event: which data left, and who chose the recipient?',
    'Ask the owner of the agent whether the one that reads outside content must be able to send; split the two, or gate the sending with approvals.',
  ],
  needs: [
    ['tool.name', 'dataset_scope.classification'],
    ['tool.name', 'destinations.method'],
  ],
  uses: ['content.result', 'content.arguments'],
  severities: ['informational', 'medium', 'high', 'critical'],
  on: ['tool_call', 'retrieval', 'egress'],
  scope: 'whole-session',
  stateVersion: 1,
  initial: initialTrifecta,

  observe(seen, state) {
    if (!takeIn(seen, state)) {
      return undefined
    }
    const found = worstLeak(state)
    if (found === undefined || severityRank(found.severity) <= state.saidRank) {
      return []
    }
    state.saidRank = severityRank(found.severity)
    return [findingOf(found, state, isMark(seen) ? undefined : seen)]
  },
})

/** The three facts in an order that can leak, and how surely the outside content could steer. */
interface Leak {
  readonly outside: Fact
  readonly secret: Fact
  readonly outward: Fact
  readonly severity: Severity
  readonly why: 'orders-sent-out' | 'orders' | 'value-sent' | 'forbidden' | 'possible'
}

function worstLeak(state: TrifectaState): Leak | undefined {
  const leaks = state.outward.flatMap((outward) => leakBy(outward, state) ?? [])
  return leaks.reduce<Leak | undefined>(
    (worst, leak) => (worst === undefined || severityRank(leak.severity) > severityRank(worst.severity) ? leak : worst),
    undefined,
  )
}

function leakBy(outward: Fact, state: TrifectaState): Leak | undefined {
  const precedes = (fact: Fact) => fact.time_ms <= outward.time_ms && fact.event_id !== outward.event_id
  const secret = state.secret.find(precedes)
  const ordering = state.orders.find(precedes)
  const outside = ordering ?? state.outside.find(precedes)
  if (secret === undefined || outside === undefined) {
    return undefined
  }
  const about = (events: Steering) => events.includes(outward.event_id)
  const isForbidden = about(state.forbidden)
  const [severity, why] = (
    ordering !== undefined && isForbidden
      ? ['critical', 'orders-sent-out']
      : ordering !== undefined
        ? ['high', 'orders']
        : about(state.tainted)
          ? ['high', 'value-sent']
          : isForbidden
            ? ['medium', 'forbidden']
            : ['informational', 'possible']
  ) as [Severity, Leak['why']]
  return { outside, secret, outward, severity, why }
}

const CONFIDENCE: Readonly<Record<Leak['why'], number>> = {
  'orders-sent-out': 0.9,
  orders: 0.75,
  'value-sent': 0.8,
  forbidden: 0.5,
  possible: 0.05,
}
const WHY: Readonly<Record<Leak['why'], string>> = {
  'orders-sent-out': 'the content gives orders, and a policy forbids what was sent',
  orders: 'the content gives orders',
  'value-sent': 'a value that only the content held was sent',
  forbidden: 'a policy forbids what was sent',
  possible: 'whoever wrote the content could have asked for it',
}

function findingOf(leak: Leak, state: TrifectaState, trigger: Finding | undefined): SessionFinding {
  const { outside, secret, outward, severity, why } = leak
  const agents = new Set([outside, secret, outward].map(({ agent }) => agent.id))
  const by = (fact: Fact) => quoteName(fact.agent.id)
  const draft: FindingDraft = {
    cause: 'private-outside-outward',
    severity,
    confidence: CONFIDENCE[why],
    title:
      severity === 'informational'
        ? 'Private data, outside content and a way out met in one session'
        : 'Private data may have left on orders from outside content',
    reason: `${by(outside)} got content from outside (${outside.source}), ${by(secret)} read private data (${secret.source}), then ${by(outward)} sent something out (${outward.source}); ${WHY[why]}.`,
    observed: `outside content, private data and an outward call of ${agents.size === 1 ? 'one agent' : `${agents.size} agents`}, in an order that can leak`,
    expected: 'sessions that read outside content and private data have no way out, or a person decides what leaves',
    silence:
      'Take one of the three from the agent (tools.deny or egress.deny in its policy), or close the alert as benign when the sending was meant.',
    evidence: {
      why,
      outside_event: outside.event_id,
      outside_source: outside.source,
      ...named('untrusted_outside', outside),
      private_event: secret.event_id,
      private_source: secret.source,
      ...named('untrusted_private', secret),
      outward_event: outward.event_id,
      outward_source: outward.source,
      ...named('untrusted_outward', outward),
      seconds_from_outside_to_outward: Math.round((outward.time_ms - outside.time_ms) / 1000),
      agents: agents.size,
      ...(state.handovers === 0 ? {} : { handovers: state.handovers }),
      ...(trigger === undefined ? {} : { raised_by: trigger.detector }),
    },
    techniques:
      severity === 'informational' || why === 'forbidden'
        ? ['AML.T0085.001']
        : ['AML.T0051.001', 'AML.T0085.001', 'AML.T0086'],
  }
  return { about: outward, draft }
}

function named(key: string, { name }: Fact): Record<string, string> {
  return name === undefined ? {} : { [key]: untrusted(name) }
}
