/** A decoy was touched: planted data, a planted tool, host or credential that no honest work has any use for. */
import type { Canaries, Canary } from '../rules/canaries.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { defineDetector, type NoState } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { originOf } from './draft/origin.ts'
import { isOutward } from './draft/outward.ts'
import { byPolicyOf, silencedBy } from './draft/refused.ts'
import { untrusted } from './draft/untrusted.ts'
import { hashedWords, SHORTEST } from './text/hashed-words.ts'

/** The most findings of one event. */
const FINDING_LIMIT = 8
/** Where a credential may turn up, and what that means. */
const PLACES = ['prompt', 'arguments', 'result', 'output'] as const
type Place = (typeof PLACES)[number]

const NO_FINDINGS: readonly FindingDraft[] = []

export const canary = defineDetector<NoState>({
  id: 'canary',
  title: 'Decoy touched',
  catches:
    "A dataset, tool, host or credential that the policy names as a decoy: read, called, reached, or carried in a prompt, a call's arguments, a result or an output. A credential is known by its hash alone, also where collectors masked it.",
  misses: `Decoys that are taken without being named in telemetry; credentials of fewer than ${SHORTEST} characters, of letters or digits alone, in parts, in another encoding, or beyond the ${CONTENT_LIMIT} characters that are kept of a text; those that collectors masked by their form before the policy named them; everything of agents whose policy names no decoys.`,
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0085', 'AML.T0053', 'AML.T0086', 'AML.T0025', 'AML.T0055', 'AML.T0098', 'AML.T0057'],
  owasp: ['LLM02:2025', 'LLM06:2025', 'ASI01', 'ASI03'],
  runbook: [
    'Read evidence.entry: where was this decoy planted, and who was meant to find it?',
    'Read the events of the session before it: what led the agent there, a document, a message, a user?',
    'If it was a credential, look in the logs of the systems it pretends to open for the same hour.',
    'Stop the session, and treat everything that the agent read or sent in it as known to somebody else.',
  ],
  needs: [
    'policy.canaries',
    [
      'tool',
      'dataset_scope',
      'destinations',
      'content.prompt',
      'content.arguments',
      'content.result',
      'content.output',
    ],
  ],
  severities: ['medium', 'high', 'critical'],
  on: [
    'tool_call',
    'model_call',
    'retrieval',
    'agent_invoke',
    'agent_spawn',
    'token_request',
    'egress',
    'policy_decision',
    'config_change',
  ],
  scope: 'none',
  stateVersion: 1,
  initial: () => ({}),

  check(event, _state, { policy }) {
    const canaries = policy?.canaries
    if (policy === undefined || canaries === undefined) {
      return NO_FINDINGS
    }
    const found = [...touchedNames(event, canaries), ...carriedTokens(event, canaries)]
    return found.length === 0 ? NO_FINDINGS : found.slice(0, FINDING_LIMIT).map((each) => byPolicyOf(policy, each))
  },

  learn: () => false,
})

function* touchedNames(event: Telemetry, canaries: Canaries): Generator<FindingDraft> {
  const { tool } = event
  const decoyTool = tool === null ? undefined : canaries.tool(tool)
  if (tool !== null && decoyTool !== undefined) {
    yield draft(event, decoyTool, {
      what: 'tool',
      severity: 'high',
      did: `called the decoy tool ${quoteName(tool.name)}`,
      name: tool.name,
      techniques: ['AML.T0053'],
    })
  }
  for (const { id } of event.dataset_scope) {
    const decoy = canaries.dataset(id)
    if (decoy !== undefined) {
      yield draft(event, decoy, {
        what: 'dataset',
        severity: isOutward(event) ? 'critical' : 'high',
        did: `touched the decoy dataset ${quoteName(id)}`,
        name: id,
        techniques: ['AML.T0085'],
      })
    }
  }
  for (const { host, seen_in: seenIn } of event.destinations) {
    const decoy = canaries.host(host)
    if (decoy !== undefined) {
      const reached = seenIn === 'network' || event.operation === 'egress'
      yield draft(event, decoy, {
        what: 'host',
        severity: reached ? 'critical' : 'high',
        did: reached ? `connected to the decoy host ${quoteName(host)}` : `named the decoy host ${quoteName(host)}`,
        name: host,
        techniques: [event.tool === null ? 'AML.T0025' : 'AML.T0086'],
      })
    }
  }
}

function* carriedTokens(event: Telemetry, canaries: Canaries): Generator<FindingDraft> {
  const { content } = event
  if (content === undefined || !canaries.hasTokens) {
    return
  }
  const told = new Set<string>()
  for (const place of PLACES) {
    const text = content[place]
    for (const hash of text === undefined || text === '' ? [] : hashedWords(text)) {
      const decoy = canaries.token(hash)
      if (decoy === undefined || told.has(`${place}:${decoy.entry}`) || isOwnPrompt(event, place, hash)) {
        continue
      }
      told.add(`${place}:${decoy.entry}`)
      yield tokenDraft(event, decoy, place, text ?? '')
    }
  }
}

/** Instrumentations that put the system prompt where the user's message belongs repeat a decoy planted in it. */
function isOwnPrompt({ content }: Telemetry, place: Place, hash: string): boolean {
  const system = content?.system_prompt
  return place === 'prompt' && system !== undefined && system !== '' && hashedWords(system).includes(hash)
}

function tokenDraft(event: Telemetry, decoy: Canary, place: Place, text: string): FindingDraft {
  const outward = place === 'output' || (place === 'arguments' && isOutward(event))
  const used = place === 'arguments' || event.operation === 'token_request'
  const tool = event.tool === null ? '' : ` of ${quoteName(event.tool.name)}`
  const did: Readonly<Record<Place, string>> = {
    prompt: 'was given a decoy credential in a prompt',
    arguments: `${outward ? 'sent out' : 'used'} a decoy credential in the arguments${tool}`,
    result: `read a decoy credential in the result${tool}`,
    output: 'gave out a decoy credential',
  }
  return {
    ...draft(event, decoy, {
      what: `credential-${place}`,
      severity: outward || used ? 'critical' : 'high',
      did: did[place],
      name: decoy.entry,
      techniques: [
        ...(place === 'output' ? ['AML.T0057'] : []),
        ...(place === 'arguments' ? [outward ? 'AML.T0086' : 'AML.T0055'] : []),
        ...(place === 'result' ? ['AML.T0098'] : []),
        ...(place === 'prompt' ? ['AML.T0055'] : []),
      ],
    }),
    origin: originOf(text),
  }
}

interface Touch {
  readonly what: string
  readonly severity: Severity
  /** What the agent did, behind its name in a sentence. */
  readonly did: string
  /** What was touched, as telemetry names it. */
  readonly name: string
  readonly techniques: readonly string[]
}

function draft(event: Telemetry, decoy: Canary, { what, severity, did, name, techniques }: Touch): FindingDraft {
  const [kind = what] = what.split('-')
  return {
    cause: causeOf(what, name),
    severity: decoy.partly ? 'medium' : severity,
    confidence: decoy.partly ? 0.6 : 0.97,
    title: `Agent touched a decoy: ${kind}`,
    reason: `${quoteName(event.agent.id)} ${did}${decoy.partly ? ', judged by the end of its name' : ''}; nothing honest has any use for it.`,
    observed: `${did}, outcome ${event.outcome}`,
    expected: 'that nobody touches a decoy',
    ...silencedBy(decoy.policy),
    evidence: {
      decoy: kind,
      place: what,
      entry: decoy.entry.slice(0, 512),
      ...(kind === 'credential' ? {} : { untrusted_name: untrusted(name) }),
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      outcome: event.outcome,
    },
    techniques: [...techniques],
  }
}
