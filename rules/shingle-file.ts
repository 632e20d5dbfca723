/**
 * Shingle files, `*.shingles`: a system prompt as its hashed shingles alone, one number a line in ascending order, so that
 * neither the words of the prompt nor their order stand in it. `#` begins a comment. `telltale shingles` writes them,
 * policies name them.
 */
import { SHINGLE_MAXIMUM } from './shingles.ts'

/** How the names of such files end; those of a policy directory are read with its policies. */
export const SHINGLE_FILE_ENDING = '.shingles'

const HEADING = '# Hashed shingles of one system prompt; its words are not in here. See docs/configuration.md.'

/** The text of a shingle file. Called by `telltale shingles`. */
export function shingleFileText(shingles: ReadonlySet<number>): string {
  return `${[HEADING, ...[...shingles].sort((a, b) => a - b)].join('\n')}\n`
}

/** What a shingle file holds, or the first line of it that is no shingle (counted from 1). Called when policies are compiled. */
export function readShingleFile(text: string): { readonly shingles: ReadonlySet<number>; readonly wrongLine?: number } {
  const shingles = new Set<number>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const digits = line.replace(/#.*$/, '').trim()
    if (digits === '') {
      continue
    }
    if (!/^\d{1,10}$/.test(digits) || Number(digits) > SHINGLE_MAXIMUM) {
      return { shingles, wrongLine: index + 1 }
    }
    shingles.add(Number(digits))
  }
  return { shingles }
}
