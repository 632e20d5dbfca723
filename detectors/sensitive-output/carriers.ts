/**
 * URLs that carry data: what stands in their query or path is no address but a message. A picture is fetched as soon as
 * it is shown, which sends the message without anybody's doing; a link needs a click, a call does it itself.
 */
import { maskClass, masksIn } from '../../schema/masks.ts'
import { encodedText } from './blobs.ts'

/** The most URLs of one text that are looked at, and the longest part of one. */
const MOST_URLS = 24
const URL_LENGTH = 2048

const ADDRESS = 'https?:\\/\\/(?:\\[masked:[a-z0-9-]{1,64}\\]|[^\\s"\'<>()\\[\\]{}|\\\\^`])+'
const ANY_URL = new RegExp(ADDRESS, 'gi')
/** `![what](url`, `<img src="url"`, and the list of references behind `![what][reference]`. */
const PICTURE = new RegExp(
  `(?:!\\[[^\\]\\n]{0,120}\\]\\(\\s{0,3}<?|<img\\s[^>]{0,120}?src\\s?=\\s?["']?|^\\s{0,3}\\[[^\\]\\n]{1,60}\\]:\\s{0,3}<?)(${ADDRESS})`,
  'gim',
)
const SHOWS_PICTURES = /!\[|<img\s/i

/** From so many characters on a value may hold encoded text; shorter ones decode to something by chance. */
const ENCODED_VALUE = 20
/** Prose in the address of a picture: so many words, so many characters. */
const PROSE_WORDS = 7
const PROSE_LENGTH = 45
const WORDS = /[A-Za-z]{2,}/g

export interface Carrier {
  /** `picture`: fetched when it is shown; `link`: anything else. */
  readonly as: 'picture' | 'link'
  readonly host: string
  readonly scheme: string
  readonly port: number | undefined
  /** What the address carries. */
  readonly holds: 'a secret' | 'personal data' | 'encoded text' | 'prose'
  /** As it stands. Agent-supplied: untrusted. */
  readonly url: string
  /** What was encoded, for comparison, never for evidence; empty when nothing was. */
  readonly text: string
}

/** The URLs of a text that carry data. Pure, linear in the text. Ordinary text is spared more than a search. */
export function carriersIn(text: string): readonly Carrier[] {
  if (!text.includes('://')) {
    return []
  }
  const pictures = new Set<string>()
  if (SHOWS_PICTURES.test(text)) {
    for (const match of text.matchAll(PICTURE)) {
      pictures.add(match[1] ?? '')
    }
  }
  const carriers: Carrier[] = []
  const seen = new Set<string>()
  for (const [url] of text.matchAll(ANY_URL)) {
    if (seen.has(url)) {
      continue
    }
    seen.add(url)
    const carrier = readUrl(url.slice(0, URL_LENGTH), pictures.has(url) ? 'picture' : 'link')
    if (carrier !== undefined) {
      carriers.push(carrier)
    }
    if (seen.size === MOST_URLS) {
      break
    }
  }
  return carriers
}

function readUrl(url: string, as: Carrier['as']): Carrier | undefined {
  const start = url.indexOf('://') + 3
  const path = url.slice(start).search(/[/?#]/)
  if (path < 0 || url.length - start - path < ENCODED_VALUE / 2) {
    return undefined
  }
  const authority = url.slice(start, start + path)
  const rest = url.slice(start + path)
  const found = heldBy(rest, as)
  if (found === undefined) {
    return undefined
  }
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const port = /:(\d{1,5})$/.exec(host)
  return {
    as,
    host: (port === null ? host : host.slice(0, port.index)).toLowerCase().slice(0, 253),
    scheme: url.slice(0, start - 3).toLowerCase(),
    port: port === null ? undefined : Number(port[1]),
    url,
    ...found,
  }
}

function heldBy(rest: string, as: Carrier['as']): Pick<Carrier, 'holds' | 'text'> | undefined {
  let personal = false
  for (const kind of masksIn(rest).keys()) {
    const form = maskClass(kind)
    if (form === 'key' || (form === 'named' && as === 'picture')) {
      return { holds: 'a secret', text: '' }
    }
    personal ||= form === 'personal'
  }
  // A link that unsubscribes somebody names him; a picture has no business to.
  if (personal && as === 'picture') {
    return { holds: 'personal data', text: '' }
  }
  for (const value of rest.split(/[/?#&=;,]/)) {
    if (value.length < ENCODED_VALUE) {
      continue
    }
    const plain = unescaped(value)
    const text = /^[\w+-]+={0,2}$/.test(plain) && isCoded(plain) ? encodedText(plain, ENCODED_VALUE) : undefined
    if (text !== undefined) {
      return { holds: 'encoded text', text }
    }
    if (as === 'picture' && isProse(plain)) {
      return { holds: 'prose', text: plain }
    }
  }
  return undefined
}

/** Words joined by dashes are a title: encodings mix cases or digits into every stretch. */
function isCoded(value: string): boolean {
  const stretches = value.split(/[-_]/)
  return stretches.every((part) => part.length < 12 || /\d|[a-z][A-Z]|[A-Z][a-z]/.test(part)) && /[A-Z2-7]/.test(value)
}

function isProse(value: string): boolean {
  return value.length >= PROSE_LENGTH && (value.match(WORDS)?.length ?? 0) >= PROSE_WORDS && /[ +]/.test(value)
}

function unescaped(value: string): string {
  if (!value.includes('%')) {
    return value
  }
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
