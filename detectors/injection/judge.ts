/** Judges a text that an agent was given: does it tell the agent what to do? */
import { type Decoded, decodedParts, reversed, rot13 } from '../text/decode.ts'
import { foldText } from '../text/normalize.ts'
import { respell } from '../text/respell.ts'
import { type Reading, readSentences } from '../text/sentences.ts'
import { FEATURES } from './feature-names.ts'
import { featuresOf } from './features.ts'
import { hasInvisibleCharacters, hiddenPassages } from './hidden.ts'
import { FIELD_BREAK, layOut } from './layout.ts'
import { lexicon } from './lexicon.ts'
import { MEANINGS } from './meanings.ts'
import type { Disguise } from './sentence-features.ts'
import { DOCUMENT, MESSAGE } from './weights.ts'

/** A text, or a passage of it, as it was read. */
export interface Variant {
  readonly reading: Reading
  /** The text as laid out, with its capital letters; as long as what was read, or what was read itself. */
  readonly shown: string
  /** What hid it: `base64`, `an HTML comment`, ...; `undefined` when it stands in plain sight. */
  readonly how: string | undefined
  readonly candidates: readonly (readonly number[] | undefined)[]
}

const PLAIN: Disguise = { hidden: false, decoded: false, invisible: false }
/** Signs of percent-encoding, escapes and tag characters. */
const ENCODED = /%[0-9a-f]{2}|\\[xu]|&#|\udb40/i
const ENCODED_SIGNS = ['%', '\\', '&#', '\udb40']
/** Half the identifiers of a program look like broken words, so that these speak for nothing by themselves. */
const MENDED = 'broken spelling'
/** One word in so many looks broken where somebody broke them; in programs and logs some always do. */
const MANY_ODD = 10
const INVISIBLE = 'invisible characters'

/**
 * A text in every way it can be read: as it stands, then what it hides and what is encoded in it. Ordinary text is read
 * once. Pure, linear in the text.
 */
export function* readings(text: string): Generator<Variant> {
  const invisible = hasInvisibleCharacters(text)
  const plain = read(text, invisible ? INVISIBLE : undefined, { ...PLAIN, invisible })
  yield plain
  for (const { how, text: passage } of hiddenPassages(text)) {
    yield read(passage, how, { ...PLAIN, hidden: true })
  }
  for (const { how, text: decoded } of encodings(text, plain.reading)) {
    yield read(decoded, how, how === MENDED ? PLAIN : { ...PLAIN, decoded: true })
  }
}

function read(text: string, how: string | undefined, disguise: Disguise): Variant {
  const laidOut = layOut(text)
  const folded = foldText(laidOut)
  const reading = readSentences(folded, lexicon(), MEANINGS.enciphered)
  return {
    reading,
    shown: folded.length === laidOut.length ? laidOut : folded,
    how,
    candidates: featuresOf(reading, disguise),
  }
}

function encodings(
  text: string,
  { text: folded, encoded, broken, enciphered, odd, length }: Reading,
): readonly Decoded[] {
  const found: Decoded[] = []
  if (encoded || (ENCODED_SIGNS.some((sign) => text.includes(sign)) && ENCODED.test(text))) {
    found.push(...decodedParts(text))
  }
  const mended = broken && (odd === 0 || odd * MANY_ODD >= length) ? respell(folded, lexicon()) : undefined
  if (mended !== undefined) {
    found.push({ how: MENDED, text: mended })
  }
  if (enciphered) {
    found.push({ how: 'rot13', text: rot13(folded) }, { how: 'writing backwards', text: reversed(folded) })
  }
  return found
}

/** A fitted model: what each feature counts, and from which score on a text is an instruction. */
export interface Model {
  readonly bias: number
  readonly threshold: number
  readonly weights: Float64Array
}

/** What a table of weights says, ready to be summed. */
export function modelOf(table: {
  readonly bias: number
  readonly threshold: number
  readonly weights: Readonly<Record<string, number>>
}): Model {
  return { ...table, weights: new Float64Array(FEATURES.map((name) => table.weights[name] ?? 0)) }
}

/** The sentence of a variant that scores highest. */
export interface Best {
  readonly score: number
  readonly index: number
  readonly features: readonly number[]
}

/** The highest score among the sentences of a variant; `-Infinity` when nothing in it can be an instruction. */
function bestOf({ candidates }: Variant, { bias, weights }: Model): Best {
  let best: Best = { score: Number.NEGATIVE_INFINITY, index: -1, features: [] }
  for (let index = 0; index < candidates.length; index += 1) {
    const features = candidates[index]
    if (features !== undefined) {
      let score = bias
      for (const id of features) {
        score += weights[id] as number
      }
      if (score > best.score) {
        best = { score, index, features }
      }
    }
  }
  return best
}

/** What an instruction wants done that hurts at once. */
export type Demand = 'outward' | 'destructive'

export interface Instruction {
  /** Log-odds; above the threshold of the model, or as far below it as was asked for. */
  readonly score: number
  /** The calibrated probability that the text is an instruction, 0 to 1. */
  readonly confidence: number
  /** What spoke for it, strongest first: names of features. */
  readonly features: readonly string[]
  /** How it was hidden; `undefined` when it stands in plain sight. */
  readonly hidden: string | undefined
  /** Something is to leave, or to be destroyed or opened up. */
  readonly demand: Demand | undefined
  /** The sentence that was judged, as it was read. Agent-supplied: untrusted. */
  readonly sentence: string
  /** Where it begins, as a share of the text, 0 to 1; `undefined` when it is hidden. */
  readonly position: number | undefined
}

const DOCUMENTS = modelOf(DOCUMENT)
const MESSAGES = modelOf(MESSAGE)
/** How much a name of one of its own tools counts: `Instruction`s that miss the threshold by less are given, too. */
const OWN_TOOL = 0.8

/**
 * The instruction in a result of a tool or a document, or `undefined`. Its score may be up to `OWN_TOOL` below the
 * threshold (`isInstruction`).
 */
export function judgeDocument(text: string): Instruction | undefined {
  return judge(text, DOCUMENTS)
}

/** The instruction that takes an agent over in a message of another agent, or `undefined`. Plain orders are none. */
export function judgeMessage(text: string): Instruction | undefined {
  return judge(text, MESSAGES)
}

/** Whether the score is above the threshold of documents, once what is known of the agent is added. */
export function isInstruction({ score }: Instruction, namesOwnTool: boolean): boolean {
  return score + (namesOwnTool ? OWN_TOOL : 0) > DOCUMENTS.threshold
}

/** What is hidden explains more than what stands beside it in plain sight. */
function judge(text: string, model: Model): Instruction | undefined {
  const limit = model === DOCUMENTS ? model.threshold - OWN_TOOL : model.threshold
  let found: Instruction | undefined
  for (const variant of readings(text)) {
    const best = bestOf(variant, model)
    if (best.score > limit) {
      const instruction = instructionOf(variant, best, model)
      if (found === undefined || (instruction.score > model.threshold && found.hidden === undefined)) {
        found = instruction
      }
    }
  }
  return found
}

function instructionOf({ reading, shown, how }: Variant, { score, index, features }: Best, model: Model): Instruction {
  const { start = 0, end = 0 } = reading.sentences[index] ?? {}
  const { weights } = model
  const spoke = features.filter((id) => (weights[id] as number) > 0.2)
  return {
    score,
    confidence: Math.min(0.99, 1 / (1 + Math.exp(-(score - model.threshold) - 0.8))),
    features: spoke.sort((a, b) => (weights[b] as number) - (weights[a] as number)).map((id) => FEATURES[id] ?? ''),
    hidden: how,
    demand: demandOf(features),
    sentence: shown.slice(start, end).replaceAll(FIELD_BREAK, ' ').trim(),
    position: how === undefined ? start / Math.max(1, shown.length) : undefined,
  }
}

const OUTWARD = idsOf(/^(?:order|asked|also|near:order):outward$/)
const DESTRUCTIVE = idsOf(/^(?:order|asked|also|near:order):destroy$/)

function idsOf(pattern: RegExp): ReadonlySet<number> {
  return new Set(FEATURES.flatMap((name, id) => (pattern.test(name) ? [id] : [])))
}

function demandOf(features: readonly number[]): Demand | undefined {
  if (features.some((id) => OUTWARD.has(id))) {
    return 'outward'
  }
  return features.some((id) => DESTRUCTIVE.has(id)) ? 'destructive' : undefined
}
