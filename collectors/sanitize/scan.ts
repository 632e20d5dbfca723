import { BEYOND_HEX, CLASSES, classOf, DIGIT, SPACE, TRIGGER, UPPER, WORD } from './characters.ts'
import { type JsonStrings, jsonStrings } from './json-text.ts'
import type { Match } from './match.ts'
import { findElement, findFlag, findNamed } from './named-secrets.ts'
import { findEmail, findIban, findInternational, findNumbers, findUserinfo } from './personal-data.ts'
import { findKeys, KEY_LENGTH } from './vendor-keys.ts'

/** The longest userinfo looked for in a URL. */
const USERINFO_LENGTH = 256
const LONGEST_FLAG = 64

const AT = 64
const BACKSLASH = 92
const COLON = 58
const DASH = 45
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
  /** Behind the last escape sequence or match: what stands before it does not border on what follows. */
  border: number
  /** Behind the last `://`; -1 when an authority no longer goes on. */
  authority: number
  /** Numbers up to here have been looked at. */
  numbersEnd: number
}

const BLOCK = 8

/**
 * Reads a text once and adds what is sensitive to `found`, in no particular order, overlaps included.
 *
 * Eight characters at a time are looked up and their classes combined, without a branch for any of them (words end
 * where no processor can predict it). A block is looked at closely when it holds a digit or a character that
 * announces something, or lies within a run of word characters: a run as long as a key covers a whole block somewhere.
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
  const last = text.length - BLOCK
  let index = 0
  while (index <= last) {
    const a = CLASSES[text.charCodeAt(index)] as number
    const b = CLASSES[text.charCodeAt(index + 1)] as number
    const c = CLASSES[text.charCodeAt(index + 2)] as number
    const d = CLASSES[text.charCodeAt(index + 3)] as number
    const e = CLASSES[text.charCodeAt(index + 4)] as number
    const f = CLASSES[text.charCodeAt(index + 5)] as number
    const g = CLASSES[text.charCodeAt(index + 6)] as number
    const h = CLASSES[text.charCodeAt(index + 7)] as number
    const any = a | b | c | d | e | f | g | h
    const all = a & b & c & d & e & f & g & h
    index = (any & (TRIGGER | DIGIT)) | (all & WORD) ? readBlock(reading, index, index + BLOCK, all) : index + BLOCK
  }
  while (index < text.length) {
    index = readBlock(reading, index, text.length, 0)
  }
}

/** Looks at the characters from `start` to `end` one by one. Returns where to read on. */
function readBlock(reading: Reading, start: number, end: number, all: number): number {
  const { text } = reading
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index)
    const kind = CLASSES[code] as number
    if ((kind & (TRIGGER | DIGIT)) !== 0) {
      const next = (kind & DIGIT) === 0 ? trigger(reading, index, code) : readDigit(reading, index)
      if (next > index) {
        return next
      }
    }
  }
  return (all & WORD) === 0 ? end : readRun(reading, start, end)
}

/** Looks at the run of word characters around a block. */
function readRun(reading: Reading, from: number, to: number): number {
  const { text, border, found } = reading
  let start = from
  let bits = 0
  while (start > border && (classOf(text.charCodeAt(start - 1)) & WORD) !== 0) {
    start -= 1
  }
  let end = start
  for (; end < text.length; end += 1) {
    const kind = classOf(text.charCodeAt(end))
    if ((kind & WORD) === 0) {
      break
    }
    bits |= kind
  }
  // Ids are mostly hexadecimal, and keys are not, unless a scheme announces them.
  if (end - start < KEY_LENGTH || ((bits & BEYOND_HEX) === 0 && text[start - 1] !== ' ')) {
    return Math.max(to, end)
  }
  return Math.max(to, findKeys(text, start, end, border, found))
}

/** Looks at a digit: where a number begins, and where the check digits of an IBAN stand. */
function readDigit(reading: Reading, index: number): number {
  const { text, personal, border } = reading
  const before = index > border ? classOf(text.charCodeAt(index - 1)) : 0
  if (!personal || (before & DIGIT) !== 0) {
    return index
  }
  if ((before & WORD) === 0) {
    readNumbers(reading, index)
    return index
  }
  const bordering = index - 2 > border ? classOf(text.charCodeAt(index - 3)) & WORD : 0
  return (before & UPPER) === 0 || bordering !== 0 || index - 2 < border
    ? index
    : add(reading, index, findIban(text, index - 2))
}

/** Looks around a character that announces something. Returns where to read on. */
function trigger(reading: Reading, index: number, code: number): number {
  const { text, personal, border } = reading
  switch (code) {
    case EQUALS:
      return add(reading, index, findNamed(text, index, reading.strings))
    case COLON:
      if (text.startsWith('//', index + 1)) {
        reading.authority = index + 3
        return index + 3
      }
      return add(reading, index, findNamed(text, index, reading.strings))
    case AT:
      return readAt(reading, index)
    case PERCENT:
      return personal && text.startsWith('40', index + 1)
        ? add(reading, index, findEmail(text, index, 3, border))
        : index
    case GREATER:
      return add(reading, index, findElement(text, index))
    case PLUS:
      return personal ? add(reading, index, findInternational(text, index, border)) : index
    case PARENTHESIS:
      readNumbers(reading, index)
      return index
    case DASH:
      return index > border && (classOf(text.charCodeAt(index - 1)) & WORD) !== 0 ? index : readFlag(reading, index)
    case BACKSLASH:
      reading.border = endOfEscape(text, index)
      return reading.border
    default:
      return index
  }
}

/** Looks at a run that begins with a dash. */
function readFlag(reading: Reading, index: number): number {
  const { text } = reading
  const next = text[index + 1]
  if (next !== '-' && next !== 'u') {
    return index
  }
  const end = endOfRun(text, index)
  const follows = classOf(text.charCodeAt(end)) & SPACE
  return follows === 0 || end >= text.length ? index : add(reading, index, findFlag(text, index, end, reading.strings))
}

function endOfRun(text: string, start: number): number {
  let end = start
  while (end < text.length && end - start <= LONGEST_FLAG && (classOf(text.charCodeAt(end)) & WORD) !== 0) {
    end += 1
  }
  return end
}

function add(reading: Reading, index: number, match: Match | undefined): number {
  if (match === undefined) {
    return index
  }
  reading.found.push(match)
  if (match.end > index) {
    reading.border = Math.max(reading.border, match.end)
  }
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
