/** Classes of ASCII characters, one table lookup each, for the loops that read every character of every text. */

/** Letters, digits, `_` and `-`: what keys, names and numbers are made of. */
export const WORD = 1
export const DIGIT = 2
export const UPPER = 4
export const LETTER = 8
/** A word character that neither a hexadecimal number nor a UUID has. */
export const BEYOND_HEX = 16
export const SPACE = 32
export const QUOTE = 64
/** Where something sensitive may be found looking back or ahead. */
export const TRIGGER = 128

/** Class bits by UTF-16 code unit, 0 beyond ASCII. For the one loop that reads everything; others ask `classOf`. */
export const CLASSES = new Uint8Array(65_536)
function mark(characters: string, bits: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0)
    CLASSES[code] = (CLASSES[code] ?? 0) | bits
  }
}
const LOWER_CASE = 'abcdefghijklmnopqrstuvwxyz'
const UPPER_CASE = LOWER_CASE.toUpperCase()
mark(`${LOWER_CASE}${UPPER_CASE}`, WORD | LETTER)
mark('0123456789', WORD | DIGIT)
mark('_-', WORD)
mark(UPPER_CASE, UPPER)
mark(`${LOWER_CASE.slice(6)}${UPPER_CASE.slice(6)}_`, BEYOND_HEX)
mark(' \t\n\r', SPACE)
mark('"\'`', QUOTE)
mark('@=:>%\\+(-', TRIGGER)

/** The class bits of a UTF-16 code unit; 0 for what is not ASCII, and beyond the end of a text (NaN). */
export function classOf(code: number): number {
  return CLASSES[code] ?? 0
}

/** How many backslashes stand directly before `index`. */
export function backslashesBefore(text: string, index: number): number {
  let count = 0
  while (text.charCodeAt(index - 1 - count) === 92) {
    count += 1
  }
  return count
}
