/** Cleaning text, without regard to what it means. */

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
// C0 and C1 controls, line and paragraph separators: in a name they only serve to forge a log line.
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu
// Invisible and direction-changing characters: they make two names look alike.
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/g

/** A name in one line, without invisible and direction-changing characters, and without space around it. */
export function printable(name: string): string {
  return (PRINTABLE_ASCII.test(name) ? name : name.replace(CONTROL, ' ').replace(INVISIBLE, '')).trim()
}

/** A name in one line, without space around it; what is invisible stays. */
export function inOneLine(name: string): string {
  return name.replace(CONTROL, ' ').trim()
}

/**
 * A copy that keeps nothing else in memory, for names that are remembered: what was cut out of a text otherwise keeps the
 * whole text, however long.
 */
export function ownCopy(name: string): string {
  return ` ${name}`.slice(1)
}
