/**
 * An agent reaches, or names in the arguments of a tool, a destination that its policy does not allow.
 *
 * Exact: the policy decides, nothing is learned. Destinations under one registrable domain are one cause, so that
 * data smuggled out in a thousand host names of one domain is one alert.
 */
import { getDomain } from 'tldts'
import { type HostNature, hostNature, readHost } from '../rules/hosts.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import type { Violation } from '../rules/verdict.ts'
import { type FindingDraft, type Severity, severityRank } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Destination, Telemetry } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { type Attempts, noAttempts, rememberStopped, stoppedBefore } from './draft/attempts.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'
import { carrierFindings } from './egress/without-policy.ts'

/** The most findings one event gives; what is above is counted in the last one. */
const FINDING_LIMIT = 8

export const egress = defineDetector<Attempts>({
  id: 'egress',
  title: 'Unexpected egress',
  catches:
    'Every destination, reached over the network or named in the arguments of a tool, that the policy of the agent does not allow, on that port and by that method, however the host is written; and that it is tried again after it was stopped. Where no policy lists what the agent may reach: services that carry data out for anybody (request catchers, paste sites, anonymous file drops, tunnels, names and gateways that hide who is behind them) and public addresses without a name.',
  misses:
    'Data sent to allowed destinations, connections that no telemetry shows, names that resolve to addresses the policy would refuse, and, for agents whose policy lists no hosts, every host that is not known for carrying data out.',
  kind: 'policy',
  version: 4,
  techniques: ['AML.T0086', 'AML.T0025', 'AML.T0117'],
  owasp: ['LLM02:2025', 'LLM06:2025', 'ASI01', 'ASI02'],
  runbook: [
    'Look up untrusted_destination: who owns it, how old is it, which other agents reached it in the last 30 days?',
    'Read the arguments and volume.bytes_out of the event, and what the agent read earlier in the session: which data could have left?',
    'Read the prompts and tool results before the event: did text that the agent was given name the destination?',
    'If the destination is wanted, make the change that policy.allow_with names. If not, block it at the network, end the session, and replace credentials that the agent could read.',
  ],
  needs: ['destinations'],
  uses: ['policy.egress', 'destinations.port', 'destinations.method', 'volume.bytes_out', 'policy_decision'],
  severities: ['low', 'medium', 'high', 'critical'],
  on: ['tool_call', 'egress', 'retrieval', 'token_request'],
  scope: 'session',
  stateVersion: 1,
  initial: noAttempts,

  check(event, state, { policy }) {
    if (event.destinations.length === 0 || policy?.mode === 'off') {
      return NO_FINDINGS
    }
    const violations = policy === undefined ? [] : violationsOf(event, policy, state)
    if (policy?.listsDestinations !== true) {
      return limited([...violations, ...carriers(event, policy, violations)])
    }
    return limited(isLearned(policy) ? orCarriers(event, violations) : violations)
  },

  learn: () => false,

  spoke(event, state, { policy }) {
    if (policy === undefined || !wasStopped(event)) {
      return false
    }
    const places = refusedOf(event, policy).map(({ destination }) => placeOf(destination))
    return rememberStopped(state, event, [...new Set(places)].slice(0, FINDING_LIMIT))
  },
})

/** The worst of each place that the policy refuses. */
function violationsOf(event: Telemetry, policy: CompiledPolicy, state: Readonly<Attempts>): readonly FindingDraft[] {
  const worst = new Map<string, FindingDraft>()
  for (const { destination, verdict } of refusedOf(event, policy)) {
    const finding = byPolicyOf(policy, violation(event, destination, verdict, policy, state))
    const known = worst.get(finding.cause)
    if (known === undefined || rank(finding) > rank(known)) {
      worst.set(finding.cause, finding)
    }
  }
  return [...worst.values()]
}

/** Places that are known for carrying data out, those left out of which more is said already. */
function carriers(
  event: Telemetry,
  policy: CompiledPolicy | undefined,
  said: readonly FindingDraft[],
): readonly FindingDraft[] {
  return carrierFindings(event, policy).filter(({ cause }) => !said.some((known) => known.cause === cause))
}

/** What is said of a place without a policy, instead of what one says that is still being learned. */
function orCarriers(event: Telemetry, violations: readonly FindingDraft[]): readonly FindingDraft[] {
  const known = new Map(carrierFindings(event, undefined).map((finding) => [finding.cause, finding]))
  return violations.map((violation) => known.get(violation.cause) ?? violation)
}

function refusedOf({ destinations }: Telemetry, policy: CompiledPolicy) {
  return destinations.flatMap((destination) => {
    const verdict = policy.judgeDestination(destination)
    return verdict === undefined || verdict.allowed ? [] : [{ destination, verdict }]
  })
}

/** What is one place to whoever sends data there: a registrable domain, or an address. */
function placeOf({ host: text }: Destination): string {
  const host = readHost(text)?.host
  return host?.kind === 'name' ? (getDomain(host.name, AS_IT_IS) ?? host.name) : (host?.name ?? text)
}

/** What `readHost` gave is a host and a valid one. */
const AS_IT_IS = { extractHostname: false, validateHostname: false }

function rank({ severity, confidence }: FindingDraft): number {
  return severityRank(severity) + confidence
}

/** The worst findings, and how many are not shown. Sorting is stable, so equals stay in the order of the event. */
function limited(findings: readonly FindingDraft[]): readonly FindingDraft[] {
  if (findings.length <= FINDING_LIMIT) {
    return findings
  }
  const kept = [...findings].sort((one, other) => rank(other) - rank(one)).slice(0, FINDING_LIMIT)
  const last = kept[FINDING_LIMIT - 1]
  return last === undefined
    ? kept
    : [
        ...kept.slice(0, -1),
        { ...last, evidence: { ...last.evidence, more_destinations: findings.length - FINDING_LIMIT } },
      ]
}

const NO_FINDINGS: readonly FindingDraft[] = []
const UNREADABLE: HostNature = { literal: false, metadata: false, internal: false }

function violation(
  event: Telemetry,
  destination: Destination,
  verdict: Violation,
  policy: CompiledPolicy,
  state: Readonly<Attempts>,
): FindingDraft {
  const place = placeOf(destination)
  const times = stoppedBefore(state, event, [place])
  const host = readHost(destination.host)?.host
  const nature = host === undefined ? UNREADABLE : hostNature(host)
  const shown = host?.name ?? destination.host
  const name = quoteName(destination.port === undefined ? shown : `${shown}:${destination.port}`)
  const reached = (destination.seen_in ?? (event.operation === 'tool_call' ? 'argument' : 'network')) === 'network'
  const tool = event.tool === null ? '' : ` of ${quoteName(event.tool.name)}`
  const did = reached ? `connected to ${name}` : `named ${name} in the arguments${tool}`
  return {
    cause: causeOf('egress', place),
    severity: severityOf(nature, verdict, reached, event, times > 0),
    confidence: reached ? 0.97 : 0.85,
    title: `${TITLES.get(verdict.because) ?? 'Agent reached an unexpected destination'}: ${name}`,
    reason: `${quoteName(event.agent.id)} ${did}, ${whyNot(verdict, nature)}${againText(times)}.`,
    observed: `${name}${nature.literal ? ', an address without a name' : ''}, outcome ${event.outcome}`,
    ...refusedBy(verdict),
    evidence: {
      untrusted_destination: untrusted(destination.host),
      ...(destination.port === undefined ? {} : { port: destination.port }),
      ...(destination.method === undefined ? {} : { untrusted_method: untrusted(destination.method) }),
      ...(destination.scheme === undefined ? {} : { untrusted_scheme: untrusted(destination.scheme) }),
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(event.volume.bytes_out === undefined ? {} : { bytes_out: event.volume.bytes_out }),
      seen_in: reached ? 'network' : 'argument',
      outcome: event.outcome,
      address_literal: nature.literal,
      metadata_service: nature.metadata,
      internal_address: nature.internal,
      policy_id: policy.id,
      rule: verdict.because,
      ...(times === 0 ? {} : { stopped_before: times }),
    },
    techniques: techniquesOf(event, reached, times > 0),
  }
}

const TITLES: ReadonlyMap<Violation['because'], string> = new Map([
  ['denied', 'Agent reached for a denied destination'],
  ['not-listed', 'Agent reached for an unexpected destination'],
  ['port', 'Agent reached for an unexpected port'],
  ['method', 'Agent used an unexpected method'],
  ['unreadable', 'Agent reached for a destination that cannot be read'],
])

function whyNot({ because }: Violation, nature: HostNature): string {
  const reasons: Partial<Record<Violation['because'], string>> = {
    denied: 'which its policy denies',
    'not-listed': 'which its policy does not list',
    port: 'a port its policy does not list',
    method: 'by a method its policy does not list',
    unreadable: 'which is no readable host, so no policy can allow it',
  }
  const kind = nature.metadata
    ? '; it hands out credentials of the machine'
    : nature.internal
      ? '; it is an internal address'
      : ''
  return `${reasons[because]}${kind}`
}

function againText(times: number): string {
  return times === 0 ? '' : `; it was stopped ${times === 1 ? 'once' : `${times} times`} before in this session`
}

function severityOf(
  nature: HostNature,
  verdict: Violation,
  reached: boolean,
  event: Telemetry,
  isAgain: boolean,
): Severity {
  const stopped = wasStopped(event)
  if (nature.metadata) {
    return stopped ? 'high' : 'critical'
  }
  const worse = verdict.because === 'denied' || verdict.because === 'unreadable' || nature.literal || nature.internal
  const base: Severity = reached ? 'high' : 'medium'
  return raise(base, (worse && !reached ? 1 : 0) + (isAgain ? 1 : 0) - (stopped ? 1 : 0))
}

/** By a tool: exfiltration through tool invocation. By the runtime around it: exfiltration by ordinary means. */
function techniquesOf(event: Telemetry, reached: boolean, isAgain: boolean): string[] {
  const byTool = event.operation === 'tool_call' || event.tool !== null
  return [...(byTool ? ['AML.T0086'] : []), ...(reached ? ['AML.T0025'] : []), ...(isAgain ? ['AML.T0117'] : [])]
}
