/** What a document holds that no reader of it sees, but an agent does: comments, hidden elements, texts of images. */
import type { Decoded } from '../text/decode.ts'
import { isAscii } from '../text/text-units.ts'

/** How many hidden passages of one text are judged. */
const PASSAGES = 16
const SHORTEST = 12
const LONGEST = 2000
const INVISIBLE_STYLE =
  /<[a-z][^<>]{0,200}(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?[01](?:px|pt|em|%)?[;"' ]|opacity ?: ?0[;"' ]|color ?: ?(?:white|#fff|transparent)|left ?: ?-\d{3,5}px|aria-hidden=.true| hidden(?=[ >]))/gi
const ATTRIBUTE = /\b(?:alt|title|aria-label|data-[a-z]{1,20}) ?= ?(["'])/gi
const MARKDOWN_COMMENT = /\[[^\]\n]{1,20}\]: ?(?:#|<>) ?[("']/g
/** Letters parted by what cannot be seen: no script that is written so needs it between Latin letters. */
const INVISIBLE_IN_WORD = /[a-z][\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+[a-z]/gi
const SEVERAL = 3

/** The hidden passages of a text, each with the name of what hides it. Usually none. Linear, bounded. */
export function hiddenPassages(text: string): readonly Decoded[] {
  const found: Decoded[] = []
  /** Gives the end of the passage: from there on it is searched, or what never ends would be read again and again. */
  const add = (how: string, from: number, to: number) => {
    const end = Math.min(to < 0 ? text.length : to, from + LONGEST)
    if (end - from >= SHORTEST && found.length < PASSAGES) {
      found.push({ how, text: text.slice(from, end) })
    }
    return end
  }
  if (text.includes('<')) {
    for (let at = text.indexOf('<!--'); at >= 0 && found.length < PASSAGES; ) {
      at = text.indexOf('<!--', add('an HTML comment', at + 4, text.indexOf('-->', at + 4)))
    }
    for (const match of text.matchAll(INVISIBLE_STYLE)) {
      const from = text.indexOf('>', match.index + match[0].length) + 1
      if (from > 0) {
        add('an element that is not shown', from, text.indexOf('<', from))
      }
    }
    for (const match of text.matchAll(ATTRIBUTE)) {
      const from = match.index + match[0].length
      add('the text of an image or element', from, text.indexOf(match[1] ?? '"', from))
    }
  }
  if (text.includes(']:')) {
    let end = 0
    for (const match of text.matchAll(MARKDOWN_COMMENT)) {
      const from = match.index + match[0].length
      end = from < end ? end : add('a Markdown comment', from, text.indexOf('\n', from))
    }
  }
  return found
}

/** Whether words of a text are broken by characters that cannot be seen. */
export function hasInvisibleCharacters(text: string): boolean {
  if (isAscii(text)) {
    return false
  }
  let count = 0
  for (const _ of text.matchAll(INVISIBLE_IN_WORD)) {
    count += 1
    if (count === SEVERAL) {
      return true
    }
  }
  return false
}
