/** Judges a text: does it ask an agent to give up its prompt, its instructions or what it keeps secret? */
import { type Decoded, decodedParts, reversed, rot13 } from '../text/decode.ts'
import { foldText } from '../text/normalize.ts'
import { respell } from '../text/respell.ts'
import { asksForPrompt, FEATURES, featuresOf } from './features.ts'
import { LEXICON } from './lexicon.ts'
import { readText } from './reading.ts'
import { BIAS, THRESHOLD, WEIGHTS } from './weights.ts'

export interface Attempt {
  /** Log-odds; above `THRESHOLD`. */
  readonly score: number
  /** The calibrated probability that the text is an attempt, 0 to 1. */
  readonly confidence: number
  /** What spoke for it, strongest first: names of features. */
  readonly features: readonly string[]
  /** The agent's own prompt or instructions are asked for, not only some secret. */
  readonly asksForPrompt: boolean
  /** How the request was hidden: `base64`, `broken spelling`, ...; `undefined` when it stands in plain sight. */
  readonly hidden: string | undefined
  /** The sentence that was judged, as it was read. Agent-supplied: untrusted. */
  readonly sentence: string
}

const WEIGHT_OF = new Float64Array(FEATURES.map((name) => WEIGHTS[name] ?? 0))

interface Best {
  readonly score: number
  readonly features: readonly number[]
  readonly sentence: string
  readonly enciphered: boolean
}

/** The attempt in a text, or `undefined`. Pure, linear in the text, bounded by its length. */
export function judgeAttempt(text: string): Attempt | undefined {
  const folded = foldText(text)
  const plain = bestSentence(folded)
  if (plain.score > THRESHOLD) {
    return attempt(plain, folded.length === text.length ? text : folded, undefined)
  }
  for (const { how, text: variant } of variants(text, folded, plain.enciphered)) {
    const best = bestSentence(variant)
    if (best.score > THRESHOLD) {
      return attempt(best, variant, how)
    }
  }
  return undefined
}

/** The highest score in a text, above or below the threshold; for measurements. */
export function attemptScore(text: string): number {
  const folded = foldText(text)
  const plain = bestSentence(folded)
  return variants(text, folded, plain.enciphered).reduce(
    (top, { text: variant }) => Math.max(top, bestSentence(variant).score),
    plain.score,
  )
}

function variants(text: string, folded: string, enciphered: boolean): readonly Decoded[] {
  const found: Decoded[] = decodedParts(text).map(({ how, text: decoded }) => ({ how, text: foldText(decoded) }))
  const mended = respell(folded, LEXICON)
  if (mended !== undefined) {
    found.push({ how: 'broken spelling', text: mended })
  }
  if (enciphered) {
    found.push({ how: 'rot13', text: rot13(folded) }, { how: 'writing backwards', text: reversed(folded) })
  }
  return found
}

function bestSentence(folded: string): Best & { readonly start: number; readonly end: number } {
  const reading = readText(folded)
  let best = { score: Number.NEGATIVE_INFINITY, features: [] as readonly number[], start: 0, end: 0 }
  featuresOf(reading).forEach((features, index) => {
    if (features === undefined) {
      return
    }
    const score = features.reduce((sum, id) => sum + (WEIGHT_OF[id] ?? 0), BIAS)
    const sentence = reading.sentences[index]
    if (score > best.score && sentence !== undefined) {
      best = { score, features, start: sentence.start, end: sentence.end }
    }
  })
  return { ...best, sentence: '', enciphered: reading.enciphered }
}

function attempt(
  best: Best & { readonly start: number; readonly end: number },
  text: string,
  hidden: string | undefined,
): Attempt {
  const features = [...best.features]
    .filter((id) => (WEIGHT_OF[id] ?? 0) > 0.2)
    .sort((a, b) => (WEIGHT_OF[b] ?? 0) - (WEIGHT_OF[a] ?? 0))
    .map((id) => FEATURES[id] ?? '')
  return {
    score: best.score,
    confidence: Math.min(0.99, 1 / (1 + Math.exp(-(best.score - THRESHOLD) - 0.4))),
    features,
    asksForPrompt: asksForPrompt(best.features),
    hidden,
    sentence: text.slice(best.start, best.end).trim(),
  }
}
