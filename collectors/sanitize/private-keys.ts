import { backslashesBefore } from './characters.ts'
import type { Match } from './match.ts'

const MARK = 'PRIVATE KEY'
const BEGIN = /-----BEGIN [A-Z0-9 ]{0,32}$/
/** Armor, its headers, and line breaks, plain or escaped; no further than `END`. */
const BODY = /[A-Za-z0-9+/=\s\\:,-]*?(?:-----END |(?![A-Za-z0-9+/=\s\\:,-]))/y
/** What is left of the line of `END`. */
const END = /[A-Za-z0-9+/=\s\\:,-]*?(?:-----|(?![A-Za-z0-9+/=\s\\:,-]))/y

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
  if (armor.endsWith('-----END ')) {
    END.lastIndex = end
    return end + (END.exec(text)?.[0].length ?? 0)
  }
  // A backslash before a quote belongs to what follows.
  return text[end] === '"' || text[end] === "'" ? end - backslashesBefore(text, end) : end
}
