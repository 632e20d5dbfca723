/**
 * Letters of other scripts that look like Latin ones, and Latin letters that decomposition does not reduce.
 *
 * Small on purpose: the lower-case confusables that are seen in evasions, from Unicode Technical Standard 39.
 * Fullwidth, mathematical, circled and superscript letters need no entry: compatibility decomposition folds them.
 */

const pairs = (from: string, to: string): [string, string][] =>
  Array.from(from, (letter, index) => [letter, Array.from(to)[index] ?? letter])

/** Cyrillic and Greek letters that pass for Latin ones. Folded only in words that are no honest Cyrillic or Greek. */
export const CONFUSABLES: ReadonlyMap<string, string> = new Map([
  ...pairs('асеорхуіѕјһԁԛԝѵӏкмтвнґзгп', 'aceopxyisjhdqwvlkmtbhrzrn'),
  ...pairs('αεορυνικτχωηβγσδμ', 'aeopuviktxwnbyodu'),
])

/** Letters that fold to Latin wherever they stand. */
export const LATIN_VARIANTS: ReadonlyMap<string, string> = new Map([
  ...pairs('łøđıħŧɑɡɩɪʀʙʜʟɴɢᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱꜰ', 'lodihtagiirbhlngacdejkmoptuvwzsf'),
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['’', "'"],
  ['‘', "'"],
  ['ʼ', "'"],
  ['“', '"'],
  ['”', '"'],
  ['„', '"'],
  ['«', '"'],
  ['»', '"'],
  ['‐', '-'],
  ['‑', '-'],
  ['–', '-'],
  ['—', '-'],
])
