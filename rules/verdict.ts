/** What the parts of a compiled policy share: verdicts, their memory, and the words in them. */
import type { Verdict } from './policy.ts'

export type { Verdict } from './policy.ts'

/** The line of a path inside a section of the policy file, where the file has one. */
export type LineOf = (path: readonly (string | number)[]) => number | undefined

const CACHE_LIMIT = 4096

/**
 * Remembers verdicts by what was asked. Agents ask for the same few things again and again; an agent that does
 * not only makes the memory start over. Verdicts depend on the question alone, so remembering changes no answer.
 */
export class VerdictCache {
  readonly #verdicts = new Map<string, Verdict>()

  get(key: string, judge: () => Verdict): Verdict {
    const known = this.#verdicts.get(key)
    if (known !== undefined) {
      return known
    }
    if (this.#verdicts.size >= CACHE_LIMIT) {
      this.#verdicts.clear()
    }
    const verdict = judge()
    this.#verdicts.set(key, verdict)
    return verdict
  }
}

const SUMMARY_LIMIT = 240

/** `a, b, c and 12 more`: short enough to read aloud. */
export function summarize(entries: readonly string[], none: string): string {
  if (entries.length === 0) {
    return none
  }
  const shown: string[] = []
  let length = 0
  for (const entry of entries) {
    const short = entry.length > 80 ? `${entry.slice(0, 77)}...` : entry
    length += short.length + 2
    if (length > SUMMARY_LIMIT) {
      break
    }
    shown.push(short)
  }
  const rest = entries.length - shown.length
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`
}
