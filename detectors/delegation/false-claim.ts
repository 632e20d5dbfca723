/** A message between agents that claims to come from somebody who did not send it. */
import type { FindingDraft } from '../../schema/finding.ts'
import { quoteName } from '../../schema/quote-name.ts'
import type { Subject, Telemetry } from '../../schema/telemetry.ts'
import { causeOf } from '../draft/cause.ts'
import { callersOf, callingAgent, namesOf } from '../draft/chain.ts'
import { originOf } from '../draft/origin.ts'
import { untrusted } from '../draft/untrusted.ts'
import { type ClaimedOrigin, claimedOrigins } from './claimed-origin.ts'
import { playsPart } from './part.ts'

/** The longest excerpt of the message in evidence, in UTF-16 units. */
const EXCERPT = 300

/** What an `agent_invoke` claims that its subject chain contradicts; `chainOf` gives the evidence of the chain. */
export function falseClaim(
  event: Telemetry,
  chainOf: (event: Telemetry) => FindingDraft['evidence'],
): FindingDraft | undefined {
  const caller = callingAgent(event)
  const message = event.content?.prompt ?? ''
  if (caller === undefined || message === '') {
    return undefined
  }
  const claim = claimedOrigins(message).find((each) => isFalse(each, event))
  if (claim === undefined) {
    return undefined
  }
  const [by, who] = [quoteName(caller.id), CLAIMED[claim.kind]]
  return {
    cause: causeOf('claimed-origin', caller.id, claim.kind),
    severity: 'medium',
    confidence: claim.confidence,
    title: 'Message between agents claims another origin',
    reason: `The message that ${by} sent to ${quoteName(event.agent.id)} says that it comes from ${who}.`,
    observed: `a message of agent ${by} in the name of ${who}`,
    expected: 'messages that do not claim to come from anybody but who sent them',
    silence: 'close the alert as benign',
    evidence: {
      ...chainOf(event),
      claimed: claim.kind,
      untrusted_claim: untrusted(claim.words),
      untrusted_excerpt: untrusted(message, EXCERPT),
      rule: 'claimed-origin',
    },
    origin: originOf(message),
    techniques: ['AML.T0073', 'AML.T0118.001'],
  }
}

const CLAIMED: Readonly<Record<ClaimedOrigin['kind'], string>> = {
  person: 'the user',
  authority: 'an administrator or the system',
  agent: 'another agent',
}

/** An agent may hand on, word for word, what the human at its root said of themselves, and what an agent above it said. */
function isFalse({ kind, name }: ClaimedOrigin, event: Telemetry): boolean {
  const callers = callersOf(event)
  if (kind === 'person') {
    return !callers.some((caller) => caller.kind === 'human')
  }
  if (name === undefined) {
    return true
  }
  const agents = callers.filter((caller) => caller.kind === 'agent')
  const known: readonly Pick<Subject, 'id' | 'name'>[] = [event.agent, ...agents]
  const leads = agents.length === 1 && (kind === 'agent' ? LEADING : ORCHESTRATING).has(name)
  return !leads && !known.some((agent) => namesOf(agent).some((own) => playsPart(own, name)))
}

/** What an agent that no other agent called is to those that it calls, whatever its name is. */
const ORCHESTRATING: ReadonlySet<string> = new Set(['orchestrator'])
const LEADING: ReadonlySet<string> = new Set(
  'calling caller controller coordinating coordinator delegating host lead leading main manager master orchestrating orchestrator parent primary root supervising supervisor upstream'.split(
    ' ',
  ),
)
