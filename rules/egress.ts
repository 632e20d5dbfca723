/** The egress part of a policy, compiled: names to a trie of labels, addresses and networks to tables by prefix. */
import type { EgressPolicy } from '../schema/policy/egress.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Destination } from '../schema/telemetry.ts'
import { describeEntry, type EgressPattern, isPatternProblem, readEgressPattern } from './egress-pattern.ts'
import { HostTable } from './host-table.ts'
import { embeddedV4, type Host, readHost } from './hosts.ts'
import {
  ALLOWED,
  type LineOf,
  type SectionProblem,
  summarize,
  type Verdict,
  VerdictCache,
  type Violation,
} from './verdict.ts'

/** Judges one destination. */
export type JudgeDestination = (destination: Destination) => Verdict

interface Rule {
  readonly pattern: EgressPattern
  readonly line: number | undefined
}

/** The port a scheme speaks on when none is written. */
const DEFAULT_PORTS = new Map([
  ['http', 80],
  ['ws', 80],
  ['https', 443],
  ['wss', 443],
  ['ftp', 21],
  ['ssh', 22],
  ['sftp', 22],
  ['scp', 22],
  ['telnet', 23],
  ['smtp', 25],
  ['ldap', 389],
  ['ldaps', 636],
  ['postgres', 5432],
  ['postgresql', 5432],
  ['mysql', 3306],
  ['redis', 6379],
  ['mongodb', 27017],
  ['amqp', 5672],
  ['amqps', 5671],
])

/** The port that is reached: the one that is written, else that of the scheme, where it has one. */
export function portOf({ port, scheme }: Destination): number | undefined {
  return port ?? DEFAULT_PORTS.get(scheme?.toLowerCase() ?? '')
}

/** Compiles `egress` of one policy. `lineOf` gives the line of a path inside `egress`. */
export function compileEgress(
  policy: EgressPolicy,
  file: string,
  lineOf: LineOf,
): { readonly judge: JudgeDestination; readonly problems: readonly SectionProblem[] } {
  const problems: SectionProblem[] = []
  const table = (name: 'allow' | 'deny'): HostTable<Rule> => {
    const rules = new HostTable<Rule>()
    for (const [index, entry] of (policy[name] ?? []).entries()) {
      const pattern = readEgressPattern(entry)
      if (isPatternProblem(pattern)) {
        problems.push({ ...pattern, path: [name, index] })
      } else {
        rules.add(pattern.hosts, { pattern, line: lineOf([name, index]) })
      }
    }
    return rules
  }
  const allow = table('allow')
  const deny = table('deny')
  const rules: Rules = {
    file,
    allow: policy.allow === undefined ? undefined : allow,
    deny,
    ports: policy.ports && new Set(policy.ports),
    methods: policy.methods && new Set(policy.methods),
    expected: describeExpected(policy),
    allowLine: lineOf(['allow']),
    portsLine: lineOf(['ports']),
    methodsLine: lineOf(['methods']),
  }
  const cache = new VerdictCache()
  const judge: JudgeDestination = (destination) => {
    const port = portOf(destination)
    const method = methodOf(destination)
    // The host stands last: the others hold no separator, so that no host can be written to look like another question.
    return cache.get(`${port ?? ''}|${method ?? ''}|${destination.port === undefined}|${destination.host}`, () =>
      judgeHost(rules, destination.host, { port, method }, destination.port !== undefined),
    )
  }
  return { judge, problems }
}

const METHOD = /^[a-z]{1,20}$/i

/** In capitals; what is no method is one that no policy allows. */
function methodOf({ method }: Destination): string | undefined {
  return method === undefined || METHOD.test(method) ? method?.toUpperCase() : '?'
}

/** How a host is reached, as far as telemetry says. */
interface Way {
  readonly port: number | undefined
  readonly method: string | undefined
}

interface Rules {
  readonly file: string
  readonly allow: HostTable<Rule> | undefined
  readonly deny: HostTable<Rule>
  readonly ports: ReadonlySet<number> | undefined
  readonly methods: ReadonlySet<string> | undefined
  readonly expected: string
  readonly allowLine: number | undefined
  readonly portsLine: number | undefined
  readonly methodsLine: number | undefined
}

/** @param stated whether the port stands beside the host, rather than to follow from its scheme. */
function judgeHost(rules: Rules, text: string, known: Way, stated: boolean): Verdict {
  const read = readHost(text)
  const refuse = refuser(rules)
  // Two different ports in one destination: somebody is being misled.
  if (read === undefined || (stated && read.port !== undefined && read.port !== known.port)) {
    return refuse('unreadable', rules.allowLine)
  }
  const way = { port: read.port ?? known.port, method: known.method }
  const denial = denyingRule(rules.deny, read.host, way)
  if (denial !== undefined) {
    return refuse('denied', denial.line, `remove '${denial.pattern.text.slice(0, 200)}' from egress.deny`)
  }
  const named = rules.allow?.find(read.host) ?? [ANY]
  if (named.length === 0) {
    return refuse('not-listed', rules.allowLine, `add ${quoteName(read.host.name)} to egress.allow`)
  }
  const byPort = named.filter((rule) => isIn(way.port, rule.pattern.ports ?? rules.ports))
  const place = read.host.kind === 'v6' ? `[${read.host.name}]` : read.host.name
  if (byPort.length === 0) {
    const line = rules.ports === undefined ? named[0]?.line : rules.portsLine
    return refuse('port', line, `add ${quoteName(`${place}:${way.port}`)} to egress.allow`)
  }
  if (!byPort.some((rule) => isIn(way.method, rule.pattern.methods ?? rules.methods))) {
    const line = byPort[0]?.pattern.methods === undefined ? rules.methodsLine : byPort[0].line
    const host = quoteName(read.host.name)
    return refuse('method', line, `add { host: ${host}, methods: [${way.method}] } to egress.allow`)
  }
  return ALLOWED
}

/** What holds where a policy lists nothing. */
const ANY: { readonly pattern: Pick<EgressPattern, 'ports' | 'methods'>; readonly line?: number } = {
  pattern: { ports: undefined, methods: undefined },
}

/** What is not known is let pass, and everything where nothing is listed. */
function isIn<Value>(value: Value | undefined, allowed: ReadonlySet<Value> | undefined): boolean {
  return value === undefined || allowed === undefined || allowed.has(value)
}

type Because = Violation['because']

function refuser({ expected, file }: Rules) {
  return (because: Because, line: number | undefined, allowWith?: string): Verdict => ({
    allowed: false,
    because,
    expected,
    policy: {
      file,
      ...(line === undefined ? {} : { line }),
      ...(allowWith === undefined ? {} : { allow_with: allowWith }),
    },
  })
}

/** A deny entry also holds for what an address leads to through a translator or tunnel. */
function denyingRule(deny: HostTable<Rule>, host: Host, { port, method }: Way): Rule | undefined {
  const inner = embeddedV4(host)
  const rules = inner === undefined ? deny.find(host) : [...deny.find(host), ...deny.find(inner)]
  return rules.find(
    ({ pattern: { ports, methods } }) =>
      (ports === undefined || (port !== undefined && ports.has(port))) &&
      (methods === undefined || (method !== undefined && methods.has(method))),
  )
}

function describeExpected({ allow, deny, ports, methods }: EgressPolicy): string {
  const hosts = allow === undefined ? 'any host' : summarize(allow.map(describeEntry), 'no destination')
  const on = ports === undefined ? '' : ` on port ${summarize(ports.map(String), '')}`
  const by = methods === undefined ? '' : ` by ${summarize(methods, '')}`
  const never = deny === undefined || deny.length === 0 ? '' : `; never ${summarize(deny.map(describeEntry), '')}`
  return `${hosts}${on}${by}${never}`
}
