/**
 * Finds long runs of characters of one class without reading most of the text: where the last character that a run would
 * need is not of the class, no run holds it, and reading goes on behind it (as in Boyer and Moore's search). Ordinary
 * words end sooner than that, so about one character of a word is looked at.
 */

/** A class of characters: 1 for each of its ASCII units. Others are in none. */
export function unitsIn(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, unit) => (characters.test(String.fromCharCode(unit)) ? 1 : 0))
}

/**
 * Where the first run of at least `least` units of a class begins; -1 for none. `from` must not be inside a run. Reads no
 * unit twice.
 */
export function nextRun(text: string, from: number, least: number, units: Uint8Array): number {
  let start = from
  /** Up to here, exclusive, all units from `start` on are known to be of the class. */
  let known = from
  for (let last = from + least - 1; last < text.length; last = start + least - 1) {
    let at = last
    while (at >= known && isIn(text.charCodeAt(at), units)) {
      at -= 1
    }
    if (at < known) {
      return start
    }
    known = last + 1
    start = at + 1
  }
  return -1
}

/** Where the run that begins at `from` ends, exclusive. */
export function runEnd(text: string, from: number, units: Uint8Array): number {
  let end = from
  while (end < text.length && isIn(text.charCodeAt(end), units)) {
    end += 1
  }
  return end
}

const isIn = (unit: number, units: Uint8Array) => unit < 128 && units[unit] === 1
