/**
 * Names that are made to be read as another: with characters that nobody sees, letters of another script, wide or
 * ornamental ones, or digits for letters. What is compared is what a reader sees; names of honest scripts are left alone.
 */
import { compileGlob, isGlob, literalLength } from '../../rules/glob.ts'
import type { CompiledPolicy } from '../../rules/policy.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { foldText } from '../text/normalize.ts'

/** How a name deceives. */
export type Disguise =
  /** It holds characters that are not seen. */
  | 'hidden'
  /** It holds letters that pass for others. */
  | 'look-alike'
  /** It is another name in another case: more often a slip than a trick. */
  | 'case'

export interface Imitation {
  readonly disguise: Disguise
  /** The name in the policy that it reads as, and its list; absent when it reads as none that is listed. */
  readonly of?: { readonly name: string; readonly list: 'allow' | 'deny' }
}

const NOT_ASCII = /[^\p{ASCII}]/u
/** Format characters, controls, blank letters and selectors. Joiners have a use in some scripts, and the last selector in emoji. */
const HIDDEN =
  /(?!\u200c|\u200d)[\p{Cf}\p{Cc}]|[\u115f\u1160\u17b4\u17b5\u3164\uffa0]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0e]|[\u{e0100}-\u{e01ef}]/u
const JOINER_AFTER_LATIN = /[a-z0-9._/-](?:\u200c|\u200d|\ufe0f)/i
/** Greek and Cyrillic letters, of which some pass for Latin ones, and Latin letters in fancy dress. */
const COSTUME =
  /[\u0370-\u052f\u1d00-\u1d7f\ua730-\ua731\uff01-\uff5e\u2460-\u24ff\u2100-\u214f\u{1d400}-\u{1d7ff}\u{1f130}-\u{1f1ff}]/u

/** How a name deceives, whatever is listed; `undefined` for an honest name. */
function disguiseOf(name: string): 'hidden' | 'look-alike' | undefined {
  if (HIDDEN.test(name) || JOINER_AFTER_LATIN.test(name)) {
    return 'hidden'
  }
  // A name that mixes scripts honestly still shows the other one when its look-alikes are folded.
  return NOT_ASCII.test(name) && COSTUME.test(name) && !NOT_ASCII.test(foldText(name)) ? 'look-alike' : undefined
}

/** How a name that is not listed is made to read as one that is; `undefined` for an honest name. */
export function imitationOf(name: string, policy: CompiledPolicy): Imitation | undefined {
  let memory = memories.get(policy)
  if (memory === undefined) {
    memory = new TextMemory(comparer(policy.listedTools), REMEMBERED, 'first')
    memories.set(policy, memory)
  }
  return memory.of(name)
}

/** Names are compared once for each policy: the same few are called again and again. */
const memories = new WeakMap<CompiledPolicy, TextMemory<Imitation | undefined>>()
/** Characters of names that are remembered for a policy. */
const REMEMBERED = 64 * 1024

type Listed = CompiledPolicy['listedTools'][number]

function comparer(listed: readonly Listed[]): (name: string) => Imitation | undefined {
  const written = new Set(listed.map(({ name }) => name))
  // What is denied says more of the danger than what is allowed: it is found first.
  const ranked = [...listed].sort((one, other) => Number(other.list === 'deny') - Number(one.list === 'deny'))
  const exact = new Map<string, Listed>()
  for (const each of ranked) {
    const look = lookOf(each.name)
    exact.set(look, exact.get(look) ?? each)
  }
  const globs = ranked
    .filter(({ name }) => isGlob(name) && literalLength(name) >= TELLING_GLOB)
    .map((of) => ({ of, looks: compileGlob(lookOf(of.name)), matches: compileGlob(of.name) }))
  return (name) => {
    if (written.has(name)) {
      return undefined
    }
    const look = lookOf(name)
    const of = exact.get(look) ?? globs.find(({ looks, matches }) => looks(look) && !matches(name))?.of
    const disguise = disguiseOf(name)
    if (of === undefined) {
      return disguise === undefined ? undefined : { disguise }
    }
    return { disguise: disguise ?? (isCase(name, of.name) ? 'case' : 'look-alike'), of }
  }
}

/** Of a shorter glob too much reads alike. */
const TELLING_GLOB = 4

function isCase(name: string, listed: string): boolean {
  return compileGlob(listed.toLowerCase())(name.toLowerCase())
}

/** What a name looks like: folded, with the digits and pairs that pass for letters taken for them. */
function lookOf(name: string): string {
  return foldText(name)
    .replaceAll(/[1|!]/g, 'l')
    .replaceAll('i', 'l')
    .replaceAll('0', 'o')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}
