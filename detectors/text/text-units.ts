/**
 * The UTF-16 units of a text as numbers in an array: reading them there takes a third of the time that asking the text
 * for each takes, even with the copying.
 */

/** Longer texts get an array of their own. */
const SHARED = 16 * 1024
const shared = new Uint16Array(SHARED + 1)
const sharedBytes = Buffer.from(shared.buffer)

/** Whether a text has characters of ASCII alone. Ten times as fast as a pattern: the engine knows how long a text is in UTF-8. */
export const isAscii = (text: string) => Buffer.byteLength(text) === text.length

/**
 * The units of a text, and behind them a zero, then whatever. To be used at once: the next call may write over it.
 */
export function unitsOf(text: string): Uint16Array {
  if (text.length <= SHARED) {
    sharedBytes.write(text, 0, 'utf16le')
    shared[text.length] = 0
    return shared
  }
  const units = new Uint16Array(text.length + 1)
  Buffer.from(units.buffer).write(text, 0, 'utf16le')
  return units
}
