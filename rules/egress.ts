/** The egress part of a policy, compiled: names to a trie of labels, addresses and networks to tables by prefix. */
import type { EgressPolicy } from '../schema/policy/egress.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Destination } from '../schema/telemetry.ts'
import { type EgressPattern, isPatternProblem, readEgressPattern } from './egress-pattern.ts'
import { HostTable } from './host-table.ts'
import { embeddedV4, type Host, readHost } from './hosts.ts'
import { type LineOf, type SectionProblem, summarize, type Verdict, VerdictCache } from './verdict.ts'

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

/** Compiles `egress` of one policy. `lineOf` gives the line of a path inside `egress`. */
export function compileEgress(
  policy: EgressPolicy,
  file: string,
  lineOf: LineOf,
): { readonly judge: JudgeDestination; readonly problems: readonly SectionProblem[] } {
  const problems: SectionProblem[] = []
  const table = (name: 'allow' | 'deny'): HostTable<Rule> => {
    const rules = new HostTable<Rule>()
    for (const [index, text] of (policy[name] ?? []).entries()) {
      const pattern = readEgressPattern(text)
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
    ports: policy.ports === undefined ? undefined : new Set(policy.ports),
    expected: describeExpected(policy),
    allowLine: lineOf(['allow']),
    portsLine: lineOf(['ports']),
  }
  const cache = new VerdictCache()
  const judge: JudgeDestination = (destination) => {
    const port = destination.port ?? DEFAULT_PORTS.get(destination.scheme?.toLowerCase() ?? '')
    // The port stands first: it holds no separator, so that no host can be written to look like another question.
    return cache.get(`${port ?? ''}|${destination.port === undefined}|${destination.host}`, () =>
      judgeHost(rules, destination.host, port, destination.port !== undefined),
    )
  }
  return { judge, problems }
}

interface Rules {
  readonly file: string
  readonly allow: HostTable<Rule> | undefined
  readonly deny: HostTable<Rule>
  readonly ports: ReadonlySet<number> | undefined
  readonly expected: string
  readonly allowLine: number | undefined
  readonly portsLine: number | undefined
}

function judgeHost(rules: Rules, text: string, known: number | undefined, stated: boolean): Verdict {
  const read = readHost(text)
  const refuse = refuser(rules)
  // Two different ports in one destination: somebody is being misled.
  if (read === undefined || (stated && read.port !== undefined && read.port !== known)) {
    return refuse('unreadable', rules.allowLine)
  }
  const port = read.port ?? known
  const denial = denyingRule(rules.deny, read.host, port)
  if (denial !== undefined) {
    return refuse('denied', denial.line, `remove '${denial.pattern.text.slice(0, 200)}' from egress.deny`)
  }
  const named = rules.allow?.find(read.host)
  if (named?.length === 0) {
    return refuse('not-listed', rules.allowLine, `add ${quoteName(read.host.name)} to egress.allow`)
  }
  if (
    port === undefined ||
    (named ?? [{ pattern: { port: undefined } }]).some((rule) => allowsPort(rules, rule, port))
  ) {
    return { allowed: true }
  }
  const place = read.host.kind === 'v6' ? `[${read.host.name}]` : read.host.name
  const line = rules.ports === undefined ? named?.[0]?.line : rules.portsLine
  return refuse('port', line, `add ${quoteName(`${place}:${port}`)} to egress.allow`)
}

type Because = Extract<Verdict, { allowed: false }>['because']

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
function denyingRule(deny: HostTable<Rule>, host: Host, port: number | undefined): Rule | undefined {
  const inner = embeddedV4(host)
  const rules = inner === undefined ? deny.find(host) : [...deny.find(host), ...deny.find(inner)]
  return rules.find((rule) => rule.pattern.port === undefined || rule.pattern.port === port)
}

function allowsPort(rules: Rules, rule: { readonly pattern: { readonly port: number | undefined } }, port: number) {
  const own = rule.pattern.port
  return own === undefined ? (rules.ports?.has(port) ?? true) : own === port
}

function describeExpected({ allow, deny, ports }: EgressPolicy): string {
  const hosts = allow === undefined ? 'any host' : summarize(allow, 'no destination')
  const on = ports === undefined ? '' : ` on port ${summarize(ports.map(String), '')}`
  const never = deny === undefined || deny.length === 0 ? '' : `; never ${summarize(deny, '')}`
  return `${hosts}${on}${never}`
}
