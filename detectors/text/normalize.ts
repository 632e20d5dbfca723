/**
 * Text as a reader sees it: what content detectors match against.
 *
 * Attack text hides behind compatibility letters, look-alikes from other scripts, invisible characters and accents.
 * `foldText` takes those away. It is linear in the text, costs one pass when the text is ASCII, and is idempotent.
 */
import { CONFUSABLES, LATIN_VARIANTS } from './homoglyphs.ts'
import { CHANGES, STAYS, simpleFolds } from './simple-folds.ts'
import { isAscii } from './text-units.ts'

/** Zero-width, bidirectional, variation-selector, soft-hyphen, filler and tag characters, and controls. */
const INVISIBLE =
  /\u034f|\u17b4|\u17b5|[\u180b-\u180d]|[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu
/** Accents of Latin, Greek and Cyrillic; vowel signs, hamza marks and stretching of Arabic. */
const MARKS = /[\u0300-\u036f\u064b-\u0655\u0670\u0640]/g
const FANCY = /[łøđıħŧɑɡɩɪʀʙʜʟɴɢᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱꜰßæœ’‘ʼ“”„«»‐‑–—]/g
/** Letters in black circles and squares, and of flags, which compatibility decomposition leaves alone. */
const LETTER_SYMBOLS = /[\u{1f150}-\u{1f169}\u{1f170}-\u{1f189}\u{1f1e6}-\u{1f1ff}]/gu
const LOOKALIKE_SCRIPT = /[\u0370-\u03ff\u0400-\u052f]/
const WORD = /[a-z\u0370-\u03ff\u0400-\u052f]+/g
const HAS_LATIN = /[a-z]/
/** A word of look-alikes alone is taken for a disguise from this length on: shorter ones are honest words. */
const DISGUISE_LETTERS = 4

/**
 * Folds text to what it looks like: compatibility letters reduced, accents and invisible characters removed,
 * look-alikes in disguised words replaced, lower case.
 *
 * Offsets differ from the source's. Honest words in Cyrillic or Greek stay what they are.
 */
export function foldText(text: string): string {
  if (isAscii(text)) {
    return text.toLowerCase()
  }
  return foldSimply(text) ?? foldFully(text)
}

/** What `foldFully` gives, or `undefined` for a text with characters that depend on their neighbours. */
function foldSimply(text: string): string | undefined {
  const { kinds, folds } = SIMPLE
  let folded = ''
  let from = 0
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    const kind = kinds[unit] as number
    if (kind === CHANGES) {
      folded += text.slice(from, index) + folds.get(unit)
      from = index + 1
    } else if (kind !== STAYS) {
      return undefined
    }
  }
  return (folded + text.slice(from)).toLowerCase()
}

function foldFully(text: string): string {
  // Lower-casing and recomposing may each expose something to fold; three rounds reach the fixed point.
  let folded = text
  for (let round = 0; round < 4; round += 1) {
    const next = foldOnce(folded)
    if (next === folded) {
      break
    }
    folded = next
  }
  return folded
}

function foldOnce(text: string): string {
  const plain = text
    .replace(INVISIBLE, '')
    .replace(LETTER_SYMBOLS, (symbol) => letterOf(symbol.codePointAt(0) ?? 0))
    .normalize('NFKD')
    .replace(MARKS, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(FANCY, (letter) => LATIN_VARIANTS.get(letter) ?? letter)
  return LOOKALIKE_SCRIPT.test(plain) ? plain.replace(WORD, undisguise) : plain
}

function letterOf(codePoint: number): string {
  const first = codePoint >= 0x1f1e6 ? 0x1f1e6 : codePoint >= 0x1f170 ? 0x1f170 : 0x1f150
  return String.fromCharCode(97 + codePoint - first)
}

function undisguise(word: string): string {
  if (!LOOKALIKE_SCRIPT.test(word)) {
    return word
  }
  const letters = Array.from(word)
  const disguised =
    HAS_LATIN.test(word) || (letters.length >= DISGUISE_LETTERS && letters.every((letter) => LOOKALIKE.has(letter)))
  return disguised ? letters.map((letter) => CONFUSABLES.get(letter) ?? letter).join('') : word
}

/** The letters that look Latin in every font; the others of the table only do beside real Latin letters. */
const LOOKALIKE = new Set('асеорхуіѕјһԁԛԝѵӏοανικ')

const SIMPLE = simpleFolds(foldFully)
