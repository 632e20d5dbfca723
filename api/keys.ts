/**
 * Bearer keys. A key is 256 random bits, so its SHA-256 is enough to recognise it by and useless to whoever reads
 * the configuration. As soon as one key is configured, every request needs one; before, only loopback may ask.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { Misconfigured } from '../schema/errors.ts'

export const SCOPES = ['ingest', 'read', 'admin'] as const
/** `ingest` sends telemetry, `read` reads what is stored, `admin` does both and reads dead letters; each of its tenant only. */
export type Scope = (typeof SCOPES)[number]

export interface KeyEntry {
  readonly name: string
  readonly scope: Scope
  /** Of the whole key, hex. */
  readonly sha256: string
  readonly tenant: string
}

/** Who asks, as the key says. */
export interface Caller {
  readonly tenantId: string
}

export type Decision = Caller | 'unauthenticated' | 'forbidden'

/** Decides from the `Authorization` header whether a request with the given need may pass. */
export type Authorize = (authorization: string | undefined, need: Scope) => Decision

/** Makes a key: the text to hand to a client, once, and the hash to configure. */
export function makeKey(scope: Scope): { readonly key: string; readonly sha256: string } {
  const key = `tt_${scope}_${randomBytes(32).toString('base64url')}`
  return { key, sha256: hashOf(key).toString('hex') }
}

/** @param tenantId whose data callers without a key see, when no key is configured. */
export function authorizer(keys: readonly KeyEntry[], tenantId: string): Authorize {
  if (keys.length === 0) {
    return () => ({ tenantId })
  }
  const entries = keys.map((entry) => ({ ...entry, hash: Buffer.from(entry.sha256, 'hex') }))
  return (authorization, need) => {
    const given = /^bearer +(\S{1,512})$/i.exec(authorization ?? '')?.[1]
    if (given === undefined) {
      return 'unauthenticated'
    }
    const hash = hashOf(given)
    // Every entry is compared, so that the time taken says nothing about which one matched.
    const matches = entries.filter((entry) => timingSafeEqual(entry.hash, hash))
    const [entry] = matches
    if (entry === undefined) {
      return 'unauthenticated'
    }
    return entry.scope === need || entry.scope === 'admin' ? { tenantId: entry.tenant } : 'forbidden'
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/**
 * Without a key everybody who reaches a door is let in, so then only this machine may reach it.
 *
 * @throws Misconfigured
 */
export function refuseOpenBind(host: string, keys: readonly KeyEntry[], insecure: boolean): void {
  if (keys.length > 0 || insecure || isLoopback(host)) {
    return
  }
  throw new Misconfigured([
    {
      file: 'listen.host',
      message: `${host} can be reached from other machines, and no key is configured`,
      suggestion: 'add a key (telltale key ingest), listen on 127.0.0.1, or say --insecure',
    },
  ])
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}
