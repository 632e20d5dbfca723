/** What masking must know of JSON, without parsing it: escapes, and what stands outside of strings. */
import { backslashesBefore } from './characters.ts'
import type { Match } from './match.ts'

const ESCAPED_ASCII = /\\u00([2-7][0-9a-fA-F])/g
const NUMBER = /^\s*-?\d+\s*$/

/**
 * Some serializers escape `=`, `&`, `<` and `@` (`\u003d`), which would hide a secret from every rule. Where such an
 * escape stands, the character itself means the same.
 */
export function decodeAscii(text: string): string {
  return text.includes('\\u00')
    ? text.replace(ESCAPED_ASCII, (sequence, hex: string, offset: number) => {
        const character = String.fromCharCode(Number.parseInt(hex, 16))
        const literal = character === '"' || character === '\\' || hex.toLowerCase() === '7f'
        return literal || backslashesBefore(text, offset) % 2 === 1 ? sequence : character
      })
    : text
}

/** How far the strings of a text have been read. Plain data: one is made for every text that is masked. */
export interface JsonStrings {
  readonly text: string
  read: number
  inString: boolean
  /** Where the line ends that was looked at last, and where its last `=` is; for cookies. */
  lineEnd: number
  lastEquals: number
  /** Whether the text begins like JSON, once somebody had to know. */
  likely: boolean | undefined
  /** Whether the text is JSON, once somebody had to know. */
  valid: boolean | undefined
}

export function jsonStrings(text: string): JsonStrings {
  return { text, read: 0, inString: false, lineEnd: 0, lastEquals: -1, likely: undefined, valid: undefined }
}

/** True when the text is JSON and the quote at `index` ends a string. Ask in ascending order: the text is read once. */
export function closesString(strings: JsonStrings, index: number): boolean {
  strings.likely ??= looksLikeJson(strings.text)
  if (!strings.likely || !isInString(strings, index)) {
    return false
  }
  strings.valid ??= isJson(strings.text)
  return strings.valid
}

/** Those of `matches` that are a bare value in JSON (a number), which a placeholder may replace only in quotes. */
export function bareIn(text: string, matches: readonly Match[]): ReadonlySet<Match> {
  const numeric = matches.filter((match) => /[-\d]/.test(text[match.start] ?? ''))
  if (numeric.length === 0 || !looksLikeJson(text)) {
    return new Set()
  }
  const strings = jsonStrings(text)
  return new Set(numeric.filter((match) => !isInString(strings, match.start)))
}

function isInString(strings: JsonStrings, index: number): boolean {
  const { text } = strings
  for (; strings.read < index; strings.read += 1) {
    const character = text[strings.read]
    if (character === '\\' && strings.inString) {
      strings.read += 1
    } else if (character === '"') {
      strings.inString = !strings.inString
    }
  }
  return strings.inString
}

function looksLikeJson(text: string): boolean {
  return /^\s*[[{"]/.test(text) || (text.length < 64 && NUMBER.test(text))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
