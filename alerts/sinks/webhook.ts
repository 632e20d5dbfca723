/**
 * Alerts by signed webhook, as Standard Webhooks 1.0 says: `webhook-id`, `webhook-timestamp`, `webhook-signature`,
 * success is 2xx and nothing else, redirects are never followed, and every retry sends the same bytes.
 *
 * Whatever else the receiver answers is retried on the delivery's schedule, because an alert must not be lost to a
 * wrong route or an expired credential that somebody will mend; only answers about the very bytes (400, 413, 422) and
 * "gone" (410) are final.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Type } from 'typebox'
import type { AlertFinding, Notice } from '../../schema/alert.ts'
import { Misconfigured, Rejected, Unavailable } from '../../schema/errors.ts'
import type { LookupAll, Sink, SinkContext, SinkType } from './sink.ts'
import { type Cidr, isAllowedAddress, isPublicAddress, parseCidr } from './webhook/address.ts'
import { parseSecret, sign } from './webhook/signature.ts'

/** The specification advises to stay below 20 kB. */
export const BODY_LIMIT = 20_000
const ANSWER_LIMIT = 64 * 1024
const TIMEOUT_MS = 15_000
const FINAL_STATUS = new Set([400, 410, 413, 422])
const MAX_RETRY_AFTER_MS = 24 * 3_600_000

export interface WebhookConfig {
  readonly type: 'webhook'
  readonly name: string
  readonly url: string
  readonly secret: string
  readonly previous_secret?: string
  readonly allow: readonly string[]
  readonly ca_file?: string
}

export const webhook: SinkType<WebhookConfig> = {
  type: 'webhook',
  config: Type.Object(
    {
      type: Type.Literal('webhook'),
      /** Names the consumer group: keep it when the URL changes. */
      name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'lower-case letters, digits and -' }),
      url: Type.String({ minLength: 1, maxLength: 2000 }),
      /** `whsec_` and 24 to 64 bytes of base64. */
      secret: Type.String({ minLength: 1 }),
      /** During a rotation: the secret that receivers may still know. */
      previous_secret: Type.Optional(Type.String({ minLength: 1 })),
      /** Networks of your own (CIDR) that it may be sent to; there, plain http and any port will do. */
      allow: Type.Array(Type.String(), { default: [] }),
      /** Certificate authority of the receiver, PEM. */
      ca_file: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  open: openWebhook,
}

interface Endpoint {
  readonly url: URL
  readonly secrets: readonly Buffer[]
  readonly allow: readonly Cidr[]
  readonly agent: http.Agent
  readonly userAgent: string
  readonly lookup: LookupAll
}

function openWebhook(config: WebhookConfig, context: SinkContext): Sink {
  const endpoint = checkedEndpoint(config, context)
  return {
    name: config.name,
    write: async (notice, signal) => {
      const body = webhookBody(notice)
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
      const lookup = pinned(await permittedAddresses(endpoint, deadline))
      const timestampS = Math.floor(Date.now() / 1000)
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': endpoint.userAgent,
        'webhook-id': notice.notice_id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': sign(endpoint.secrets, notice.notice_id, timestampS, body),
      }
      judgeAnswer(await post(endpoint, { body, headers, lookup, signal: deadline }))
    },
    close: async () => endpoint.agent.destroy(),
  }
}

/** Everything about an endpoint that can be known without touching the network. */
function checkedEndpoint(config: WebhookConfig, context: SinkContext): Endpoint {
  const problems: string[] = []
  const url = URL.canParse(config.url) ? new URL(config.url) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    problems.push('url must be an https URL')
  } else if (url.username !== '' || url.password !== '') {
    problems.push('url must not hold a user name or password')
  }
  const literal = url?.hostname.replace(/^\[|\]$/g, '') ?? ''
  if (config.allow.length === 0 && url?.protocol === 'http:') {
    problems.push('plain http is for networks of your own: name them in allow')
  } else if (config.allow.length === 0 && isIP(literal) !== 0 && !isPublicAddress(literal)) {
    problems.push(`${literal} is not a public address: name your network in allow`)
  }
  const allow = config.allow.map((text) => ({ text, cidr: parseCidr(text) }))
  problems.push(
    ...allow.filter(({ cidr }) => cidr === undefined).map(({ text }) => `allow: '${text}' is not a network (CIDR)`),
  )
  const texts = [config.secret, ...(config.previous_secret === undefined ? [] : [config.previous_secret])]
  const secrets = texts.map(parseSecret)
  if (secrets.includes(undefined)) {
    problems.push('secret must be whsec_ and base64 of 24 to 64 bytes')
  }
  const ca = config.ca_file === undefined ? {} : { ca: readAuthority(config.ca_file, problems) }
  if (url === undefined || problems.length > 0) {
    throw new Misconfigured(problems.map((message) => ({ file: `sink '${config.name}'`, message })))
  }
  const agent =
    url.protocol === 'https:'
      ? new https.Agent({ keepAlive: true, maxSockets: 8, minVersion: 'TLSv1.2', ...ca })
      : new http.Agent({ keepAlive: true, maxSockets: 8 })
  return {
    url,
    secrets: secrets.filter((secret) => secret !== undefined),
    allow: allow.map(({ cidr }) => cidr).filter((cidr) => cidr !== undefined),
    agent,
    userAgent: `Telltale/${context.version}`,
    lookup: context.lookup ?? ((hostname) => systemLookup(hostname, { all: true })),
  }
}

/** Certificates in PEM; what is wrong with them is added to the problems. */
function readAuthority(file: string, problems: string[]): string {
  try {
    const pem = readFileSync(file, 'utf8')
    createSecureContext({ ca: pem })
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
      problems.push(`ca_file: ${file} holds no certificate`)
    }
    return pem
  } catch (error) {
    problems.push(`ca_file cannot be used: ${(error as Error).message}`)
    return ''
  }
}

interface Address {
  readonly address: string
  readonly family: number
}

/**
 * Resolves the endpoint anew for every connection and checks every address it has, so that a name cannot be
 * moved to a forbidden one between the check and the connection: what was checked is what is connected to. A name that
 * must not be connected to now may be mended later, so the alert waits.
 */
async function permittedAddresses(endpoint: Endpoint, deadline: AbortSignal): Promise<readonly Address[]> {
  const hostname = endpoint.url.hostname.replace(/^\[|\]$/g, '')
  const addresses =
    isIP(hostname) === 0
      ? await resolve(endpoint.lookup, hostname, deadline)
      : [{ address: hostname, family: isIP(hostname) }]
  const own = addresses.length > 0 && addresses.every(({ address }) => isAllowedAddress(address, endpoint.allow))
  if (own) {
    return addresses
  }
  const isPublic = addresses.length > 0 && addresses.every(({ address }) => isPublicAddress(address))
  if (!isPublic) {
    throw new Unavailable(`refused: ${hostname} is not a public address, and no network in allow holds it`)
  }
  if (endpoint.url.protocol !== 'https:') {
    throw new Unavailable('refused: plain http is for networks in allow only')
  }
  if (!['', '443', '8443'].includes(endpoint.url.port)) {
    throw new Unavailable(`refused: port ${endpoint.url.port} is for networks in allow only`)
  }
  return addresses
}

async function resolve(lookup: LookupAll, hostname: string, deadline: AbortSignal): Promise<readonly Address[]> {
  const late = new Promise<never>((_resolve, reject) => {
    deadline.addEventListener('abort', () => reject(new Error('it took too long')), { once: true })
  })
  try {
    return await Promise.race([lookup(hostname), late])
  } catch (cause) {
    throw new Unavailable(`the name ${hostname} does not resolve`, { cause })
  }
}

/** A `lookup` that answers with the addresses that were checked, whatever it is asked. */
function pinned(addresses: readonly Address[]): LookupFunction {
  const first = addresses[0] as Address
  return (_hostname, options, callback) => {
    if (options.all === true) {
      callback(null, [...addresses])
    } else {
      callback(null, first.address, first.family)
    }
  }
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
}

interface Outgoing {
  readonly body: string
  readonly headers: http.OutgoingHttpHeaders
  readonly lookup: LookupFunction
  readonly signal: AbortSignal
}

function post(endpoint: Endpoint, outgoing: Outgoing): Promise<Answer> {
  return new Promise((answered, reject) => {
    const send = endpoint.url.protocol === 'https:' ? https.request : http.request
    const request = send(endpoint.url, {
      method: 'POST',
      headers: outgoing.headers,
      agent: endpoint.agent,
      lookup: outgoing.lookup,
      signal: outgoing.signal,
      maxHeaderSize: 16 * 1024,
    })
    request.on('error', (cause) => reject(new Unavailable(`no answer: ${cause.message}`, { cause })))
    request.on('response', (response) => {
      let bytes = 0
      const answer = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        // The status has told all there is to know; nobody is made to read ten gigabytes.
        if (bytes > ANSWER_LIMIT) {
          answered(answer)
          response.destroy()
        }
      })
      response.on('end', () => answered(answer))
      response.on('error', (cause) => reject(new Unavailable(`the answer broke off: ${cause.message}`, { cause })))
    })
    request.end(outgoing.body)
  })
}

function judgeAnswer({ status, retryAfter }: Answer): void {
  if (status >= 200 && status < 300) {
    return
  }
  if (FINAL_STATUS.has(status)) {
    throw new Rejected(`http-${status}`, `the receiver answered ${status}`)
  }
  throw new Unavailable(`the receiver answered ${status}`, { retryAfterMs: parseRetryAfter(retryAfter) })
}

/** Seconds or an HTTP date, clamped to a day; 0 when there is none or it makes no sense. */
export function parseRetryAfter(value: string | undefined, nowMs: number = Date.now()): number {
  if (value === undefined) {
    return 0
  }
  const isSeconds = /^\d{1,9}$/.test(value.trim())
  // Date.parse alone takes almost anything for a date.
  const isDate = /^[A-Z][a-z]{2}, \d/.test(value.trim())
  const ms = isSeconds ? Number(value) * 1000 : isDate ? Date.parse(value) - nowMs : Number.NaN
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : 0
}

/**
 * The bytes of a notice: the same for every attempt. When they would be too many, findings give way first, then the
 * long texts in the evidence of the one that is left; the store has them all.
 */
export function webhookBody(notice: Notice): string {
  const { findings } = notice.alert
  for (let kept = findings.length; kept > 1; kept = Math.floor(kept / 2)) {
    const body = bodyOf(notice, findings.slice(0, kept))
    if (Buffer.byteLength(body) <= BODY_LIMIT) {
      return body
    }
  }
  const [first] = findings
  const whole = bodyOf(notice, findings.slice(0, 1))
  return Buffer.byteLength(whole) <= BODY_LIMIT || first === undefined ? whole : bodyOf(notice, [shortened(first)])
}

function bodyOf({ type, alert }: Notice, findings: readonly AlertFinding[]): string {
  const omitted = alert.findings.length - findings.length
  return JSON.stringify({
    type,
    timestamp: new Date(alert.time_ms).toISOString(),
    data: { ...alert, findings, ...(omitted === 0 ? {} : { findings_omitted: omitted }) },
  })
}

const SHORT_TEXT = 200

function shortened(finding: AlertFinding): AlertFinding {
  const evidence = Object.entries(finding.evidence).map(([key, value]) => [
    key,
    typeof value === 'string' ? value.slice(0, SHORT_TEXT) : value,
  ])
  return { ...finding, evidence: Object.fromEntries(evidence) }
}
