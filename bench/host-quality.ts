/**
 * Which listed hosts `egress` flags: under a policy that allows what a real organisation would (the popular ones), and
 * without any policy, from what it knows of services that carry data out.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { event } from '../detectors/arbitrary.ts'
import { egress } from '../detectors/egress.ts'
import { compilePolicies } from '../rules/compile.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import { readGzipLines } from './gzip-lines.ts'
import type { QualityRow } from './text-quality.ts'

interface ListedHost {
  readonly host: string
  readonly label: 'suspect' | 'benign_popular'
  readonly cats: readonly string[]
}
/** Kinds of hosts that take data from whoever brings it. */
const CARRYING = [
  'file_sharing',
  'paste_site',
  'tunnel',
  'dns_tunnel',
  'oast_interaction',
  'tor_gateway',
  'dynamic_dns',
]

const isFlagged = (host: string, policy: CompiledPolicy | undefined) =>
  egress.check(event({ operation: 'egress', destinations: [{ host, seen_in: 'network' }] }), egress.initial(), {
    policy,
  }).length > 0

/** Measures over `egress/hosts` and `egress/dga`. Empty where there is no data. */
export function measureHosts(dataDir: string): QualityRow[] {
  const file = join(dataDir, 'egress', 'hosts.jsonl.gz')
  if (!existsSync(file)) {
    return []
  }
  const hosts = readGzipLines<ListedHost>(file)
  const suspect = hosts.filter(({ label }) => label === 'suspect')
  const popular = hosts.filter(({ label }) => label === 'benign_popular')
  const generated = readGzipLines<{ readonly host: string }>(join(dataDir, 'egress', 'dga.jsonl.gz'))
  const policies = allowing(popular.map(({ host }) => host))
  const row = (
    group: string,
    source: string,
    of: readonly { readonly host: string }[],
    under?: readonly CompiledPolicy[],
  ) => ({
    group,
    source,
    total: of.length,
    flagged: of.filter(({ host }) => (under ?? [undefined]).every((policy) => isFlagged(host, policy))).length,
    naive: undefined,
  })
  return [
    row('egress, popular hosts allowed by policy', 'listed as abused', suspect, policies),
    row('egress, popular hosts allowed by policy', 'generated names', generated, policies),
    row('egress, popular hosts allowed by policy', 'popular: false alarms', popular, policies),
    row('egress, no policy', 'listed as abused', suspect),
    row('egress, no policy', 'generated names', generated),
    row('egress, no policy', 'popular: false alarms', popular),
    ...CARRYING.map((category) =>
      row(
        'egress, no policy, by kind',
        category,
        suspect.filter(({ cats }) => cats.includes(category)),
      ),
    ),
  ]
}

/** Entries that one policy may have. */
const ENTRIES = 10_000

/** Policies that together allow exactly these hosts: what each of them refuses is refused. */
function allowing(hosts: readonly string[]): readonly CompiledPolicy[] {
  const parts = Array.from({ length: Math.ceil(hosts.length / ENTRIES) }, (_, part) =>
    hosts.slice(part * ENTRIES, (part + 1) * ENTRIES),
  )
  return parts.flatMap((part) => {
    const lines = part.map((host) => `    - '${host}'`).join('\n')
    const text = `version: 1\nid: organisation\nagent: { id: '*' }\negress:\n  allow:\n${lines}\n`
    return compilePolicies([{ path: 'organisation.yml', name: 'organisation.yml', text }]).policies
  })
}
