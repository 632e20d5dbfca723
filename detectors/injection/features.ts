/**
 * The features of every sentence of a text that may be an instruction.
 *
 * Words of every language give the same features, so weights learned from one language hold for all.
 */
import type { Reading, Sentence } from '../text/sentences.ts'
import { MARKED } from './feature-names.ts'
import { MEANINGS as M } from './meanings.ts'
import { ANY_VERB, isOrder, type Orders, ordersOf } from './orders.ts'
import { type Disguise, sentenceFeatures } from './sentence-features.ts'
import { fieldsOf, labelOf, lending, nearby } from './surroundings.ts'

/** A sentence without an order is only looked at for one of these. */
const WORTH_READING = M.agent | M.renew | M.mode | M.secrecy

/** The features of each sentence that may matter; `undefined` for those that cannot. */
export function featuresOf(reading: Reading, disguise: Disguise): (readonly number[] | undefined)[] {
  const { sentences, text } = reading
  const orders = sentences.map((sentence) =>
    (sentence.meanings & ANY_VERB) === 0 ? undefined : ordersOf(sentence, text),
  )
  if (!sentences.some((sentence, index) => isWorthReading(sentence, orders[index]))) {
    return []
  }
  const fields = fieldsOf(reading)
  const lent = sentences.map((sentence, index) => lending(sentence, orders[index], text))
  return sentences.map((sentence, index) => {
    const order = orders[index]
    const field = fields[index]
    return field !== undefined && isWorthReading(sentence, order)
      ? sentenceFeatures(reading, {
          index,
          order: isOrder(order) ? order : undefined,
          field,
          near: nearby(lent, index, field),
          label: labelOf(reading, index, field),
          marked: ((lent[index] ?? 0) & MARKED) !== 0,
          disguise,
        })
      : undefined
  })
}

function isWorthReading(sentence: Sentence, order: Orders | undefined): boolean {
  const m = sentence.meanings
  return (
    isOrder(order) || (m & WORTH_READING) !== 0 || ((m & M.override) !== 0 && (m & (M.instructions | M.prior)) !== 0)
  )
}
