/**
 * Secrets known by their name: `password=...`, `"api_key": "..."`, `Authorization: Bearer ...`, `--token ...`,
 * `?sig=...`, `<password>...</password>`. The name is looked for backwards from the separator, and the value is
 * taken as far as its own quoting says, through any depth of JSON inside JSON, and never across the end of a string.
 */
import { backslashesBefore, classOf, LETTER, QUOTE, SPACE, WORD } from './characters.ts'
import { closesString, type JsonStrings } from './json-text.ts'
import { isMasked, type Match } from './match.ts'
import { endsLikeSecret, isSecretName, meaningOf } from './secret-names.ts'

const NAME_LENGTH = 64
const ELEMENT_LENGTH = 1024
/** How far a closing apostrophe may be; it may as well be an apostrophe. */
const APOSTROPHE_REACH = 512

/** `API key: ...`: only together do these words name a secret. */
const KEY_PHRASE = /(?:api|access|secret|private|account|encryption|signing|master|license)[ _-]key$/i
const SCHEME = /^(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]+/i
/** What stands where a value would: types, constants, what others masked. */
const NO_VALUE =
  /^(?:true|false|null|none|nil|undefined|nan|string|str|number|int|integer|bool|boolean|bytes|any|unknown|object|optional|required|yes|no|\*+|x{3,}|\.{3,}|\$\{?\w+\}?|\$\{\{.*|%\w+%|<[^>]*>|\[?redacted\]?)$/i
const CLOSING = /[\]},.;)]+$/
const JSON_CONSTANT = /(?:true|false|null)(?=\s*[,}\]])/y
const JSON_NUMBER = /-?\d[\d.eE+-]*(?=\s*(?:[,}\]]|$))/y

/** The secret whose name ends before the separator (`=`, `:`) at `index`. */
export function findNamed(text: string, index: number, strings: JsonStrings): Match | undefined {
  const name = nameBefore(text, index)
  if (name === undefined) {
    return undefined
  }
  const kind = kindOf(text, name, index)
  // `PWD=/home/app` is where a shell works.
  if (kind === undefined || (name.text === 'PWD' && text[index + 1] === '/')) {
    return undefined
  }
  return findValue(text, index + 1, kind, strings)
}

/** The value of a command-line flag: the run from `start` to `end` begins with a dash and a space follows. */
export function findFlag(text: string, start: number, end: number, strings: JsonStrings): Match | undefined {
  const flag = text.slice(start, Math.min(end, start + NAME_LENGTH))
  if (flag === '-u' || flag === '--user') {
    return findUserAndPassword(text, end, strings)
  }
  const next = text.charCodeAt(end + 1)
  return flag.startsWith('--') && next !== 45 && isSecretName(flag.slice(2))
    ? findValue(text, end, 'secret', strings)
    : undefined
}

/** The text of an element whose opening tag ends at `index`. */
export function findElement(text: string, index: number): Match | undefined {
  const start = wordStart(text, index)
  if (start === index || text.charCodeAt(start - 1) !== 60 || !isSecretName(text.slice(start, index))) {
    return undefined
  }
  let end = index + 1
  while (end < text.length && end - index < ELEMENT_LENGTH && text[end] !== '<' && !isQuoteAt(text, end)) {
    end += 1
  }
  return text[end] === '<' ? matchOf(text, index + 1, end, 'secret') : undefined
}

interface Name {
  readonly text: string
  readonly start: number
}

/** The name that a separator belongs to, whether or not it is quoted. */
function nameBefore(text: string, index: number): Name | undefined {
  let end = index
  while (end > 0 && index - end < 3 && (classOf(text.charCodeAt(end - 1)) & SPACE) !== 0) {
    end -= 1
  }
  // `env["PASSWORD"] = ...`
  if (text.charCodeAt(end - 1) === 93 && isQuoteAt(text, end - 2)) {
    end -= 1
  }
  if ((classOf(text.charCodeAt(end - 1)) & QUOTE) !== 0) {
    end -= 1
    end -= Math.min(16, backslashesBefore(text, end))
  }
  if (!endsLikeSecret(text.charCodeAt(end - 2), text.charCodeAt(end - 1))) {
    return undefined
  }
  const start = wordStart(text, end)
  return start === end ? undefined : { text: text.slice(start, end), start }
}

/** Where the run of word characters and dots that ends before `end` begins, an escape sequence not included. */
function wordStart(text: string, end: number): number {
  const least = Math.max(0, end - NAME_LENGTH)
  let start = end
  while (start > least) {
    const code = text.charCodeAt(start - 1)
    if ((classOf(code) & WORD) === 0 && code !== 46) {
      break
    }
    start -= 1
  }
  // In `\npassword` the `n` belongs to the line break.
  return start > 0 && start < end && text.charCodeAt(start - 1) === 92 ? start + 1 : start
}

function kindOf(text: string, name: Name, separator: number): string | undefined {
  const first = text.charCodeAt(name.start - 1)
  switch (meaningOf(name.text)) {
    case 'secret':
      return 'secret'
    case 'password':
      return 'password'
    case 'cookie':
      return 'cookie'
    case 'pass':
      // `pass: 12, fail: 1` is a test report.
      return text[separator] === '=' ? 'password' : undefined
    case 'key':
      return isQuery(first) || KEY_PHRASE.test(text.slice(Math.max(0, name.start - 12), name.start + 3))
        ? 'secret'
        : undefined
    case 'query':
      return isQuery(first) ? 'secret' : undefined
    default:
      return undefined
  }
}

/** `?` and `&` */
function isQuery(code: number): boolean {
  return code === 63 || code === 38
}

/** The value that begins somewhere after `from`. */
function findValue(text: string, from: number, kind: string, strings: JsonStrings): Match | undefined {
  let start = from
  // `=>`, `==`, `:=`
  while (start - from < 2 && (text[start] === '=' || text[start] === '>')) {
    start += 1
  }
  const space = start
  while (start - space < 16 && (text[start] === ' ' || text[start] === '\t')) {
    start += 1
  }
  // `b"..."`, `f'...'`
  const prefix = (classOf(text.charCodeAt(start)) & LETTER) === 0 ? 0 : 1
  const quoted = findQuoted(text, start + prefix, kind, strings)
  if (quoted !== 'unquoted') {
    return quoted
  }
  if (kind === 'cookie') {
    return findCookies(text, start, strings)
  }
  JSON_CONSTANT.lastIndex = start
  if (JSON_CONSTANT.test(text)) {
    return undefined
  }
  JSON_NUMBER.lastIndex = start
  const number = JSON_NUMBER.exec(text)
  if (number !== null) {
    return matchOf(text, start, start + number[0].length, kind)
  }
  const scheme = SCHEME.exec(text.slice(start, start + 32))
  const value = scheme === null ? start : start + scheme[0].length
  return '{(<['.includes(text[value] ?? ' ') && !text.startsWith('[masked:', value)
    ? undefined
    : matchOf(text, value, endOfWord(text, value), kind)
}

/** A quoted value, `undefined` when it holds nothing to mask, or `unquoted`. */
function findQuoted(text: string, start: number, kind: string, strings: JsonStrings): Match | undefined | 'unquoted' {
  let quote = start
  while (text.charCodeAt(quote) === 92 && quote - start < 16) {
    quote += 1
  }
  const mark = text[quote]
  if (mark !== '"' && mark !== "'" && mark !== '`') {
    return 'unquoted'
  }
  const depth = quote - start
  // Behind an even number of backslashes a quote is not escaped: it ends what the backslashes are in.
  if ((depth > 0 && depth % 2 === 0) || (mark === '"' && depth === 0 && closesString(strings, quote))) {
    return 'unquoted'
  }
  const from = quote + 1
  const limit = mark === '"' ? text.length : Math.min(text.length, from + APOSTROPHE_REACH)
  for (let index = from; index < limit; index += 1) {
    const character = text[index]
    if (character !== mark && character !== '"') {
      continue
    }
    const escapes = Math.min(index - from, backslashesBefore(text, index))
    // With `depth` backslashes before the opening quote, so many stand before the closing one; a quote or
    // backslash within the value has more, and fewer end a string around it.
    const closes = character === mark && escapes % (2 * (depth + 1)) === depth
    if (closes || escapes < depth || (character === '"' && mark !== '"' && escapes % 2 === 0)) {
      return quotedValue(text, from, closes ? index - depth : index - escapes, kind)
    }
  }
  // Cut at the source, or not a quote at all (an apostrophe).
  return mark === '"' ? quotedValue(text, from, limit, kind) : matchOf(text, from, endOfWord(text, from), kind)
}

/** The content of quotes, without the scheme of an authorization header. */
function quotedValue(text: string, start: number, end: number, kind: string): Match | undefined {
  const scheme = SCHEME.exec(text.slice(start, Math.min(end, start + 32)))
  return matchOf(text, scheme === null ? start : start + scheme[0].length, end, kind)
}

function findUserAndPassword(text: string, from: number, strings: JsonStrings): Match | undefined {
  let start = from
  while (start - from < 4 && /[\s"'\\]/.test(text[start] ?? 'x')) {
    if (text[start] === '"' && text[start - 1] !== '\\' && closesString(strings, start)) {
      return undefined
    }
    start += 1
  }
  const end = endOfWord(text, start)
  const colon = text.slice(start, end).search(/[:[]/)
  return text[start + colon] === ':' && colon > 0 ? matchOf(text, start + colon + 1, end, 'password') : undefined
}

/** Where an unquoted value ends: at space, a quote, an escaped line break, `;`, `&`, `|`, `<`, `>`. */
function endOfWord(text: string, start: number): number {
  let end = start
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if ((classOf(code) & (SPACE | QUOTE)) !== 0 || ';&|<>'.includes(text[end] ?? '')) {
      break
    }
    if (code === 92) {
      const next = endOfEscapes(text, end)
      if (next === undefined) {
        break
      }
      end = next
    }
    end += 1
  }
  while (end > start && ',.)}'.includes(text[end - 1] ?? ' ')) {
    end -= 1
  }
  return end
}

/** Past the backslashes at `index`, or `undefined` when they end a string or a line. */
function endOfEscapes(text: string, index: number): number | undefined {
  let end = index
  while (text.charCodeAt(end) === 92) {
    end += 1
  }
  return end >= text.length || '"\'`nrt'.includes(text[end] ?? '"') ? undefined : end
}

/** The rest of a line, when there is a `=` in it. A line is read once, however often it says `cookie:`. */
function findCookies(text: string, start: number, strings: JsonStrings): Match | undefined {
  if (start >= strings.lineEnd) {
    strings.lineEnd = endOfLine(text, start)
    strings.lastEquals = start + text.slice(start, strings.lineEnd).lastIndexOf('=')
  }
  return strings.lastEquals >= start ? matchOf(text, start, strings.lineEnd, 'cookie') : undefined
}

/** Where a line or a string ends. */
function endOfLine(text: string, start: number): number {
  let end = start
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if ((classOf(code) & QUOTE) !== 0 || code === 10 || code === 13 || code === 92) {
      break
    }
    end += 1
  }
  return end
}

function isQuoteAt(text: string, index: number): boolean {
  return (classOf(text.charCodeAt(index)) & QUOTE) !== 0
}

function matchOf(text: string, start: number, end: number, kind: string): Match | undefined {
  if (end <= start) {
    return undefined
  }
  const value = text.slice(start, end)
  if (isMasked(value) || (value.length < NAME_LENGTH && NO_VALUE.test(value.replace(CLOSING, '')))) {
    return undefined
  }
  return { start, end, kind, guessable: true }
}
