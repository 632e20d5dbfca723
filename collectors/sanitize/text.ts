/** Cutting and cleaning text, without regard to what it means. */

/** The first `limit` UTF-16 units, never half of a surrogate pair. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) {
    return text
  }
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
// C0 and C1 controls, line and paragraph separators, invisible and direction-changing characters: in a name they
// only serve to forge a log line or to make two names look alike.
const INVISIBLE = /[\p{Cc}\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu

/** A name without control, invisible and direction-changing characters, and without space around it. */
export function printable(name: string): string {
  return (PRINTABLE_ASCII.test(name) ? name : name.replace(INVISIBLE, '')).trim()
}
