/** What the parts of a compiled policy share: verdicts, their memory, and the words in them. */
import type { PolicyReference } from '../schema/finding.ts'

/** What a policy refuses, and why, in one word of `Because`. */
export interface Refusal<Because extends string> {
  readonly allowed: false
  readonly because: Because
  /** What the policy does allow, in few words: `crm.read, tickets.*`. */
  readonly expected: string
  /** The line that decided, and the change that would allow it. */
  readonly policy: PolicyReference
}

/** The answer of one section of a policy to one question. */
export type Judgement<Because extends string> = { readonly allowed: true } | Refusal<Because>

/**
 * What the lists and pins of a policy refuse. `denied`: a deny entry names it. `not-listed`: no allow entry does.
 * `other-server`: the name is listed, for another server than the one that answers. `port`, `method`: the host is allowed,
 * its port or method is not. `unreadable`: the destination cannot be read as a host, so it cannot be allowed.
 */
export type Violation = Refusal<'denied' | 'not-listed' | 'other-server' | 'port' | 'method' | 'unreadable'>

/** The answer of the lists and pins of a policy to one question. */
export type Verdict = typeof ALLOWED | Violation

export const ALLOWED: { readonly allowed: true } = { allowed: true }

/** A place in a policy file, and the change of it that would allow what happened. */
export function referenceTo(file: string, line: number | undefined, allowWith: string): PolicyReference {
  return { file, ...(line === undefined ? {} : { line }), allow_with: allowWith.slice(0, 1000) }
}

/** The line of a path inside a section of the policy file, where the file has one. */
export type LineOf = (path: readonly (string | number)[]) => number | undefined

/** What is wrong inside a section, at a path from the section on, and what to write instead. */
export interface SectionProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly suggestion?: string
}

const CACHE_LIMIT = 4096

/**
 * Remembers verdicts by what was asked. Agents ask for the same few things again and again; an agent that does
 * not only makes the memory start over. Verdicts depend on the question alone, so remembering changes no answer.
 */
export class VerdictCache<Answer = Verdict> {
  readonly #verdicts = new Map<string, Answer>()

  get(key: string, judge: () => Answer): Answer {
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
