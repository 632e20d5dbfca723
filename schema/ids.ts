/** Deterministic ids: hashes of what caused a thing, so that the same log always gives the same ids. */
import { hash } from 'node:crypto'

/**
 * 32 hex characters of SHA-256 over the parts. Every part is length-prefixed, so that no two different lists of
 * parts can meet in one id whatever an agent puts in them.
 */
export function idOf(...parts: readonly (string | number | undefined)[]): string {
  let text = ''
  for (const part of parts) {
    const value = part === undefined ? '' : String(part)
    text += `${value.length}:${value}`
  }
  return hash('sha256', text).slice(0, 32)
}
