/** One entry of `egress.allow` or `egress.deny`, read: which hosts, on which ports, by which methods. */
import ipaddr from 'ipaddr.js'
import { getPublicSuffix, parse } from 'tldts'
import type { EgressEntry } from '../schema/policy/egress.ts'
import { type Address, type Host, readHost } from './hosts.ts'

export type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'host'; readonly host: Host }
  /** Every name below `suffix`, at any depth, not `suffix` itself. */
  | { readonly kind: 'below'; readonly suffix: string }
  | { readonly kind: 'network'; readonly network: Address; readonly bits: number }

export interface EgressPattern {
  /** The host as it is written, with its port where that is. */
  readonly text: string
  readonly hosts: HostPattern
  /** `undefined`: what the section says, else any. */
  readonly ports: ReadonlySet<number> | undefined
  readonly methods: ReadonlySet<string> | undefined
}

/** The hosts of an entry, and the port that is written behind them. */
interface HostEntry {
  readonly text: string
  readonly hosts: HostPattern
  readonly port: number | undefined
}

/** What is wrong with an entry, and what to write instead. */
export interface PatternProblem {
  readonly message: string
  readonly suggestion?: string
}

const PORT = /^(.*):(\d{1,5})$/

/** Reads an entry, or says what is wrong with it. */
export function readEgressPattern(entry: EgressEntry): EgressPattern | PatternProblem {
  const { host, ports, methods } = typeof entry === 'string' ? { host: entry } : entry
  const read = readHosts(host)
  if (isPatternProblem(read)) {
    return read
  }
  const { text, hosts, port } = read
  if (port !== undefined && ports !== undefined) {
    return { message: `'${text}' names a port, and 'ports' names others`, suggestion: `add ${port} to 'ports'` }
  }
  return {
    text,
    hosts,
    ports: port === undefined ? ports && new Set(ports) : new Set([port]),
    methods: methods && new Set(methods),
  }
}

/** `api.example.com (ports 443, 8443; GET)`: an entry as a person reads it. */
export function describeEntry(entry: EgressEntry): string {
  if (typeof entry === 'string') {
    return entry
  }
  const ports =
    entry.ports === undefined ? [] : [`${entry.ports.length === 1 ? 'port' : 'ports'} ${entry.ports.join(', ')}`]
  const limits = [...ports, ...(entry.methods === undefined ? [] : [entry.methods.join(', ')])]
  return limits.length === 0 ? entry.host : `${entry.host} (${limits.join('; ')})`
}

function readHosts(text: string): HostEntry | PatternProblem {
  if (/\s/.test(text) || text.includes('://') || text.includes('@')) {
    return { message: `'${text}' is not a host`, suggestion: hostSuggestion(text) }
  }
  if (text.includes('/')) {
    return readNetwork(text)
  }
  return text.includes('*') ? readWildcard(text) : readSingle(text)
}

export function isPatternProblem(read: object): read is PatternProblem {
  return 'message' in read
}

function hostSuggestion(text: string): string {
  const bare = URL.canParse(text) ? new URL(text).host : ''
  return bare === '' ? "write a host such as 'api.example.com'" : `write '${bare}'`
}

function readNetwork(text: string): HostEntry | PatternProblem {
  if (!ipaddr.isValidCIDR(text)) {
    return {
      message: `'${text}' is not a network`,
      suggestion: "write an address and a prefix length such as '10.0.0.0/8', or a host without a path",
    }
  }
  const [address, bits] = ipaddr.parseCIDR(text)
  const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  const first = family.networkAddressFromCIDR(text).toString()
  if (first !== address.toString()) {
    return { message: `'${text}' has bits set behind its prefix`, suggestion: `write '${first}/${bits}'` }
  }
  if (address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96) {
    const inner = (address as ipaddr.IPv6).toIPv4Address().toString()
    return { message: `'${text}' is an IPv4 network`, suggestion: `write '${inner}/${bits - 96}'` }
  }
  const network = readHost(first)?.host
  if (network === undefined || network.kind === 'name') {
    return { message: `'${text}' is not a network` }
  }
  return { text, hosts: { kind: 'network', network, bits }, port: undefined }
}

function readWildcard(text: string): HostEntry | PatternProblem {
  const match = PORT.exec(text)
  const pattern = match?.[1] ?? text
  const port = match?.[2] === undefined ? undefined : Number(match[2])
  if (port !== undefined && (port < 1 || port > 65535)) {
    return { message: `'${text}' has no possible port` }
  }
  if (pattern === '*') {
    return { text, hosts: { kind: 'any' }, port }
  }
  const suffix = pattern.slice(2)
  const read = pattern.startsWith('*.') && !suffix.includes('*') ? readHost(suffix) : undefined
  if (read === undefined || read.host.kind !== 'name' || read.port !== undefined) {
    return { message: `'${text}' has '*' in a place it cannot stand`, suggestion: "write '*.example.com', or '*'" }
  }
  if (isPublicSuffix(read.host.name)) {
    return {
      message: `'${text}' is every domain under the public suffix '${read.host.name}'`,
      suggestion: "name the domain, or write '*' if every destination is meant",
    }
  }
  return { text, hosts: { kind: 'below', suffix: read.host.name }, port }
}

/** Names that registries sell under (`com`, `co.uk`), not names that happen to be the last label (`internal`). */
function isPublicSuffix(name: string): boolean {
  return parse(name).isIcann === true && getPublicSuffix(name) === name
}

function readSingle(text: string): HostEntry | PatternProblem {
  const read = readHost(text)
  if (read === undefined) {
    return { message: `'${text}' is not a host name, address or network` }
  }
  const { host, port } = read
  if (port === 0) {
    return { message: `'${text}' has no possible port` }
  }
  const written = port === undefined ? text : text.slice(0, text.lastIndexOf(':'))
  const plain = written.replace(/^\[|\]$/g, '').toLowerCase()
  if (host.kind === 'v4' && plain !== host.name) {
    // Somebody who reads the policy must see the address that is meant.
    return { message: `'${text}' is an odd way to write an address`, suggestion: `write '${host.name}'` }
  }
  return { text, hosts: { kind: 'host', host }, port }
}
