import { BEYOND_HEX, classOf, DIGIT, SPACE, TRIGGER, UPPER, WORD } from './characters.ts'
import { type JsonStrings, jsonStrings } from './json-text.ts'
import type { Match } from './match.ts'
import { findElement, findFlag, findNamed } from './named-secrets.ts'
import { findEmail, findIban, findInternational, findNumbers, findUserinfo } from './personal-data.ts'
import { findKeys, KEY_LENGTH } from './vendor-keys.ts'

const SHORTEST_IBAN = 15
const IBAN_GROUP = 4

/** The longest userinfo looked for in a URL. */
const USERINFO_LENGTH = 256

const AT = 64
const BACKSLASH = 92
const COLON = 58
const EQUALS = 61
const GREATER = 62
const PARENTHESIS = 40
const PERCENT = 37
const PLUS = 43

/** What a scan remembers of what it has read. */
interface Reading {
  readonly text: string
  readonly personal: boolean
  readonly found: Match[]
  readonly strings: JsonStrings
  /** Behind the last escape sequence: what stands before it does not border on what follows. */
  border: number
  /** Behind the last `://`; -1 when an authority no longer goes on. */
  authority: number
  /** Numbers up to here have been looked at. */
  numbersEnd: number
}

/**
 * Reads a text once and adds what is sensitive to `found`, in no particular order, overlaps included.
 *
 * Almost every character of benign text costs one table lookup. Runs of word characters are looked at when they end,
 * and only when long enough to be a key or beginning with a dash; other rules start from a single character.
 */
export function scan(text: string, personal: boolean, found: Match[]): void {
  const reading: Reading = {
    text,
    personal,
    found,
    strings: jsonStrings(text),
    border: 0,
    authority: -1,
    numbersEnd: 0,
  }
  let run = -1
  let bits = 0
  for (let index = 0; index <= text.length; index += 1) {
    const code = text.charCodeAt(index)
    const kind = classOf(code)
    if ((kind & WORD) !== 0) {
      if (run === -1) {
        run = index
        bits = 0
        if ((kind & DIGIT) !== 0) {
          readNumbers(reading, index)
        }
      }
      bits |= kind
      continue
    }
    let next = index
    if (run !== -1) {
      next = endRun(reading, run, index, bits)
      run = -1
    }
    if (next === index && (kind & TRIGGER) !== 0) {
      next = trigger(reading, index, code)
    }
    if (next > index) {
      index = next - 1
    }
  }
}

/** Looks at a run of word characters that ended. Returns where to read on. */
function endRun(reading: Reading, start: number, end: number, bits: number): number {
  const { text, personal, found } = reading
  const length = end - start
  if (personal && (length === IBAN_GROUP || length >= SHORTEST_IBAN) && (bits & UPPER) !== 0 && (bits & DIGIT) !== 0) {
    const iban = findIban(text, start)
    if (iban !== undefined) {
      found.push(iban)
      return Math.max(iban.end, end)
    }
  }
  if (length > 1 && text[start] === '-' && (classOf(text.charCodeAt(end)) & SPACE) !== 0) {
    const value = findFlag(text, start, end, reading.strings)
    if (value !== undefined) {
      found.push(value)
      return value.end
    }
  }
  // Ids are mostly hexadecimal, and keys are not, unless a scheme announces them.
  if (length >= KEY_LENGTH && ((bits & BEYOND_HEX) !== 0 || text[start - 1] === ' ')) {
    return findKeys(text, start, end, reading.border, found)
  }
  return end
}

/** Looks around a character that announces something. Returns where to read on. */
function trigger(reading: Reading, index: number, code: number): number {
  const { text, personal } = reading
  switch (code) {
    case EQUALS:
      return add(reading, index, findNamed(text, index, reading.strings))
    case COLON:
      if (text.startsWith('//', index + 1)) {
        reading.authority = index + 3
      }
      return add(reading, index, findNamed(text, index, reading.strings))
    case AT:
      return readAt(reading, index)
    case PERCENT:
      return personal && text.startsWith('40', index + 1)
        ? add(reading, index, findEmail(text, index, 3, reading.border))
        : index
    case GREATER:
      return add(reading, index, findElement(text, index))
    case PLUS:
      return personal ? add(reading, index, findInternational(text, index, reading.border)) : index
    case PARENTHESIS:
      readNumbers(reading, index)
      return index
    case BACKSLASH:
      reading.border = endOfEscape(text, index)
      return reading.border
    default:
      return index
  }
}

function add(reading: Reading, index: number, match: Match | undefined): number {
  if (match === undefined) {
    return index
  }
  reading.found.push(match)
  return Math.max(index, match.end)
}

function readAt(reading: Reading, index: number): number {
  const { text, authority, personal } = reading
  if (authority >= 0) {
    const userinfo = index - authority <= USERINFO_LENGTH ? findUserinfo(text, authority, index) : undefined
    if (userinfo !== undefined) {
      return add(reading, index, userinfo)
    }
    reading.authority = -1
  }
  return personal ? add(reading, index, findEmail(text, index, 1, reading.border)) : index
}

function readNumbers(reading: Reading, index: number): void {
  if (reading.personal && index >= reading.numbersEnd) {
    reading.numbersEnd = findNumbers(reading.text, index, reading.border, reading.found)
  }
}

/** Past the letter of an escape sequence: in `\nAKIA...` the key begins behind the `n`. */
function endOfEscape(text: string, index: number): number {
  const letter = text[index + 1] ?? ' '
  if ('nrtbf'.includes(letter)) {
    return index + 2
  }
  return letter === 'u' && /^[0-9a-f]{4}$/i.test(text.slice(index + 2, index + 6)) ? index + 6 : index
}
