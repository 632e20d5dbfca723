/** What `egress` says of agents whose policy lists no hosts, or that have none: only what hardly any agent needs, and less loudly. */
import { getDomain, getDomainWithoutSuffix } from 'tldts'
import { type Host, hostNature, readHost } from '../../rules/hosts.ts'
import type { CompiledPolicy } from '../../rules/policy.ts'
import type { FindingDraft } from '../../schema/finding.ts'
import { quoteName } from '../../schema/quote-name.ts'
import { wasStopped } from '../../schema/stopped.ts'
import type { Destination, Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { causeOf } from '../draft/cause.ts'
import { raise } from '../draft/severity.ts'
import { untrusted } from '../draft/untrusted.ts'
import { type Carrier, carrierOf } from './carriers.ts'

const METADATA: Carrier = { what: 'a service that hands out credentials of the machine', severity: 'medium' }
const NAMELESS: Carrier = { what: 'a public address without a name', severity: 'low' }

/**
 * One finding for each domain or address that is known for carrying data out.
 *
 * @param policy what governs the agent and lists no hosts, if anything does
 */
export function carrierFindings(event: Telemetry, policy: CompiledPolicy | undefined): readonly FindingDraft[] {
  const found = new Map<string, FindingDraft>()
  for (const destination of event.destinations) {
    const known = hosts.of(destination.host)
    if (known !== undefined) {
      const draft = finding(event, destination, known, policy)
      found.set(draft.cause, found.get(draft.cause) ?? draft)
    }
  }
  return [...found.values()]
}

interface Known {
  readonly host: Host
  readonly carrier: Carrier
}

const hosts = new TextMemory(read, 256 * 1024, 'first')

function read(text: string): Known | undefined {
  const host = readHost(text)?.host
  const carrier = host === undefined ? undefined : carrierAt(host)
  return host === undefined || carrier === undefined ? undefined : { host, carrier }
}

function carrierAt(host: Host): Carrier | undefined {
  if (host.kind === 'name') {
    return carrierOf(host.name, getDomainWithoutSuffix(host.name) ?? undefined)
  }
  const nature = hostNature(host)
  return nature.metadata ? METADATA : nature.internal ? undefined : NAMELESS
}

function finding(
  event: Telemetry,
  destination: Destination,
  { host, carrier }: Known,
  policy: CompiledPolicy | undefined,
): FindingDraft {
  const reached = (destination.seen_in ?? (event.operation === 'tool_call' ? 'argument' : 'network')) === 'network'
  const name = quoteName(host.name)
  const did = reached ? `connected to ${name}` : `named ${name} in arguments`
  const byTool = event.operation === 'tool_call' || event.tool !== null
  return {
    cause: causeOf('egress', host.kind === 'name' ? (getDomain(host.name) ?? host.name) : host.name),
    severity: wasStopped(event) ? raise(carrier.severity, -1) : carrier.severity,
    confidence: carrier === NAMELESS ? 0.3 : reached ? 0.6 : 0.5,
    title: `Agent reached for a place that carries data out: ${name}`,
    reason: `${quoteName(event.agent.id)} ${did}, ${carrier.what}; ${policy === undefined ? 'no policy says' : 'its policy does not list'} where it may send data.`,
    observed: `${name}, ${carrier.what}, outcome ${event.outcome}`,
    expected: 'no services that take data from anybody, unless a policy allows them',
    silence:
      policy === undefined
        ? 'a policy for the agent with egress.allow that lists the host'
        : `${policy.file}: list in egress.allow where the agent may send data ('*': anywhere)`,
    evidence: {
      untrusted_destination: untrusted(destination.host),
      ...(destination.port === undefined ? {} : { port: destination.port }),
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(event.volume.bytes_out === undefined ? {} : { bytes_out: event.volume.bytes_out }),
      seen_in: reached ? 'network' : 'argument',
      outcome: event.outcome,
      known_for: carrier.what,
      address_literal: host.kind !== 'name',
    },
    techniques: [...(byTool ? ['AML.T0086'] : []), ...(reached ? ['AML.T0025'] : [])],
  }
}
