/**
 * Judges a text that an agent gave out: does it carry a prompt that is known? Known are hashed shingles of it, remembered
 * from telemetry or registered in the policy, never its text.
 */
import { eachShingle, FEWEST_SHINGLES, shingles } from '../../rules/shingles.ts'
import { foldText } from '../text/normalize.ts'
import { disguises } from './disguises.ts'
import { MEANINGS as M } from './meanings.ts'
import { readText } from './reading.ts'

/** How many shingles stand for one prompt: its smallest hashes, which sample it evenly. */
const SAMPLE = 192

/** What is remembered of one prompt. Plain data. */
export interface KnownPrompt {
  /** Identifies the prompt: its hash from telemetry, else a hash of its shingles. */
  readonly id: string
  /** The sampled shingles, ascending. */
  readonly shingles: readonly number[]
  /** Whether the prompt holds a password, key or other secret. */
  readonly secrets: boolean
  /** Decoy credentials planted in it, as the policy names them. */
  readonly decoys?: readonly string[]
}

export interface Overlap {
  /** Share of the prompt that occurs in the text, 0 to 1, estimated from the sample. */
  readonly share: number
  readonly shared: number
  readonly secrets: boolean
  /** How it was hidden: `base64`, `leetspeak`, ...; `undefined` when it stands in plain sight. */
  readonly hidden: string | undefined
}

/** A leak shares at least so many shingles, and so large a part of the prompt (a larger one when it is short). */
const SHARED = 8
const SHARE = 0.12
const SHORT_PROMPT = 24
const SHARE_OF_SHORT = 0.4

/** What to remember of a prompt. `id` is its hash from telemetry, when there is one. */
export function knownPrompt(text: string, id: string | undefined): KnownPrompt {
  const all = [...shingles(text)].sort((a, b) => a - b)
  const folded = foldText(text)
  return {
    id: id ?? identity(text),
    shingles: all.slice(0, SAMPLE),
    secrets:
      readText(folded).sentences.some((sentence) => (sentence.meanings & M.secret) !== 0) || folded.includes('[masked'),
  }
}

/** Identifies a prompt by its text when telemetry gives no hash. FNV-1a, and the length. */
export function identity(text: string): string {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return `${(value >>> 0).toString(16)}-${text.length}`
}

/**
 * The largest overlap of a text with one of the prompts that amounts to a leak, be it in plain sight or in disguise.
 *
 * @param prompts what is known from telemetry
 * @param registered the shingles of each prompt that the policy names
 * @param given the user's own message: what it holds as well does not count, for an agent that repeats the user leaks
 *   nothing
 */
export function judgeOverlap(
  text: string,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  given: string,
): Overlap | undefined {
  if (
    prompts.every((prompt) => prompt.shingles.length < FEWEST_SHINGLES) &&
    registered.every((prompt) => prompt.size < FEWEST_SHINGLES)
  ) {
    return undefined
  }
  const found = new Set<number>()
  const judge = (said: string, hidden: string | undefined) => {
    collect(said, prompts, registered, found)
    if (found.size > 0 && given !== '') {
      eachShingle(given, (shingle) => found.delete(shingle))
    }
    return largestLeak(found, prompts, registered, hidden)
  }
  const plain = judge(text, undefined)
  if (plain !== undefined) {
    return plain
  }
  // Parts may be hidden in several ways or pieces, so what was found adds up.
  for (const { how, text: said } of disguises(text)) {
    const leak = judge(said, how)
    if (leak !== undefined) {
      return leak
    }
  }
  return undefined
}

/** Adds the shingles of a text that some prompt has. */
function collect(
  text: string,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  found: Set<number>,
): void {
  const sieves = prompts.map(sieveOf)
  eachShingle(text, (shingle) => {
    if (
      (sieves.some((sieve) => sieve[shingle >>> SIEVE_SHIFT] === 1) && isKnown(shingle, prompts)) ||
      registered.some((prompt) => prompt.has(shingle))
    ) {
      found.add(shingle)
    }
  })
}

function largestLeak(
  found: ReadonlySet<number>,
  prompts: readonly KnownPrompt[],
  registered: readonly ReadonlySet<number>[],
  hidden: string | undefined,
): Overlap | undefined {
  let best: Overlap | undefined
  const consider = (size: number, shared: number, secrets: boolean) => {
    const overlap = { share: size === 0 ? 0 : shared / size, shared, secrets, hidden }
    if (isLeak(size, overlap) && overlap.share > (best?.share ?? 0)) {
      best = overlap
    }
  }
  if (found.size > 0) {
    for (const prompt of prompts) {
      consider(prompt.shingles.length, prompt.shingles.filter((shingle) => found.has(shingle)).length, prompt.secrets)
    }
    for (const prompt of registered) {
      consider(prompt.size, [...found].filter((shingle) => prompt.has(shingle)).length, false)
    }
  }
  return best
}

function isLeak(size: number, { share, shared }: Overlap): boolean {
  if (size < FEWEST_SHINGLES) {
    return false
  }
  return size < SHORT_PROMPT
    ? share >= SHARE_OF_SHORT && shared >= FEWEST_SHINGLES - 1
    : shared >= SHARED && share >= SHARE
}

/** Bits of a shingle that a sieve tells apart. */
const SIEVE_BITS = 12
const SIEVE_SHIFT = 32 - SIEVE_BITS
const knownSieves = new WeakMap<KnownPrompt, Uint8Array>()

/** Which shingles a prompt may hold, by their first bits: nearly all of any other text fall through. */
function sieveOf(prompt: KnownPrompt): Uint8Array {
  const known = knownSieves.get(prompt)
  if (known !== undefined) {
    return known
  }
  const sieve = new Uint8Array(1 << SIEVE_BITS)
  for (const shingle of prompt.shingles) {
    sieve[shingle >>> SIEVE_SHIFT] = 1
  }
  knownSieves.set(prompt, sieve)
  return sieve
}

function isKnown(shingle: number, prompts: readonly KnownPrompt[]): boolean {
  return prompts.some((prompt) => includes(prompt.shingles, shingle))
}

function includes(sorted: readonly number[], value: number): boolean {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const candidate = sorted[middle] ?? 0
    if (candidate === value) {
      return true
    }
    if (candidate < value) {
      low = middle + 1
    } else {
      high = middle - 1
    }
  }
  return false
}
