/**
 * Text laid out for reading: the fields of JSON, YAML, Python, tables and markup told apart, wrapped lines joined.
 *
 * A tool result is many short texts in one, mostly cut off somewhere, so it is never parsed: signs of structure become
 * breaks. An instruction then begins a sentence wherever it was put, and lends nothing to the fields around it.
 */
import { unitsOf } from '../text/text-units.ts'

/** Stands between two fields. No letter, so that no word is ever read over it. */
export const FIELD_BREAK = '\u001e'

/** A line of at least this length goes on in the next when no sentence ends with it. */
const WRAPPED_LINE = 50
const LONGEST_TAG = 300
/** The longest name of a field. */
const LONGEST_KEY = 32
const TAG_NAME = /<\/?([a-z][a-z0-9-]{0,19})/iy
/** Tags inside sentences: they are left out, so that they break no phrase. */
const INLINE = new Set(['a', 'b', 'i', 'u', 'em', 'strong', 'span', 'code', 'font', 'mark', 'small', 'sub', 'sup'])
/** Tags that each hold a text of their own. */
const BLOCK = new Set(['td', 'th', 'tr', 'li', 'p', 'div', 'h1', 'h2', 'h3', 'h4', 'title', 'table', 'section', 'body'])

const INTERESTING = new Uint8Array(128)
for (const sign of '\n\\:,|[{<ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
  INTERESTING[sign.charCodeAt(0)] = 1
}
/** A sentence that was put right behind a word: `New YorkIgnore the ...`. */
const GLUED = /[A-Z][a-z]{3,12} /y
const NEWLINE = 10
const SPACE = 32
const isLetter = (unit: number) => (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90)
const isQuote = (unit: number) => unit === 34 || unit === 39

/** The text with breaks where its structure has them. Linear. Ordinary prose comes back as it is. */
export function layOut(text: string): string {
  const size = text.length
  const units = unitsOf(text)
  let out = ''
  let from = 0
  let lineStart = 0
  /** Leaves out `text` from `at` to `to`, and puts something there. */
  const replace = (at: number, to: number, by: string) => {
    out += text.slice(from, at) + by
    from = to
  }
  for (let index = 0; index < size; index += 1) {
    const unit = units[index] as number
    if (unit > 127 || INTERESTING[unit] === 0) {
      continue
    }
    const next = units[index + 1] as number
    if (unit === NEWLINE) {
      const after = skipSpace(units, index + 1)
      const key = keyEnd(units, after)
      if (key > after) {
        replace(index, index, FIELD_BREAK)
        index = key - 1
        replace(key, key, `${FIELD_BREAK}\n`)
      } else if (index - lineStart >= WRAPPED_LINE && goesOn(units, index, after)) {
        replace(index, after, ' ')
      }
      lineStart = index + 1
    } else if (unit === 92) {
      const end = escapeEnd(units, index)
      if (end > index) {
        replace(
          index,
          end,
          next === 110 ? '\n' : next === NEWLINE || next === 116 || next === 114 ? ' ' : (text[index + 1] ?? ''),
        )
        index = end - 1
        lineStart = next === 110 || next === NEWLINE ? end : lineStart
      }
    } else if (unit === 60) {
      const end = tagEnd(text, index)
      if (end > index) {
        const tag = text.slice(index, end)
        TAG_NAME.lastIndex = 0
        const name = (TAG_NAME.exec(tag)?.[1] ?? '').toLowerCase()
        replace(index, end, INLINE.has(name) ? '' : BLOCK.has(name) ? `${FIELD_BREAK}\n` : `\n${tag}\n`)
        index = end - 1
      }
    } else if (unit >= 65 && unit <= 90) {
      GLUED.lastIndex = index
      if (isLetter(text.charCodeAt(index - 1)) && GLUED.test(text)) {
        replace(index, index, '\n')
      }
    } else {
      const by = breakAt(units, index, unit, next)
      if (by !== undefined) {
        replace(index + 1, index + 1, by)
      }
    }
  }
  return from === 0 ? text : out + text.slice(from)
}

/** What follows a `:`, `,`, `|`, `[` or `{` that parts two fields, or a label from what it labels. */
function breakAt(units: Uint16Array, index: number, unit: number, next: number): string | undefined {
  const before = units[index - 1] as number
  if (unit === 58) {
    return isQuote(before) ? `${FIELD_BREAK}\n` : next === SPACE ? '\n' : undefined
  }
  if (unit === 44) {
    const parted = isQuote(before) || before === 125 || before === 93
    return parted && (next === SPACE || next === NEWLINE || isQuote(next)) ? `${FIELD_BREAK}\n` : undefined
  }
  if (unit === 124) {
    return next === SPACE || before === SPACE ? `${FIELD_BREAK}\n` : undefined
  }
  return isQuote(next) ? `${FIELD_BREAK}\n` : undefined
}

/** Where the key of a line of YAML ends that begins at `from`, its colon included; `from` when the line has none. */
function keyEnd(units: Uint16Array, from: number): number {
  const start = units[from] === 45 && units[from + 1] === SPACE ? from + 2 : from
  let index = start
  while (index - start <= LONGEST_KEY && isKeyUnit(units[index] as number)) {
    index += 1
  }
  const next = units[index + 1] as number
  return index > start && units[index] === 58 && (next === SPACE || next === NEWLINE) ? index + 1 : from
}

const isKeyUnit = (unit: number) => (unit >= 97 && unit <= 122) || unit === 95 || (unit >= 48 && unit <= 57)

function skipSpace(units: Uint16Array, from: number): number {
  let index = from
  while (units[index] === SPACE || units[index] === 9) {
    index += 1
  }
  return index
}

/** Whether the sentence goes on in the next line: it begins with a small letter or a digit, and no sign ended this one. */
function goesOn(units: Uint16Array, newline: number, after: number): boolean {
  const last = units[newline - 1] as number
  const first = units[after] as number
  const ended =
    last === 46 || last === 33 || last === 63 || last === 58 || last === 124 || last === 62 || last === NEWLINE
  return (
    !ended &&
    first !== NEWLINE &&
    ((first >= 97 && first <= 122) || first > 127 || first === 39 || first === 91 || after > newline + 1)
  )
}

/** The end of an escape as JSON, Python and YAML write them, or `index` for none. A line cut inside YAML quotes is one. */
function escapeEnd(units: Uint16Array, index: number): number {
  const next = units[index + 1] as number
  if (next === NEWLINE) {
    const after = skipSpace(units, index + 2)
    return units[after] === 92 && units[after + 1] === SPACE ? after + 1 : after
  }
  return next === 110 || next === 116 || next === 114 || isQuote(next) ? index + 2 : index
}

function tagEnd(text: string, index: number): number {
  TAG_NAME.lastIndex = index
  if (!TAG_NAME.test(text)) {
    return index
  }
  const last = Math.min(text.length, index + LONGEST_TAG)
  for (let end = index + 1; end < last; end += 1) {
    const unit = text.charCodeAt(end)
    if (unit === 62) {
      return end + 1
    }
    if (unit === 60) {
      return index
    }
  }
  return index
}
