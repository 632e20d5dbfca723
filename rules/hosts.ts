/**
 * What a destination's host really is. Clients accept many spellings of one host (decimal and octal addresses,
 * full-width characters, trailing dots, mapped addresses), so every host is brought to the form in which the WHATWG
 * URL parser, the one most HTTP clients share, would reach it. What that parser would refuse is `undefined`.
 */
import { domainToUnicode } from 'node:url'
import ipaddr from 'ipaddr.js'
import { TextMemory } from '../schema/text-memory.ts'

/** A host in its one form: an ASCII name without trailing dot, or an address (IPv4-mapped IPv6 is IPv4). */
export type Host =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'v4'; readonly name: string; readonly value: number }
  | { readonly kind: 'v6'; readonly name: string; readonly value: bigint }

export type Address = Exclude<Host, { kind: 'name' }>

/** A host, and the port that was written behind it. */
export interface HostAndPort {
  readonly host: Host
  readonly port: number | undefined
}

// Structure of a URL, blanks and controls: a "host" that has them is not one, and must not be guessed at.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const NOT_IN_A_HOST = /[\u0000-\u0020\u007f-\u00a0/\\?#@<>^|"'`{}]/
const IN_BRACKETS = /^\[([^[\]]+)\](?::(\d{1,5}))?$/
const WITH_PORT = /^([^:]+)(?::(\d{1,5}))?$/
const ZONE = /^[A-Za-z0-9._~-]+$/
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address. Never throws. */
export function readHost(text: string): HostAndPort | undefined {
  return text.length > 512 ? undefined : known.of(text)
}

// Policies and detectors ask about the same host one after the other, and reading a long one takes a parser some time.
const known = new TextMemory(read, 65_536, 'first')

function read(text: string): HostAndPort | undefined {
  if (NOT_IN_A_HOST.test(text)) {
    return undefined
  }
  const bracketed = IN_BRACKETS.exec(text)
  const six = bracketed?.[1] ?? (text.indexOf(':') === text.lastIndexOf(':') ? undefined : text)
  if (six !== undefined) {
    return withPort(readV6(six), bracketed?.[2])
  }
  const match = WITH_PORT.exec(text)
  return match?.[1] === undefined ? undefined : withPort(readNameOrV4(match[1]), match[2])
}

function withPort(host: Host | undefined, digits: string | undefined): HostAndPort | undefined {
  const port = digits === undefined ? undefined : Number(digits)
  return host === undefined || (port !== undefined && port > 65535) ? undefined : { host, port }
}

function readV6(text: string): Host | undefined {
  const [address = '', zone, ...rest] = text.split('%')
  // A zone names the interface of one machine; it changes the way to an address, not the address.
  if (rest.length > 0 || (zone !== undefined && !ZONE.test(zone))) {
    return undefined
  }
  const hostname = parsedHostname(`[${address}]`)
  return hostname === undefined ? undefined : addressHost(hostname.slice(1, -1))
}

function readNameOrV4(text: string): Host | undefined {
  const hostname = parsedHostname(text)
  if (hostname === undefined) {
    return undefined
  }
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
  if (ipaddr.IPv4.isValidFourPartDecimal(name)) {
    return addressHost(name)
  }
  const labels = name.split('.')
  return name.length <= 253 && labels.every((label) => LABEL.test(label)) && readableLabels(labels)
    ? { kind: 'name', name }
    : undefined
}

/**
 * The URL parser lets some impossible punycode through, from Node 24 on nearly all of it; a name that has no Unicode form
 * of its own is not a name.
 */
function readableLabels(labels: readonly string[]): boolean {
  return labels.every((label) => {
    const unicode = label.startsWith('xn--') ? domainToUnicode(label) : 'plain'
    return unicode !== '' && unicode !== label
  })
}

function parsedHostname(authority: string): string | undefined {
  const url = parsedUrl(`http://${authority}/`)
  if (url === undefined) {
    return undefined
  }
  const plain = url.pathname === '/' && url.port === '' && url.username === '' && url.search === '' && url.hash === ''
  return plain && url.hostname !== '' ? url.hostname : undefined
}

/** Parsing a long name twice, once to see whether it can be, would cost more than the errors of those that cannot. */
function parsedUrl(address: string): URL | undefined {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

function addressHost(text: string): Address {
  const address = ipaddr.process(text)
  if (address.kind() === 'ipv4') {
    return { kind: 'v4', name: address.toString(), value: numberOf(address.toByteArray()) }
  }
  return { kind: 'v6', name: (address as ipaddr.IPv6).toRFC5952String(), value: bigintOf(address.toByteArray()) }
}

function numberOf(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

function bigintOf(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/**
 * The IPv4 address that a translator or tunnel would reach through an IPv6 address: NAT64 (RFC 6052), 6to4
 * (RFC 3056), IPv4-compatible (RFC 4291). `undefined` when it holds none.
 */
export function embeddedV4(host: Host): Address | undefined {
  if (host.kind !== 'v6') {
    return undefined
  }
  const low = Number(host.value & 0xffffffffn)
  if (host.value >> 32n === 0x64ff9b0000000000000000n) {
    return v4(low)
  }
  if (host.value >> 112n === 0x2002n) {
    return v4(Number((host.value >> 80n) & 0xffffffffn))
  }
  return host.value >> 32n === 0n && low > 1 ? v4(low) : undefined
}

function v4(value: number): Address {
  return { kind: 'v4', name: [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.'), value }
}

/** What makes a destination worse than an unknown name. */
export interface HostNature {
  /** An address instead of a name: no DNS record, no owner, past every name-based control. */
  readonly literal: boolean
  /** Hands out credentials of the machine the agent runs on. */
  readonly metadata: boolean
  /** Loopback, private, link-local and other ranges that no public server has. */
  readonly internal: boolean
}

const METADATA_ADDRESSES = new Set([
  '169.254.169.254', // AWS, Azure, Google, OpenStack, DigitalOcean
  '169.254.170.2', // AWS containers
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254', // Google
  '100.100.100.200', // Alibaba
  '192.0.0.192', // Oracle
  '168.63.129.16', // Azure host agent
])
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data'])

export function hostNature(host: Host): HostNature {
  if (host.kind === 'name') {
    return {
      literal: false,
      metadata: METADATA_NAMES.has(host.name) || host.name.startsWith('instance-data.'),
      internal: host.name === 'localhost' || host.name.endsWith('.localhost'),
    }
  }
  const reached = embeddedV4(host)
  const names = reached === undefined ? [host.name] : [host.name, reached.name]
  const ranges = names.map((name) => ipaddr.process(name).range())
  return {
    literal: true,
    metadata: names.some((name) => METADATA_ADDRESSES.has(name)),
    internal: ranges.some((range) => !PUBLIC_RANGES.has(range)),
  }
}

// Translated addresses are as public as the IPv4 address inside, which is judged beside them.
const PUBLIC_RANGES = new Set<string>(['unicast', 'rfc6052', '6to4'])
