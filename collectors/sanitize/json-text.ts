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

/** Tells what is inside of a JSON string. Ask in ascending order of place: the text is read once. */
export interface JsonStrings {
  /** True when the text is JSON and the quote at `index` ends a string. */
  closes(index: number): boolean
}

export function jsonStrings(text: string): JsonStrings {
  const strings = stringReader(text)
  let valid: boolean | undefined
  return {
    closes(index) {
      if (!looksLikeJson(text) || !strings(index)) {
        return false
      }
      valid ??= isJson(text)
      return valid
    },
  }
}

/** Those of `matches` that are a bare value in JSON (a number), which a placeholder may replace only in quotes. */
export function bareIn(text: string, matches: readonly Match[]): ReadonlySet<Match> {
  const numeric = matches.filter((match) => /[-\d]/.test(text[match.start] ?? ''))
  if (numeric.length === 0 || !looksLikeJson(text)) {
    return new Set()
  }
  const strings = stringReader(text)
  return new Set(numeric.filter((match) => !strings(match.start)))
}

/** Answers, for ascending places, whether they are inside of a string. */
function stringReader(text: string): (index: number) => boolean {
  let inString = false
  let read = 0
  return (index) => {
    for (; read < index; read += 1) {
      const character = text[read]
      if (character === '\\' && inString) {
        read += 1
      } else if (character === '"') {
        inString = !inString
      }
    }
    return inString
  }
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
