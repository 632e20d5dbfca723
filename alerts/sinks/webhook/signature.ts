/**
 * Standard Webhooks signatures (specification 1.0): `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`.
 * During a rotation there are two secrets, and the header holds one signature of each.
 */
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'
const MIN_BYTES = 24
const MAX_BYTES = 64

/** The bytes of a secret as an operator writes it (`whsec_` and base64, or base64), or `undefined` when it is none. */
export function parseSecret(text: string): Buffer | undefined {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
    return undefined
  }
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES ? bytes : undefined
}

/** @param timestampS Unix seconds of this attempt. */
export function sign(secrets: readonly Buffer[], id: string, timestampS: number, body: string): string {
  return secrets
    .map((secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestampS}.${body}`).digest('base64')}`)
    .join(' ')
}
