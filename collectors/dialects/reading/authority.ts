/** With whose leave an agent acts, as attributes say it: the credential it used or asked for, and the human gate. */
import { type Approval, LIST_LIMIT, type Token } from '../../../schema/telemetry.ts'
import type { AttributeMap, AttributeValue } from '../../otlp/records.ts'
import { asJson, bool, field, fieldLabel, firstLabel, type Json, label, labels, num, put } from '../../otlp/values.ts'

/**
 * An approval as an agent states it: an object (`required`, `by`, `at` or `at_ms`, `id`), a boolean (was it required), or
 * the name of who approved. `undefined` when nothing of it holds.
 */
export function approvalFrom(value: AttributeValue): Approval | undefined {
  const node = asJson(value)
  const isObject = typeof node === 'object' && node !== null
  const required = bool(isObject ? (field(node, 'required') as AttributeValue) : value)
  const approval: Approval = {}
  put(approval, 'required', required)
  put(approval, 'by', isObject ? fieldLabel(node, 'by') : required === undefined ? label(value) : undefined)
  if (isObject) {
    put(approval, 'at_ms', timeOf(field(node, 'at_ms') ?? field(node, 'at')))
    put(approval, 'id', fieldLabel(node, 'id'))
  }
  return approval.required === undefined && approval.by === undefined ? undefined : approval
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T[\d:.]{5,18}(?:Z|[+-]\d{2}:?\d{2})$/

/** Milliseconds since the epoch, from a number of them or from a date with time and zone. */
function timeOf(value: Json | undefined): number | undefined {
  const ms = typeof value === 'string' && DATE_TIME.test(value) ? Date.parse(value) : num(value as AttributeValue)
  return ms !== undefined && Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

/** A credential as an agent states it: an object of the members of `Token`. `undefined` when nothing of it holds. */
export function tokenFrom(value: AttributeValue): Token | undefined {
  const node = asJson(value)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    return undefined
  }
  const token: Token = {}
  put(token, 'scopes_requested', scopesFrom(field(node, 'scopes_requested')))
  put(token, 'scopes_granted', scopesFrom(field(node, 'scopes_granted')))
  put(token, 'audience', fieldLabel(node, 'audience'))
  put(token, 'lifetime_s', lifetimeOf(num(field(node, 'lifetime_s') as AttributeValue)))
  put(token, 'subject', fieldLabel(node, 'subject'))
  return Object.keys(token).length === 0 ? undefined : token
}

/** A list of scopes, or one text in which spaces or commas part them, as OAuth writes it. */
function scopesFrom(value: Json | undefined): string[] | undefined {
  const written = typeof value === 'string' ? [value] : labels(value as AttributeValue)
  const scopes = written.flatMap((text) => text.split(/[ ,]/)).filter((scope) => scope !== '')
  return scopes.length === 0 ? undefined : scopes.slice(0, LIST_LIMIT)
}

const lifetimeOf = (seconds: number | undefined) => (seconds !== undefined && seconds >= 0 ? seconds : undefined)

// No convention names them; these are the names that instrumentations of OAuth clients use.
const REQUESTED_KEYS = ['oauth.scope', 'oauth.scopes', 'oauth2.scope', 'oauth2.scopes'] as const
const GRANTED_KEYS = ['oauth.granted_scopes', 'oauth2.granted_scopes'] as const
const AUDIENCE_KEYS = ['oauth.audience', 'oauth2.audience', 'oauth.resource', 'oauth2.resource'] as const
const LIFETIME_KEYS = ['oauth.expires_in', 'oauth2.expires_in'] as const
const CLIENT_KEYS = ['oauth.client_id', 'oauth2.client_id'] as const

/**
 * The credential that a token request asked for: what OAuth attributes say, else the query of its URL. Most clients send
 * it in a body that no span shows, so most of it is often absent.
 */
export function tokenOfRequest(attributes: AttributeMap): Token {
  const query = label(attributes.get('url.query')) ?? firstLabel(attributes, ['url.full', 'http.url'])?.split('?')[1]
  const asked = query === undefined ? undefined : new URLSearchParams(query)
  const of = (name: string) => label(asked?.get(name) ?? undefined)
  const lifetime = firstOf(attributes, LIFETIME_KEYS) ?? of('DurationSeconds')
  const token: Token = {}
  put(token, 'scopes_requested', scopesFrom((firstOf(attributes, REQUESTED_KEYS) as Json) ?? of('scope')))
  put(token, 'scopes_granted', scopesFrom(firstOf(attributes, GRANTED_KEYS) as Json))
  put(token, 'audience', firstLabel(attributes, AUDIENCE_KEYS) ?? of('audience') ?? of('resource'))
  put(token, 'lifetime_s', lifetimeOf(num(lifetime)))
  put(token, 'subject', firstLabel(attributes, CLIENT_KEYS) ?? of('client_id'))
  return token
}

function firstOf(attributes: AttributeMap, keys: readonly string[]): AttributeValue {
  const key = keys.find((each) => attributes.has(each))
  return key === undefined ? undefined : attributes.get(key)
}
