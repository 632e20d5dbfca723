/** What kinds of UTF-16 units there are in folded text, as one table: looking a unit up costs one read. */

/** Part of a word. Digits are; punctuation and symbols are not. */
export const WORD_UNIT = 1
/** Of a script that writes words without spaces: a match may begin and end anywhere. */
export const UNSPACED_UNIT = 2
/** `a` to `z`. */
export const LATIN_UNIT = 4
/** What may stand between the words of one phrase: space, line break, hyphen, underscore, apostrophe. */
export const SEPARATOR_UNIT = 8
/** `0` to `9`. */
export const DIGIT_UNIT = 16

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

function isWordUnit(unit: number): boolean {
  if (unit < 0x80) {
    return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
  }
  return (
    unit >= 0xc0 &&
    !(unit >= 0x2000 && unit <= 0x2bff) &&
    !(unit >= 0x3000 && unit <= 0x303f) &&
    !(unit >= 0xd800 && unit <= 0xf8ff) &&
    !(unit >= 0xfe10 && unit <= 0xfe6f) &&
    unit < 0xff00 &&
    unit !== 0x964 &&
    unit !== 0x60c &&
    unit !== 0x61b &&
    unit !== 0x61f
  )
}

function isUnspaced(unit: number): boolean {
  return (
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x3400 && unit <= 0x9fff) ||
    (unit >= 0xe00 && unit <= 0xeff) ||
    (unit >= 0x1780 && unit <= 0x17ff) ||
    (unit >= 0xac00 && unit <= 0xd7a3)
  )
}
