/** Exact values in a sentence, which an order needs and a remark does not: addresses, links, numbers, names of tools. */

/** The signs there are; the index of one is its bit. */
export const SIGNS = ['address', 'link', 'number', 'quotation', 'call', 'identifier'] as const
export const ADDRESS = 1
export const LINK = 2
export const NUMBER = 4
export const QUOTE = 8
export const CALL = 16
const IDENTIFIER = 32

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

/** Which signs a folded sentence has, as bits. What each pattern cannot do without is looked for first. */
export function signsOf(sentence: string): number {
  const text = sentence.length > SEARCHED ? sentence.slice(0, SEARCHED) : sentence
  const masked = text.includes('[masked:')
  return (
    ((masked || text.includes('@')) && MAIL.test(text) ? ADDRESS : 0) |
    (hasLink(text) ? LINK : 0) |
    ((masked || LONG_NUMBER_NEEDS.test(text)) && LONG_NUMBER.test(text) ? NUMBER : 0) |
    (QUOTED.test(text) ? QUOTE : 0) |
    (text.includes('(') && CALLED.test(text) ? CALL : 0) |
    (text.includes('_') && SNAKE.test(text) ? IDENTIFIER : 0)
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
