/** Exact values in a sentence, which an order needs and a remark does not: addresses, links, numbers, names of tools. */

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
const WEB = /https?:|www\.|[a-z0-9-]{2,40}\.(?:com|org|net|io|xyz|ru|cn|info|dev|app|co|ai)\b/
const LONG_NUMBER = /\[masked:(?!email)|\$\d|\d{5}|[a-z]{2}\d{2} ?\d{4}|\d[\d .-]{8,30}\d/
const QUOTED = /["'`][a-z0-9][^"'`\n]{1,80}["'`]/
const CALLED = /[a-z_]{3,40}\([^)\n]{0,80}[=)]/
const SNAKE = /[a-z0-9]_[a-z0-9]/

/** Which signs a folded sentence has, as bits. */
export function signsOf(sentence: string): number {
  const text = sentence.length > SEARCHED ? sentence.slice(0, SEARCHED) : sentence
  return (
    (MAIL.test(text) ? ADDRESS : 0) |
    (WEB.test(text) ? LINK : 0) |
    (LONG_NUMBER.test(text) ? NUMBER : 0) |
    (QUOTED.test(text) ? QUOTE : 0) |
    (CALLED.test(text) ? CALL : 0) |
    (SNAKE.test(text) ? IDENTIFIER : 0)
  )
}
