/** Arguments and outputs are often JSON, and as often not: read without an error for the latter. */

/** What JSON begins with; prose is left at once. */
const BEGINNING = /^\s*[[{"\d\-tfn]/

/** The value that a text writes as JSON; `undefined` when it is something else, was cut, or is no text at all. */
export function jsonOf(text: unknown): unknown {
  if (typeof text !== 'string' || !BEGINNING.test(text)) {
    return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
