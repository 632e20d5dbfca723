/**
 * The words of a text that may be a decoy credential, hashed. Only long words that mix letters and digits are hashed:
 * in ordinary text there are hardly any, and a decoy that looks like a credential is one.
 */
import { hash } from 'node:crypto'
import { decoyOfMask } from '../../rules/canaries.ts'
import { masksIn } from '../../schema/masks.ts'
import { TextMemory } from '../../schema/text-memory.ts'

/** A decoy has at least so many characters, and at most so many. */
export const SHORTEST = 12
const LONGEST = 512
/** The most words of one text that are hashed, those in front first. Hashing one takes about a microsecond. */
const MOST_WORDS = 512

/** What credentials are made of, signs that join their parts included. */
const RUN = /[A-Za-z0-9_\-+/=.~:@!#$%]{12,}/g
/** The parts of a run: `key=secret,` and `https://host/secret` hold the secret between signs. */
const PART = /[A-Za-z0-9_-]{12,}/g
/** In arguments that are JSON a line break is written, and its letter is none of the word behind it. */
const ESCAPED_SPACE = /\\+[nrt]/g
const AROUND = /^[.:/=!#$%@+~]+|[.:/=!#$%@+~]+$/g

const memory = new TextMemory(read, 512 * 1024)

/** SHA-256 of every such word, in hexadecimal, and what masks of decoys tell of theirs. Bounded. */
export function hashedWords(text: string): readonly string[] {
  return memory.of(text)
}

function read(text: string): readonly string[] {
  const hashes: string[] = []
  for (const kind of masksIn(text).keys()) {
    const told = decoyOfMask(kind)
    if (told !== undefined) {
      hashes.push(told)
    }
  }
  let left = MOST_WORDS
  const add = (word: string) => {
    if (left > 0 && word.length >= SHORTEST && word.length <= LONGEST && isMixed(word)) {
      left -= 1
      hashes.push(hash('sha256', word, 'hex'))
    }
  }
  const unescaped = text.includes('\\') ? text.replace(ESCAPED_SPACE, ' ') : text
  for (const [run] of unescaped.matchAll(RUN)) {
    if (left === 0) {
      break
    }
    const whole = run.replace(AROUND, '')
    add(whole)
    const value = whole.slice(whole.lastIndexOf('=') + 1)
    if (value !== whole) {
      add(value)
    }
    for (const [part] of whole.matchAll(PART)) {
      if (part !== whole && part !== value) {
        add(part)
      }
    }
  }
  return hashes
}

/** Has a digit and a letter. */
function isMixed(word: string): boolean {
  let digit = false
  let letter = false
  for (let index = 0; index < word.length && !(digit && letter); index += 1) {
    const code = word.charCodeAt(index)
    digit ||= code >= 48 && code <= 57
    letter ||= (code | 32) >= 97 && (code | 32) <= 122
  }
  return digit && letter
}
