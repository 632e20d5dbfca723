/**
 * Which characters fold by themselves, whatever stands beside them, and to what: most of what ordinary text holds beside
 * ASCII. Where a text has no others, folding it is one look into this table for each of them.
 */

/** Ranges in which characters neither compose with their neighbours, nor change places, nor pass for Latin words. */
const RANGES: readonly (readonly [number, number])[] = [
  // Latin letters and their accents; dashes, quotes, bullets, currencies, arrows; fullwidth letters and signs.
  [0x00a0, 0x024f],
  [0x0300, 0x036f],
  [0x2010, 0x2027],
  [0x2030, 0x205e],
  [0x20a0, 0x20bf],
  [0x2190, 0x21ff],
  [0x2500, 0x25ff],
  [0xff01, 0xff5e],
  // Arabic letters, marks and signs; Devanagari without what a dot below makes another letter.
  [0x060c, 0x060c],
  [0x061f, 0x063a],
  [0x0640, 0x0655],
  [0x0900, 0x0928],
  [0x092a, 0x0930],
  [0x0935, 0x093b],
  [0x093d, 0x0950],
  [0x0964, 0x096f],
  // Japanese, and the punctuation of Chinese, Japanese and Korean.
  [0x3000, 0x3002],
  [0x300a, 0x3011],
  [0x3041, 0x3096],
  [0x30a1, 0x30fc],
]
/** Ranges of characters that stay what they are: ASCII; Chinese; Korean. */
const STABLE: readonly (readonly [number, number])[] = [
  [0x0000, 0x007f],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
]

/** The character is no simple one, stays what it is (but for its case), or becomes what `folds` says. */
export const NOT_SIMPLE = 0
export const STAYS = 1
export const CHANGES = 2

export interface SimpleFolds {
  /** `NOT_SIMPLE`, `STAYS` or `CHANGES` for every UTF-16 unit. */
  readonly kinds: Uint8Array
  readonly folds: ReadonlyMap<number, string>
}

/** Makes the table by asking the full folding, so that the two cannot differ. */
export function simpleFolds(fold: (text: string) => string): SimpleFolds {
  const kinds = new Uint8Array(0x1_0000)
  for (const [first, last] of STABLE) {
    kinds.fill(STAYS, first, last + 1)
  }
  const all = new Map<number, string>()
  for (const [first, last] of RANGES) {
    for (let unit = first; unit <= last; unit += 1) {
      all.set(unit, fold(String.fromCharCode(unit)))
    }
  }
  const folds = new Map<number, string>()
  for (const [unit, folded] of all) {
    if (folded === String.fromCharCode(unit)) {
      kinds[unit] = STAYS
    } else if (Array.from(folded).every((each) => each < '\x80' || all.get(each.charCodeAt(0)) === each)) {
      kinds[unit] = CHANGES
      folds.set(unit, folded)
    }
  }
  return { kinds, folds }
}
