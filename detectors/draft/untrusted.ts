/** Agent-supplied text on its way into evidence. */
import { UNTRUSTED_LIMIT } from '../../schema/finding.ts'

/** Cuts a text for an `untrusted_*` field, never inside a character. */
export function untrusted(text: string, limit: number = UNTRUSTED_LIMIT): string {
  if (text.length <= limit) {
    return text
  }
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}
