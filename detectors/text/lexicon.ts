/** Makes the lexicon of a detector: the words of interest of all its languages in one matcher. */
import { foldText } from './normalize.ts'
import { WordMatcher } from './word-matcher.ts'

/**
 * Lists of words, separated by `,`; `*` at the end of a word matches any ending, a space asks for one: short words of scripts
 * that run words together.
 */
export interface LexiconSource {
  /** Lists with what their words mean, as bits; a word of several lists means all of it. */
  readonly entries: readonly (readonly [list: string, meanings: number])[]
  /** Words that mean the same misspelt: long enough that no other word is near. */
  readonly oftenMisspelt: string
  /** How somebody may misspell such a word. */
  readonly misspellings: (word: string) => readonly string[]
  /** Words that are looked for written backwards or rotated by 13, too. */
  readonly turned: string
  /** What a turned word means, as a bit. */
  readonly enciphered: number
  /** Phrases that hold words of interest and mean nothing. */
  readonly neutral: string
}

/** What every word and phrase of a lexicon means, folded as texts are; those that mean nothing are in it, too. */
export function lexiconEntries(source: LexiconSource): ReadonlyMap<string, number> {
  const meanings = new Map<string, number>()
  for (const [list, bits] of source.entries) {
    for (const word of words(list)) {
      meanings.set(word, (meanings.get(word) ?? 0) | bits)
    }
  }
  for (const word of words(source.oftenMisspelt)) {
    for (const form of source.misspellings(word)) {
      if (!meanings.has(form)) {
        meanings.set(form, meanings.get(word) ?? 0)
      }
    }
  }
  for (const word of words(source.turned)) {
    meanings.set(rotated(word), source.enciphered)
    meanings.set(Array.from(word).reverse().join(''), source.enciphered)
  }
  for (const phrase of words(source.neutral)) {
    meanings.set(phrase, 0)
  }
  meanings.delete('')
  return meanings
}

/** Takes a tenth of a second: call it when the first text is read. */
export function compileLexicon(entries: ReadonlyMap<string, number>): WordMatcher {
  const matcher = new WordMatcher()
  for (const [word, bits] of entries) {
    matcher.add(word, bits)
  }
  matcher.seal()
  return matcher
}

function words(list: string): readonly string[] {
  return list.split(',').map((word) => foldText(word.replace(/\s+/g, ' ').trimStart()))
}

export interface Slips {
  /** Letters are dropped from words of at least so many. */
  readonly dropFrom: number
  /** Letters that are put in by mistake. */
  readonly putIn: string
}

/** One letter dropped, doubled, put in, or swapped with its neighbour. */
export function misspellings(word: string, { dropFrom, putIn }: Slips): readonly string[] {
  const forms: string[] = []
  for (let at = 1; at < word.length; at += 1) {
    const before = word.slice(0, at)
    const letter = word[at] ?? ''
    if (word.length >= dropFrom) {
      forms.push(before + word.slice(at + 1))
    }
    forms.push(before + letter + letter + word.slice(at + 1))
    forms.push(word.slice(0, at - 1) + letter + (word[at - 1] ?? '') + word.slice(at + 1))
    for (const slip of putIn) {
      forms.push(before + slip + word.slice(at))
    }
  }
  return forms.filter((form) => form !== word)
}

function rotated(word: string): string {
  return word.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97))
}
