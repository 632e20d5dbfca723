/** A stretch of text that must not leave the collector. */
export interface Match {
  readonly start: number
  readonly end: number
  /** What it is, in kebab-case: the placeholder says so. */
  readonly kind: string
  /** True for what a person may have chosen: a digest of it could be looked up in a list of passwords. */
  readonly guessable?: boolean
}

const PLACEHOLDER = /^\[masked:[a-z0-9-]+\]$/

/** What stands in the place of something masked. */
export function placeholder(kind: string): string {
  return `[masked:${kind}]`
}

/** True when a text is already masked as a whole. */
export function isMasked(text: string): boolean {
  return text.length < 64 && PLACEHOLDER.test(text)
}
