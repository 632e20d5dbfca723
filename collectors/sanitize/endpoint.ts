/** An endpoint as people and programs write it, taken apart. */
import { type Destination, LIST_LIMIT } from '../../schema/telemetry.ts'
import { normalizeHost } from './host.ts'

const AUTHORITY_LENGTH = 512
const URL_START = /\b([a-z][a-z0-9+.-]{0,20}):\/\/|\b(https?|wss?|ftp):[\\/]*(?=[^\s\\/"'])/gi
/** What `URL` and browsers also take for one: `https:example.com`, `http:\\\\example.com`. */
const OTHER_URL = /\b(?:https?|wss?|ftp):/i
const AUTHORITY = /(?:[^\s/?#\\"'`<>|^{}()[\],;]|\[[0-9a-f:.%]{2,60}\]){1,512}/iy
/** The domain behind the `@` of an address; of who it is for, one character is enough. */
const EMAIL_DOMAIN = /(?<=[^\s@<>"'(),:;])@((?:\[[0-9a-f:.]{2,60}\])|[^\s@<>"'(),:;[\]/]{1,253})/gi
/** URLs that reach nothing outside. */
const LOCAL_SCHEMES: ReadonlySet<string> = new Set(['file', 'data', 'about', 'blob', 'javascript', 'vscode', 'memory'])

/** Endpoints found in one set of arguments, each once, at most as many as an event holds. */
export class Endpoints {
  readonly #found = new Map<string, Destination>()

  add(host: string, scheme?: string, port?: number): void {
    const name = this.full ? undefined : normalizeHost(host)
    if (name === undefined) {
      return
    }
    const key = `${scheme ?? ''} ${name} ${port ?? ''}`
    if (!this.#found.has(key)) {
      this.#found.set(key, {
        host: name,
        ...(port === undefined || port > 65_535 ? {} : { port }),
        ...(scheme === undefined ? {} : { scheme }),
        seen_in: 'argument',
      })
    }
  }

  get full(): boolean {
    return this.#found.size >= LIST_LIMIT
  }

  list(): readonly Destination[] {
    return [...this.#found.values()]
  }
}

/** Every URL in a text. */
export function findUrls(text: string, found: Endpoints): void {
  if (!text.includes('://') && !OTHER_URL.test(text)) {
    return
  }
  URL_START.lastIndex = 0
  for (let match = URL_START.exec(text); match !== null && !found.full; match = URL_START.exec(text)) {
    const scheme = (match[1] ?? match[2] ?? '').toLowerCase()
    AUTHORITY.lastIndex = URL_START.lastIndex
    const authority = AUTHORITY.exec(text)?.[0]
    if (authority !== undefined && !LOCAL_SCHEMES.has(scheme)) {
      addAuthority(authority, scheme, found)
      URL_START.lastIndex += authority.length
    }
  }
}

/** Every e-mail address in a text, by its domain. */
export function findRecipients(text: string, found: Endpoints): void {
  if (!text.includes('@')) {
    return
  }
  let border = -1
  for (const match of text.matchAll(EMAIL_DOMAIN)) {
    if (found.full) {
      return
    }
    // Of `a@b@c`, `b` is a domain and nobody's name.
    if (match.index > border) {
      border = match.index + match[0].length
      const domain = withoutPunctuation(match[1] as string)
      const dot = domain.lastIndexOf('.')
      // What ends in a number is a version: `left-pad@1.3.0`.
      if ((dot !== -1 && /\D/.test(domain.slice(dot + 1))) || domain.startsWith('[')) {
        found.add(domain, 'mailto')
      }
    }
  }
}

/** A domain without the full stops and marks that end a sentence behind it. */
function withoutPunctuation(domain: string): string {
  let end = domain.length
  while (end > 0 && '.!?'.includes(domain[end - 1] as string)) {
    end -= 1
  }
  return domain.slice(0, end)
}

/** `user:password@host:port`, as in URLs and command lines. */
export function addAuthority(authority: string, scheme: string | undefined, found: Endpoints): void {
  const { host, port } = splitAuthority(authority)
  if (host !== '' && host !== '*' && !host.startsWith('$')) {
    found.add(host, scheme, port)
  }
}

/** An authority without its userinfo. What follows the host and is no port (`:$PORT`, a full stop) is not part of it. */
export function splitAuthority(authority: string): { readonly host: string; readonly port: number | undefined } {
  const text = authority.slice(authority.lastIndexOf('@') + 1, AUTHORITY_LENGTH)
  const literal = text.startsWith('[') ? text.indexOf(']') + 1 : 0
  const colon = text.indexOf(':', literal)
  if (colon === -1) {
    return { host: text, port: undefined }
  }
  const port = /^\d{1,5}(?!\d)/.exec(text.slice(colon + 1, colon + 7))
  return { host: text.slice(0, colon), port: port === null ? undefined : Number(port[0]) }
}
