/** Text for terminals and log lines: one line, and nothing in it that a terminal would obey. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Line breaks become spaces; other control, bidirectional and invisible characters are dropped. */
export function printable(text: string): string {
  return text.replace(/[\r\n\t\u2028\u2029]+/g, ' ').replace(UNPRINTABLE, '')
}
