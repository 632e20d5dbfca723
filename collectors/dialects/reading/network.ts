/** Which endpoint a client span reached. */
import type { Destination } from '../../../schema/telemetry.ts'
import type { AttributeMap } from '../../otlp/records.ts'
import { firstCount, firstLabel, label } from '../../otlp/values.ts'

/** Parts of an address as a span names them. Query and credentials are never looked at. */
interface Address {
  readonly host: string
  readonly port?: number
  readonly scheme?: string
}

const URL_KEYS = ['url.full', 'http.url'] as const
// What is not a URL stands below one, but for the address that newer instrumentations state.
const HOST_KEY = 'server.address'
const LATER_HOST_KEYS = [
  'net.peer.name',
  'http.host',
  'network.peer.address',
  'net.peer.ip',
  'net.sock.peer.addr',
  'service.peer.name',
  'peer.service',
] as const
const PORT_KEYS = ['server.port', 'net.peer.port', 'network.peer.port'] as const
const METHOD_KEYS = ['http.request.method', 'http.method'] as const

/** The endpoint of a client span as the span spells it, or `undefined` when it names none. */
export function destinationOf(attributes: AttributeMap, scheme?: string): Destination | undefined {
  const url = addressOfUrl(firstLabel(attributes, URL_KEYS))
  const host = label(attributes.get(HOST_KEY)) ?? url?.host ?? firstLabel(attributes, LATER_HOST_KEYS)
  if (host === undefined) {
    return undefined
  }
  const address = splitPort(host)
  const port = firstCount(attributes, PORT_KEYS) ?? address.port ?? url?.port
  const method = firstLabel(attributes, METHOD_KEYS)
  const known = label(attributes.get('url.scheme')) ?? label(attributes.get('http.scheme')) ?? url?.scheme ?? scheme
  const reached: Destination = { host: address.host, seen_in: 'network' }
  if (port !== undefined && port <= 65_535) {
    reached.port = port
  }
  if (known !== undefined) {
    reached.scheme = known
  }
  if (method !== undefined) {
    reached.method = method
  }
  return reached
}

// What most URLs begin with: a scheme, and a host that reads alike before and after parsing (no user, port, escape,
// capital, IDN or number in disguise). Parsing the rest would cost several times as much.
const PLAIN_URL = /^(https?):\/\/([a-z0-9.-]{1,253})(?:[/?#]|$)/
const PLAIN_HOST = /(?:^|\.)[a-z]{2,63}$/

function addressOfUrl(url: string | undefined): Address | undefined {
  if (url === undefined) {
    return undefined
  }
  const plain = PLAIN_URL.exec(url)
  const host = plain?.[2]
  if (plain?.[1] !== undefined && host !== undefined && PLAIN_HOST.test(host) && !host.includes('xn--')) {
    return { host, scheme: plain[1] }
  }
  try {
    const parsed = new URL(url)
    const port = parsed.port === '' ? undefined : Number(parsed.port)
    return parsed.hostname === ''
      ? undefined
      : {
          host: asSpelled(parsed.hostname, url),
          scheme: parsed.protocol.slice(0, -1),
          ...(port === undefined ? {} : { port }),
        }
  } catch {
    return undefined
  }
}

/** The host in the letters of its URL: in lower case a key that stands in it would no longer be recognised and masked. */
function asSpelled(hostname: string, url: string): string {
  const at = url.toLowerCase().indexOf(hostname)
  const spelled = url.slice(at, at + hostname.length)
  return spelled.toLowerCase() === hostname ? spelled : hostname
}

function splitPort(host: string): Address {
  const match = /^([^:]+):(\d{1,5})$/.exec(host)
  return match?.[1] === undefined ? { host } : { host: match[1], port: Number(match[2]) }
}

// Paths at which tokens are asked for: OAuth 2, OpenID Connect, cloud metadata services, security token services.
const TOKEN_PATH =
  /\/oauth2?\/(?:v\d{1,2}(?:\.\d)?\/)?token\b|\/oauth2\/v\d{1,2}\.\d\/token|\/connect\/token\b|\/protocol\/openid-connect\/token\b|\/metadata\/identity\/oauth2\/token\b|\/computeMetadata\/[^?#]{1,200}\/token\b|\/oauth\/access_token\b|\/login\/oauth\/access_token\b/
const TOKEN_HOSTS: ReadonlySet<string> = new Set([
  'oauth2.googleapis.com',
  'sts.googleapis.com',
  'sts.amazonaws.com',
  'login.microsoftonline.com',
  'accounts.google.com',
])
const TOKEN_CALL =
  /^(?:AssumeRole\w{0,40}|GetSessionToken|GetFederationToken|GetWorkloadAccessToken\w{0,40}|GetResourceOauth2Token)$/

/** True when a client span asked an identity provider for a token. No convention says so; its path or method does. */
export function isTokenRequest(attributes: AttributeMap, spanName: string): boolean {
  const url = firstLabel(attributes, URL_KEYS)
  const path = firstLabel(attributes, ['url.path', 'http.target']) ?? url
  if (path !== undefined && TOKEN_PATH.test(path)) {
    return true
  }
  const method =
    firstLabel(attributes, ['rpc.method', 'aws.operation']) ?? spanName.slice(spanName.lastIndexOf('.') + 1)
  if (TOKEN_CALL.test(method)) {
    return true
  }
  const spelled = firstLabel(attributes, ['server.address', 'net.peer.name', 'http.host']) ?? addressOfUrl(url)?.host
  const host = spelled?.toLowerCase()
  return (
    host !== undefined &&
    (TOKEN_HOSTS.has(host) || /^sts\.[a-z0-9-]{2,30}\.amazonaws\.com$/.test(host)) &&
    firstLabel(attributes, ['http.request.method', 'http.method']) === 'POST'
  )
}
