/**
 * The features of every sentence of a text that may be an instruction.
 *
 * Words of every language give the same features, so weights learned from one language hold for all.
 */
import type { Reading, Sentence } from '../text/sentences.ts'
import { MARKED } from './feature-names.ts'
import { MEANINGS as M } from './meanings.ts'
import { type Orders, ordersOf } from './orders.ts'
import { type Disguise, sentenceFeatures } from './sentence-features.ts'
import { type Field, fieldsOf, Lending, labelOf } from './surroundings.ts'

/** A sentence without an order is only looked at for one of these. */
const WORTH_READING = M.agent | M.renew | M.mode | M.secrecy

/** The features of each sentence that may matter; `undefined` for those that cannot. */
export function featuresOf(reading: Reading, disguise: Disguise): readonly (readonly number[] | undefined)[] {
  const { sentences, text } = reading
  const orders: (Orders | undefined)[] = []
  const worth: number[] = []
  for (let index = 0; index < sentences.length; index += 1) {
    const sentence = sentences[index] as Sentence
    const order = ordersOf(sentence, text)
    orders.push(order)
    if (order !== undefined || mayMatter(sentence)) {
      worth.push(index)
    }
  }
  const features: (readonly number[] | undefined)[] = []
  if (worth.length === 0) {
    return features
  }
  const fields = fieldsOf(reading)
  const lent = new Lending(reading, orders)
  for (const index of worth) {
    const field = fields[index] as Field
    features[index] = sentenceFeatures(reading, {
      index,
      order: orders[index],
      field,
      near: lent.near(index, field),
      label: labelOf(reading, index, field),
      marked: (lent.by(index) & MARKED) !== 0,
      disguise,
    })
  }
  return features
}

/** Whether a sentence may be an instruction that orders nothing. */
function mayMatter({ meanings }: Sentence): boolean {
  return (
    (meanings & WORTH_READING) !== 0 || ((meanings & M.override) !== 0 && (meanings & (M.instructions | M.prior)) !== 0)
  )
}
