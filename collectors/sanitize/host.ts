/** Host names and addresses: one spelling for each, and whether a bare word is one at all. */
import { domainToASCII } from 'node:url'
import { parse } from 'tldts'
import { withoutSecrets } from './identifier.ts'

const HOST_LENGTH = 253
const DOT = 46
/** Spelled as it would be resolved, and not a number in disguise. */
const PLAIN = /^(?:[a-z0-9_-]*\.)*[0-9_-]*[a-z][a-z0-9_-]*$/
const NOT_PLAIN = /[^a-z0-9._-]+/g
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]*:[0-9a-f:.]*(?:%[\w.-]+)?\]?)$/i
/** Names that are a top-level domain as well as the suffix of a file. */
const FILE_SUFFIX = /\.(?:py|sh|md|rs|pl|zip|mov|so|ps|pm|mk)$/
/** Suffixes of private networks, which no list of public suffixes has. */
const PRIVATE_SUFFIX =
  /\.(?:local|localdomain|internal|intranet|corp|lan|home|svc|onion|test|example|invalid|localhost)$/

/**
 * A host as it is compared everywhere: lower case, in ASCII (IDNA), without brackets, zone, port and trailing dot; an IPv4
 * address in four decimal numbers, however it was written. What no parser understands is kept with `_` for what is odd in
 * it, so that it is still seen; so is what a secret was masked in. `undefined` when there is none.
 */
export function normalizeHost(raw: string): string | undefined {
  // A key can be sent where a host belongs, or in front of one. Masked first: lower case would hide it.
  const host = withoutSecrets(raw).trim().toLowerCase()
  if (host.length <= HOST_LENGTH && PLAIN.test(host)) {
    return host
  }
  const bare = withoutDotsBehind(withoutZone(host))
  if (bare === '' || bare.startsWith('/')) {
    return undefined
  }
  const literal = bare.includes(':') && !bare.startsWith('[') ? `[${bare}]` : bare
  const name = parsedHost(literal) ?? (domainToASCII(bare) || bare).replace(NOT_PLAIN, '_').slice(0, HOST_LENGTH)
  return /[a-z0-9]/.test(name) ? withoutDotsBehind(name) : undefined
}

/** `fe80::1%eth0` without what is behind the `%`. */
function withoutZone(host: string): string {
  const zone = host.indexOf('%', host.lastIndexOf(']', host.length - 2) + 1)
  return zone === -1 ? host : host.slice(0, zone) + (host.endsWith(']') ? ']' : '')
}

function withoutDotsBehind(name: string): string {
  let end = name.length
  while (name.charCodeAt(end - 1) === DOT) {
    end -= 1
  }
  return name.slice(0, end)
}

function parsedHost(host: string): string | undefined {
  if (host.length > HOST_LENGTH + 2 || /[\s/?#@\\]/.test(host)) {
    return undefined
  }
  const url = `http://${host}/`
  // Asked first, for an error that is thrown costs many times as much, and a stranger may send many.
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$|\.$/g, '') || undefined : undefined
}

/** True for an IPv4 address in four parts, or an IPv6 address. */
export function isAddress(text: string): boolean {
  return text.length <= 64 && ADDRESS.test(text) && (!text.includes(':') || text.split(':').length > 2)
}

/**
 * True for a word that is certainly a host: an address, `localhost`, or a name below a public or private suffix.
 *
 * @param certain false when the word could as well be a file (`main.py`, `archive.zip`)
 */
export function isHost(word: string, certain: boolean): boolean {
  const name = word.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || isAddress(name)) {
    return true
  }
  if (!name.includes('.') || name.length > HOST_LENGTH || !/^[^\s/:@,;'"()[\]{}<>]+$/.test(name)) {
    return false
  }
  if (!certain && FILE_SUFFIX.test(name)) {
    return false
  }
  const known = parse(name, { allowPrivateDomains: false })
  return (known.isIcann === true && known.domain !== null) || PRIVATE_SUFFIX.test(name)
}
