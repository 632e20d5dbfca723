/**
 * Text inside text: what base64, hexadecimal, percent and other encodings in a message spell out.
 *
 * Bounded in how much is decoded, how often and how deep. What does not decode to readable text is left alone.
 */
import { nextRun, runEnd, unitsIn } from './long-runs.ts'
import { unitsOf } from './text-units.ts'

/** How many encoded pieces of one text are decoded, the most of one piece, and how deep encodings may nest. */
export const PIECES = 8
const PIECE_LENGTH = 4096
export const DEPTH = 2

const HEX = /(?:[0-9a-fA-F]{2}[ :,]?){12,}/g
const BINARY = /(?:[01]{8} ?){6,}/g
const DECIMAL = /(?:\d{2,3}[ ,]{1,2}){7,}\d{2,3}/g
const ESCAPED = /(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|&#\d{2,6};|&#x[0-9a-fA-F]{2,5};){4,}/g
const ESCAPE = /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|&#(\d{2,6});|&#x([0-9a-fA-F]{2,5});/g
const PERCENT = /(?:%[0-9a-fA-F]{2}){1,4096}/g
const PERCENT_SIGNS = /%[0-9a-fA-F]{2}[^%]{0,40}%[0-9a-fA-F]{2}/
const TAGS = /[\u{e0020}-\u{e007e}]{4,4096}/gu
const READABLE_UNIT = /[\p{L}\p{M}\p{N}\p{P}\p{Zs}\n\r\t]/u
const PRINTABLE = /^[\x20-\x7e\s]{16,}$/
const LETTER = /\p{L}/u

export interface Decoded {
  /** The encoding, for people: `base64`, `hexadecimal`, ... */
  readonly how: string
  readonly text: string
}

/** Every readable text that is encoded in `text`, decoded, nested encodings included. Usually empty. */
export function decodedParts(text: string, depth = DEPTH): readonly Decoded[] {
  const found: Decoded[] = []
  /** Not readable yet: perhaps encoded twice. */
  const inner: Decoded[] = []
  const add = (how: string, decoded: string) => {
    if (found.length < PIECES && isReadable(decoded)) {
      found.push({ how, text: decoded })
    } else if (inner.length < PIECES && PRINTABLE.test(decoded)) {
      inner.push({ how, text: decoded })
    }
  }
  for (const piece of base64Runs(text)) {
    add('base64', Buffer.from(piece, 'base64').toString('utf8'))
  }
  if (mayHoldCodes(text)) {
    for (const piece of pieces(text, HEX)) {
      add('hexadecimal', Buffer.from(piece.replace(/[ :,]/g, ''), 'hex').toString('utf8'))
    }
    for (const piece of pieces(text, DECIMAL)) {
      add('character codes', fromCodes(piece.split(/[ ,]+/).map(Number)))
    }
    for (const piece of pieces(text, BINARY)) {
      add('binary', fromCodes((piece.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))))
    }
  }
  if (text.includes('\\x') || text.includes('\\u') || text.includes('&#')) {
    for (const piece of pieces(text, ESCAPED)) {
      add('escapes', unescaped(piece))
    }
  }
  if (text.includes('%') && PERCENT_SIGNS.test(text)) {
    add('percent-encoding', text.slice(0, PIECE_LENGTH).replace(PERCENT, percentDecoded).replaceAll('+', ' '))
  }
  for (const piece of text.includes('\udb40') ? (text.match(TAGS) ?? []) : []) {
    add('invisible tag characters', fromCodes(Array.from(piece, (tag) => (tag.codePointAt(0) ?? 0) - 0xe0000)))
  }
  if (depth <= 1 || found.length + inner.length === 0) {
    return found
  }
  const nested = [...found, ...inner].flatMap((part) =>
    decodedParts(part.text, depth - 1).map((inner) => ({ how: `${inner.how} in ${part.how}`, text: inner.text })),
  )
  return [...found, ...nested].slice(0, PIECES)
}

/** The text with every Latin letter moved 13 places. */
export function rot13(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })
}

/** The text backwards, by code points. */
export function reversed(text: string): string {
  return Array.from(text).reverse().join('')
}

/** The shortest run of base64 that is decoded, and the shortest run of digits that may be codes of characters. */
const BASE64_RUN = 16
const CODE_RUN = 20

const BASE64_UNITS = unitsIn(/[A-Za-z0-9+/_-]/)
const CODE_UNITS = unitsIn(/[0-9 :,a-fA-F]/)
const SMALL = /[a-z]/
const CAPITAL = /[A-Z]/

/** What may be base64. Text in it has letters of both cases; words, paths and identifiers in lower case are not worth decoding. */
function base64Runs(text: string): string[] {
  const runs: string[] = []
  const searched = { units: unitsOf(text), size: text.length }
  let start = nextRun(searched, 0, BASE64_RUN, BASE64_UNITS)
  while (start >= 0 && runs.length < PIECES) {
    const end = runEnd(searched, start, BASE64_UNITS)
    const run = text.slice(start, end)
    if (SMALL.test(run) && CAPITAL.test(run)) {
      runs.push(run.slice(0, PIECE_LENGTH))
    }
    start = nextRun(searched, end, BASE64_RUN, BASE64_UNITS)
  }
  return runs
}

/** Whether there may be codes of characters: spares ordinary text the patterns of them. */
function mayHoldCodes(text: string): boolean {
  const searched = { units: unitsOf(text), size: text.length }
  for (let start = nextRun(searched, 0, CODE_RUN, CODE_UNITS); start >= 0; ) {
    const end = runEnd(searched, start, CODE_UNITS)
    let digits = 0
    for (let index = start; index < end; index += 1) {
      const unit = searched.units[index] as number
      digits += unit < 58 && unit > 47 ? 1 : 0
    }
    if (digits >= CODE_RUN) {
      return true
    }
    start = nextRun(searched, end, CODE_RUN, CODE_UNITS)
  }
  return false
}

function pieces(text: string, pattern: RegExp): string[] {
  const found: string[] = []
  for (const match of text.matchAll(pattern)) {
    found.push(match[0].slice(0, PIECE_LENGTH))
    if (found.length === PIECES) {
      break
    }
  }
  return found
}

function isReadable(text: string): boolean {
  if (text.length < 6 || text.includes('\ufffd')) {
    return false
  }
  let readable = 0
  let letters = 0
  for (const sign of text) {
    const unit = sign.charCodeAt(0)
    const kind = unit < 128 ? (READABLE_ASCII[unit] as number) : kindOf(sign)
    readable += kind === NO_KIND ? 0 : 1
    letters += kind === LETTER_KIND ? 1 : 0
  }
  return readable >= 0.95 * text.length && letters >= 0.5 * text.length
}

const NO_KIND = 0
const SIGN_KIND = 1
const LETTER_KIND = 2
const kindOf = (sign: string) => (LETTER.test(sign) ? LETTER_KIND : READABLE_UNIT.test(sign) ? SIGN_KIND : NO_KIND)
const READABLE_ASCII = Uint8Array.from({ length: 128 }, (_, unit) => kindOf(String.fromCharCode(unit)))

function fromCodes(codes: readonly number[]): string {
  return codes.every((code) => code >= 9 && code < 0x110000)
    ? String.fromCodePoint(...codes.slice(0, PIECE_LENGTH))
    : ''
}

function unescaped(piece: string): string {
  return piece.replace(ESCAPE, (_, byte?: string, unit?: string, decimal?: string, hex?: string) => {
    const code = decimal === undefined ? Number.parseInt(byte ?? unit ?? hex ?? '0', 16) : Number(decimal)
    return code < 0x110000 ? String.fromCodePoint(code) : ''
  })
}

function percentDecoded(run: string): string {
  return Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8')
}
