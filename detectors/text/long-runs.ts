/**
 * Finds long runs of characters of one class without reading most of the text: where the last character that a run would
 * need is not of the class, no run holds it, and reading goes on behind it (as in Boyer and Moore's search). Ordinary
 * words end sooner than that, so about one character of a word is looked at.
 */

/** A class of characters: 1 for each of its ASCII units. Others are in none. */
export function unitsIn(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, unit) => (characters.test(String.fromCharCode(unit)) ? 1 : 0))
}

/** A text as it is searched: its units, with a zero behind (`unitsOf`), and how many they are. */
export interface Searched {
  readonly units: Uint16Array
  readonly size: number
}

/**
 * Where the first run of at least `least` units of a class begins; -1 for none. `from` must not be inside a run. Reads no
 * unit twice.
 */
export function nextRun({ units, size }: Searched, from: number, least: number, among: Uint8Array): number {
  let start = from
  /** Up to here, exclusive, all units from `start` on are known to be of the class. */
  let known = from
  for (let last = from + least - 1; last < size; last = start + least - 1) {
    let at = last
    while (at >= known && isIn(units[at] as number, among)) {
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
export function runEnd({ units, size }: Searched, from: number, among: Uint8Array): number {
  let end = from
  while (end < size && isIn(units[end] as number, among)) {
    end += 1
  }
  return end
}

const isIn = (unit: number, among: Uint8Array) => unit < 128 && among[unit] === 1
