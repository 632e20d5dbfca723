/** What kinds of UTF-16 units there are in folded text, as one table: looking a unit up costs one read. */
import { isLetterUnit, isUnspacedUnit } from '../../rules/shingles.ts'

/** Part of a word. Digits are; punctuation and symbols are not. */
export const WORD_UNIT = 1
/** Of a script that writes words without spaces: a match may begin and end anywhere. */
export const UNSPACED_UNIT = 2
/** `a` to `z`. */
const LATIN_UNIT = 4
/** What may stand between the words of one phrase: space, line break, hyphen, underscore, apostrophe. */
export const SEPARATOR_UNIT = 8
/** `0` to `9`. */
const DIGIT_UNIT = 16

/** Danda; Arabic comma, semicolon and question mark. */
const SENTENCE_SIGNS: ReadonlySet<number> = new Set([0x964, 0x60c, 0x61b, 0x61f])

/** The kinds of every unit, as bits. */
export const UNITS: Uint8Array = Uint8Array.from({ length: 0x1_0000 }, (_, unit) => kindsOf(unit))

function kindsOf(unit: number): number {
  return (
    (isWordUnit(unit) ? WORD_UNIT : 0) |
    (isUnspaced(unit) ? UNSPACED_UNIT : 0) |
    (unit >= 97 && unit <= 122 ? LATIN_UNIT : 0) |
    (unit >= 48 && unit <= 57 ? DIGIT_UNIT : 0) |
    (" -_\n\t'\r".includes(String.fromCharCode(unit)) ? SEPARATOR_UNIT : 0)
  )
}

/** Letters as for shingles, without the signs among them that end sentences or stand for ASCII signs. */
function isWordUnit(unit: number): boolean {
  return isLetterUnit(unit) && !(unit >= 0xfe10 && unit <= 0xfe6f) && !SENTENCE_SIGNS.has(unit)
}

/** Korean, too: it has spaces, but joins particles to its words. */
function isUnspaced(unit: number): boolean {
  return isUnspacedUnit(unit) || (unit >= 0xac00 && unit <= 0xd7a3)
}
