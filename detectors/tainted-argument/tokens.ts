/** Words as small numbers, so that state holds no text: whether a value stood in a text is asked by their order. */
import { foldText } from '../text/normalize.ts'

const WORD = /[\p{L}\p{N}_]+/gu

/** The words of a text, folded and hashed to 32 bits (FNV-1a), at most `limit`. Masks are words, too: `masked`, `email`. */
export function tokensOf(text: string, limit: number): number[] {
  const found: number[] = []
  const folded = foldText(text)
  WORD.lastIndex = 0
  for (let match = WORD.exec(folded); match !== null && found.length < limit; match = WORD.exec(folded)) {
    found.push(hashOf(match[0]))
  }
  return found
}

function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < word.length; index += 1) {
    hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** All words of a text that is folded already, and where each begins. */
export function placedTokens(folded: string): {
  readonly tokens: readonly number[]
  readonly starts: readonly number[]
} {
  const tokens: number[] = []
  const starts: number[] = []
  WORD.lastIndex = 0
  for (let match = WORD.exec(folded); match !== null; match = WORD.exec(folded)) {
    tokens.push(hashOf(match[0]))
    starts.push(match.index)
  }
  return { tokens, starts }
}
