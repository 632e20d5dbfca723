/** Agent-supplied text on its way into evidence. */
import { cut } from '../../schema/cut.ts'
import { UNTRUSTED_LIMIT } from '../../schema/finding.ts'

/** Cuts a text for an `untrusted_*` field, never inside a character. */
export function untrusted(text: string, limit: number = UNTRUSTED_LIMIT): string {
  return cut(text, limit)
}
