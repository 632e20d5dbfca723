/** Judges a text: does it ask an agent to give up its prompt, its instructions or what it keeps secret? */
import { type Decoded, decodedParts, reversed, rot13 } from '../text/decode.ts'
import { foldText } from '../text/normalize.ts'
import { respell } from '../text/respell.ts'
import type { Reading } from '../text/sentences.ts'
import { asksForPrompt, FEATURES, featuresOf } from './features.ts'
import { lexicon } from './lexicon.ts'
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

/** The sentence of a text that scores highest, and what the reading noticed. */
interface Best extends Pick<Reading, 'enciphered' | 'encoded' | 'broken'> {
  readonly score: number
  readonly features: readonly number[]
  readonly start: number
  readonly end: number
}

/** The attempt in a text, or `undefined`. Pure, linear in the text, bounded by its length. */
export function judgeAttempt(text: string): Attempt | undefined {
  const folded = foldText(text)
  const plain = bestSentence(folded)
  if (plain.score > THRESHOLD) {
    return attempt(plain, folded.length === text.length ? text : folded, undefined)
  }
  for (const { how, text: variant } of variants(text, folded, plain)) {
    const best = bestSentence(variant)
    if (best.score > THRESHOLD) {
      return attempt(best, variant, how)
    }
  }
  return undefined
}

/** Signs of percent-encoding, escapes and tag characters. */
const ENCODED = /[%\\&\udb40]/

/** What else the text may say. Ordinary text has no variants, and is spared the search for them. */
function variants(text: string, folded: string, plain: Best): readonly Decoded[] {
  const found: Decoded[] = []
  if (plain.encoded || ENCODED.test(text)) {
    found.push(...decodedParts(text).map(({ how, text: decoded }) => ({ how, text: foldText(decoded) })))
  }
  const mended = plain.broken ? respell(folded, lexicon()) : undefined
  if (mended !== undefined) {
    found.push({ how: 'broken spelling', text: mended })
  }
  if (plain.enciphered) {
    found.push({ how: 'rot13', text: rot13(folded) }, { how: 'writing backwards', text: reversed(folded) })
  }
  return found
}

function bestSentence(folded: string): Best {
  const reading = readText(folded)
  const { sentences, enciphered, encoded, broken } = reading
  const candidates = featuresOf(reading)
  let top = Number.NEGATIVE_INFINITY
  let best = -1
  for (let index = 0; index < candidates.length; index += 1) {
    const features = candidates[index]
    if (features !== undefined) {
      let score = BIAS
      for (const id of features) {
        score += WEIGHT_OF[id] as number
      }
      best = score > top ? index : best
      top = Math.max(top, score)
    }
  }
  const { start = 0, end = 0 } = sentences[best] ?? {}
  return { score: top, features: candidates[best] ?? [], start, end, enciphered, encoded, broken }
}

function attempt(best: Best, text: string, hidden: string | undefined): Attempt {
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
