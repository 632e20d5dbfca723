/**
 * The three errors of Telltale, named by what the caller does about them. Anything else thrown is a bug:
 * it is logged with its cause and stops the process, and the supervisor restarts from the last commit.
 */

/** The other side is down, slow or full. Try the same thing again after `retryAfterMs`. */
export class Unavailable extends Error {
  readonly retryAfterMs: number

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Unavailable'
    this.retryAfterMs = options.retryAfterMs ?? 1000
  }
}

/** This input will never be accepted. Count it under `reason` (kebab-case), dead-letter it, go on. */
export class Rejected extends Error {
  readonly reason: string

  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'Rejected'
    this.reason = reason
  }
}

/** One thing wrong with a file the operator wrote. `line` and `column` count from 1. */
export interface Problem {
  readonly file: string
  readonly line?: number
  readonly column?: number
  readonly message: string
  /** What to write instead, when that is known. */
  readonly suggestion?: string
}

/** The operator's files cannot work. Carries every problem at once; the CLI prints them and exits with 2. */
export class Misconfigured extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(describeProblem).join('\n'))
    this.name = 'Misconfigured'
    this.problems = problems
  }
}

/** `file:line:column: message (suggestion)`, the way compilers print it, so that editors can jump there. */
export function describeProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':')
  return `${place}: ${problem.message}${problem.suggestion === undefined ? '' : ` (${problem.suggestion})`}`
}
