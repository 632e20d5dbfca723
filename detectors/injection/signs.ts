/** Exact values in a sentence, which an order needs and a remark does not: addresses, links, numbers, names of tools. */

import { type Sentence, SIGN } from '../text/sentences.ts'

/** The signs there are; the index of one is its bit. */
export const SIGNS = ['address', 'link', 'number', 'quotation', 'call', 'identifier'] as const
export const ADDRESS = 1
export const LINK = 2
export const NUMBER = 4
export const QUOTE = 8
export const CALL = 16
export const IDENTIFIER = 32

/** How much of a sentence is searched, in UTF-16 units. */
const SEARCHED = 500
const MAIL = /\[masked:email|[a-z0-9]@[a-z0-9-]+\.[a-z]/
const HOST_END = /\.(?:com|org|net|io|xyz|ru|cn|info|dev|app|co|ai)\b/y
const HOST_UNIT = /[a-z0-9-]/
const LONG_NUMBER = /\[masked:(?!email)|\$\d|\d{5}|[a-z]{2}\d{2} ?\d{4}|\d[\d .-]{8,30}\d/
/** In all but the masks of the above, and soon told. */
const LONG_NUMBER_NEEDS = /\$\d|\d(?:\d{3}|[\d .-]{8})/
const QUOTED = /["'`][a-z0-9][^"'`\n]{1,80}["'`]/
const CALLED = /[a-z_]{3,40}\([^)\n]{0,80}[=)]/
const SNAKE = /[a-z0-9]_[a-z0-9]/

/**
 * Which signs a sentence has, as bits.
 *
 * @param text the folded text that it is in
 */
export function signsOf({ start, end, signs: has }: Sentence, text: string): number {
  return (has & NEEDED) === 0 ? 0 : search(text.slice(start, Math.min(end, start + SEARCHED)), has)
}

const NEEDED =
  SIGN.mark | SIGN.at | SIGN.dot | SIGN.colon | SIGN.quote | SIGN.bracket | SIGN.underscore | SIGN.dollar | SIGN.digits

function search(sentence: string, has: number): number {
  const masked = (has & SIGN.mark) !== 0 && sentence.includes('[masked:')
  return (
    ((masked || (has & SIGN.at) !== 0) && MAIL.test(sentence) ? ADDRESS : 0) |
    ((has & (SIGN.colon | SIGN.dot)) !== 0 && hasLink(sentence) ? LINK : 0) |
    ((masked || ((has & (SIGN.digits | SIGN.dollar)) !== 0 && LONG_NUMBER_NEEDS.test(sentence))) &&
    LONG_NUMBER.test(sentence)
      ? NUMBER
      : 0) |
    ((has & SIGN.quote) !== 0 && QUOTED.test(sentence) ? QUOTE : 0) |
    ((has & SIGN.bracket) !== 0 && CALLED.test(sentence) ? CALL : 0) |
    ((has & SIGN.underscore) !== 0 && SNAKE.test(sentence) ? IDENTIFIER : 0)
  )
}

/** An address of the web, or the name of a host: at least two characters, a dot, a domain of the highest level. */
function hasLink(text: string): boolean {
  if (text.includes(':') && (text.includes('http:') || text.includes('https:'))) {
    return true
  }
  for (let dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', dot + 1)) {
    HOST_END.lastIndex = dot
    if (
      text.endsWith('www', dot) ||
      (HOST_END.test(text) && HOST_UNIT.test(text[dot - 1] ?? '') && HOST_UNIT.test(text[dot - 2] ?? ''))
    ) {
      return true
    }
  }
  return false
}
