/**
 * Masking: secrets and personal data replaced before anything leaves the collector.
 *
 * One pass over the characters finds the few places where something sensitive can be (a long run of word characters,
 * an `@`, a `=` after a name, a run of digits), and only there a rule looks closer; so benign text costs little more
 * than reading it, and no input takes more than linear time. Text that is JSON stays JSON.
 */
import { maskClass, UNVERIFIED } from '../../schema/masks.ts'
import { type Decoys, decoyKind, NO_DECOYS } from './decoys.ts'
import { bareIn, decodeAscii } from './json-text.ts'
import { isVerified } from './key-checks.ts'
import { type Match, placeholder } from './match.ts'
import { findPrivateKeys } from './private-keys.ts'
import { scan } from './scan.ts'

/** What is masked can only reveal more by bordering on a placeholder, and that ends soon. */
const ROUNDS = 8
/** `pw=x` */
const SHORTEST = 4

/**
 * Replaces every secret and every piece of personal data by a placeholder that says what it was, such as
 * `[masked:email]`; of a key that fails its checks it says that, too, and of a decoy which one it is
 * (`schema/masks.ts`). Masking again changes nothing.
 */
export function mask(text: string, decoys: Decoys = NO_DECOYS): string {
  return maskAll(text, (kind, secret) => toldKind(kind, secret, decoys)).text
}

/**
 * The same for names: secrets only. `guessable` when something masked may have been chosen by a person, so that not
 * even a digest of the name may be kept.
 */
export function maskSecrets(text: string): { readonly text: string; readonly guessable: boolean } {
  return maskAll(text, undefined)
}

type TellKind = (kind: string, secret: string) => string

function maskAll(
  text: string,
  /** What the mask of a secret says; absent for names, of which only secrets are masked, and by their form. */
  tell: TellKind | undefined,
): { readonly text: string; readonly guessable: boolean } {
  if (text.length < SHORTEST) {
    return { text, guessable: false }
  }
  let current = decodeAscii(text)
  let guessable = false
  for (let round = 0; round < ROUNDS; round += 1) {
    const matches = findAll(current, tell !== undefined)
    if (matches.length === 0) {
      return { text: current, guessable }
    }
    guessable ||= matches.some((match) => match.guessable === true)
    current = replace(current, matches, tell)
  }
  // Only text made for the purpose gets here.
  return { text: placeholder('unstable-text'), guessable: true }
}

/** Everything to mask, in order, not overlapping. */
function findAll(text: string, personal: boolean): readonly Match[] {
  const found: Match[] = []
  findPrivateKeys(text, found)
  scan(text, personal, found)
  return found.length < 2 ? found : merge(found)
}

function merge(found: readonly Match[]): readonly Match[] {
  const merged: Match[] = []
  for (const match of [...found].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1)
    if (last !== undefined && match.start < last.end) {
      merged[merged.length - 1] = {
        ...last,
        end: Math.max(last.end, match.end),
        guessable: last.guessable === true || match.guessable === true,
      }
    } else {
      merged.push(match)
    }
  }
  return merged
}

function replace(text: string, matches: readonly Match[], tell: TellKind | undefined): string {
  const bare = bareIn(text, matches)
  let masked = ''
  let from = 0
  for (const match of matches) {
    const shown = placeholder(tell?.(match.kind, text.slice(match.start, match.end)) ?? match.kind)
    masked += text.slice(from, match.start) + (bare.has(match) ? `"${shown}"` : shown)
    from = match.end
  }
  return masked + text.slice(from)
}

/** What the mask of a secret says that it was. */
function toldKind(kind: string, secret: string, decoys: Decoys): string {
  const form = maskClass(kind)
  if (form === 'personal') {
    return kind
  }
  return decoyKind(secret, decoys) ?? (form === 'key' && !isVerified(kind, secret) ? `${kind}${UNVERIFIED}` : kind)
}
