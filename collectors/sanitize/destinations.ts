/**
 * Destinations: the endpoints a call names in its arguments, and the ones a dialect saw, in the same spelling. Query
 * strings, paths and who signs in are never part of one.
 *
 * An address under `to` is a recipient, one in a `body` is only text. A URL counts wherever it stands: who can write a link
 * somewhere can send data there. Bare names count where the argument's name or the command they belong to says that they
 * are hosts, so files, versions and packages are not taken for any.
 */

import { cut } from '../../schema/cut.ts'
import { type Destination, NAME_LIMIT } from '../../schema/telemetry.ts'
import type { ArgumentMeaning } from './argument-names.ts'
import { addAuthority, type Endpoints, findRecipients, findUrls, splitAuthority } from './endpoint.ts'
import { isAddress, isHost, normalizeHost } from './host.ts'
import { identifier } from './identifier.ts'
import { findCommandHosts, startsWithCommand } from './shell-hosts.ts'

const ONE_ADDRESS = /^[^@<>]{0,200}<[^\s@<>]{1,64}@[^\s@<>]{1,253}>$|^[^\s@<>,;:/]{1,64}@[^\s@<>,;:/]{1,253}$/

/** A destination that a dialect saw, in the spelling of all others; `undefined` when it names no host. */
export function normalizeDestination(destination: Destination): Destination | undefined {
  const named = destination.host.includes('://')
    ? destination.host.replace(/^[^:]*:\/\/|[/?#][\s\S]*$/g, '')
    : destination.host
  const split = isAddress(named) ? { host: named, port: undefined } : splitAuthority(named)
  const host = normalizeHost(split.host)
  if (host === undefined) {
    return undefined
  }
  const port = destination.port ?? split.port
  // As with hosts: a key in another case is no longer recognised.
  const scheme = identifier(destination.scheme)?.toLowerCase()
  const method = identifier(destination.method)?.toUpperCase()
  return {
    host,
    ...(port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65_535 ? { port } : {}),
    ...(scheme === undefined ? {} : { scheme: cut(scheme, NAME_LIMIT) }),
    ...(method === undefined ? {} : { method: cut(method, NAME_LIMIT) }),
    ...(destination.seen_in === undefined ? {} : { seen_in: destination.seen_in }),
  }
}

/** The endpoints in one value, by what the name of its argument says it is. */
export function findDestinations(text: string, meaning: ArgumentMeaning, found: Endpoints): void {
  if (text.includes(':')) {
    findUrls(text, found)
  }
  if (meaning === 'command' || startsWithCommand(text)) {
    findCommandHosts(text, found)
  } else if (
    meaning === 'recipient' ||
    (meaning !== 'mention' && text.includes('@') && ONE_ADDRESS.test(text.trim()))
  ) {
    findRecipients(text, found)
  }
  if (meaning === 'host' || meaning === 'address' || meaning === 'recipient') {
    readHosts(text, meaning, found)
  }
}

/** The endpoints in arguments that are one text: a bare value, a command line, code, or JSON that was cut. */
export function findBareDestinations(text: string, found: Endpoints): void {
  findUrls(text, found)
  findCommandHosts(text, found)
  const whole = text.trim()
  if (ONE_ADDRESS.test(whole)) {
    findRecipients(whole, found)
  } else if (isAddress(whole) || /^www\.[^\s]{1,250}$/i.test(whole)) {
    readHosts(whole, 'address', found)
  }
}

/** Bare hosts: `db`, `10.0.0.5:5432`, `www.example.com/path`, several of them between commas. */
function readHosts(text: string, meaning: ArgumentMeaning, found: Endpoints): void {
  if (text.length > 2000 || text.includes('://')) {
    return
  }
  for (const word of text.split(/[\s,;]+/).slice(0, 32)) {
    const authority = word.replace(/[/?#].*$/, '')
    const { host, port } = isAddress(authority) ? { host: authority, port: undefined } : splitAuthority(authority)
    const certain = word.length > authority.length || port !== undefined
    const alone = meaning === 'host' && word === text && /^[a-z0-9][a-z0-9_-]{0,62}$/i.test(host)
    if (host !== '' && !authority.includes('@') && (alone || isHost(host, certain || meaning === 'host'))) {
      found.add(host, undefined, port)
    } else if (meaning === 'address' && authority.includes('@') && isHost(host, true)) {
      addAuthority(authority, 'mailto', found)
    }
  }
}
