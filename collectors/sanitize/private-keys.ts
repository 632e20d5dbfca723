import { backslashesBefore } from './characters.ts'
import type { Match } from './match.ts'

const MARK = 'PRIVATE KEY'
const BEGIN = /-----BEGIN [A-Z0-9 ]{0,32}$/
/** Armor, its headers, and line breaks, plain or escaped. */
const BODY = /[A-Za-z0-9+/=\s\\:,-]*/y

/**
 * Finds private keys in PEM and PGP armor: from `BEGIN` to `END`, or as far as the armor goes when its end was cut.
 */
export function findPrivateKeys(text: string, found: Match[]): void {
  for (let mark = text.indexOf(MARK); mark !== -1; ) {
    const before = text.slice(Math.max(0, mark - 48), mark)
    const begin = BEGIN.exec(before)
    let end = mark + MARK.length
    if (begin !== null) {
      const start = mark - before.length + begin.index
      end = endOfArmor(text, end)
      found.push({ start, end, kind: 'private-key' })
    }
    mark = text.indexOf(MARK, end)
  }
}

function endOfArmor(text: string, from: number): number {
  BODY.lastIndex = from
  const armor = BODY.exec(text)?.[0] ?? ''
  const end = from + armor.length
  const closing = armor.indexOf('-----END ')
  if (closing !== -1) {
    const dashes = armor.indexOf('-----', closing + 9)
    return dashes === -1 ? end : from + dashes + 5
  }
  // A backslash before a quote belongs to what follows.
  return text[end] === '"' || text[end] === "'" ? end - backslashesBefore(text, end) : end
}
