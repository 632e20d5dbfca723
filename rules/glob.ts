/** Globs with one wildcard: `*` stands for any run of characters, everything else for itself. */

export type Matches = (text: string) => boolean

export function isGlob(pattern: string): boolean {
  return pattern.includes('*')
}

/** How much of a pattern is fixed; the longer of two globs is the more specific. */
export function literalLength(pattern: string): number {
  return pattern.length - (pattern.split('*').length - 1)
}

/**
 * Compiles a glob. Matching takes the leftmost place for every fixed part, which is always right with `*` alone
 * and needs no backtracking, so an agent cannot make it slow with a name.
 */
export function compileGlob(pattern: string): Matches {
  const parts = pattern.split('*')
  const first = parts[0] ?? ''
  if (parts.length === 1) {
    return (text) => text === pattern
  }
  const last = parts.at(-1) ?? ''
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  const fixed = first.length + last.length
  return (text) => {
    if (text.length < fixed || !text.startsWith(first) || !text.endsWith(last)) {
      return false
    }
    const end = text.length - last.length
    let at = first.length
    for (const part of middle) {
      const found = text.indexOf(part, at)
      if (found < 0 || found + part.length > end) {
        return false
      }
      at = found + part.length
    }
    return true
  }
}

/** Whether some text matches both patterns. Used at load time to find policies that contradict each other. */
export function globsIntersect(one: string, other: string): boolean {
  if (startsApart(one, other) || endsApart(one, other)) {
    return false
  }
  // reachable[j]: the first i characters of `one` and the first j of `other` can spell the same text.
  let reachable = new Array<boolean>(other.length + 1).fill(false)
  reachable[0] = true
  spreadOverStars(reachable, other)
  for (const character of one.split('')) {
    const next = new Array<boolean>(other.length + 1).fill(false)
    for (let j = 0; j <= other.length; j += 1) {
      if (reachable[j] !== true) {
        continue
      }
      if (character === '*') {
        next.fill(true, j)
        break
      }
      if (other[j] === '*') {
        next[j] = true
      } else if (other[j] === character) {
        next[j + 1] = true
      }
    }
    spreadOverStars(next, other)
    reachable = next
  }
  return reachable[other.length] === true
}

function spreadOverStars(reachable: boolean[], pattern: string): void {
  for (let j = 0; j < pattern.length; j += 1) {
    if (reachable[j] === true && pattern[j] === '*') {
      reachable[j + 1] = true
    }
  }
}

/** Most pairs part at once at their fixed beginnings or ends, and there are many pairs to compare. */
function startsApart(one: string, other: string): boolean {
  const shared = Math.min(fixedLength(one.indexOf('*'), one), fixedLength(other.indexOf('*'), other))
  return one.slice(0, shared) !== other.slice(0, shared)
}

function endsApart(one: string, other: string): boolean {
  const shared = Math.min(one.length - 1 - one.lastIndexOf('*'), other.length - 1 - other.lastIndexOf('*'))
  return one.slice(one.length - shared) !== other.slice(other.length - shared)
}

function fixedLength(star: number, pattern: string): number {
  return star < 0 ? pattern.length : star
}
