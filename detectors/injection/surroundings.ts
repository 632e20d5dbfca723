/** What stands around a sentence: its field, and the sentences before and after it there. */
import type { Reading, Sentence } from '../text/sentences.ts'
import { LENT, LENT_BITS, LENT_ORDER_BITS, MARKED } from './feature-names.ts'
import { FIELD_BREAK } from './layout.ts'
import { hasMarkup } from './markup.ts'
import type { Orders } from './orders.ts'

/** How many sentences either side count as near. */
const NEAR = 4

/** A run of sentences between two breaks. */
export interface Field {
  /** Index of its first and last sentence. */
  readonly first: number
  last: number
  /** Union of what its words mean. */
  meanings: number
  words: number
}

/** The field of each sentence. Breaks stand at the end of the sentence before a field. */
export function fieldsOf({ sentences, text }: Reading): readonly Field[] {
  let next = text.indexOf(FIELD_BREAK)
  let field: Field | undefined
  return sentences.map((sentence, index) => {
    const broken = next >= 0 && next < sentence.start
    while (next >= 0 && next < sentence.start) {
      next = text.indexOf(FIELD_BREAK, next + 1)
    }
    if (field === undefined || broken) {
      field = { first: index, last: index, meanings: 0, words: 0 }
    }
    field.last = index
    field.meanings |= sentence.meanings
    field.words += sentence.length
    return field
  })
}

/** What the sentences of a text lend their neighbours, as bits in the order of `LENT`, then `LENT_ORDERS`, then `MARKED`. */
export class Lending {
  readonly #reading: Reading
  readonly #orders: readonly (Orders | undefined)[]
  /** What is known so far, by sentence: few are asked for. */
  readonly #known: number[] = []

  /** @param orders what each sentence orders */
  constructor(reading: Reading, orders: readonly (Orders | undefined)[]) {
    this.#reading = reading
    this.#orders = orders
  }

  /** What a sentence lends. */
  by(index: number): number {
    this.#known[index] ??= lentBy(this.#reading, index, this.#orders[index])
    return this.#known[index]
  }

  /** What the neighbours of a sentence lend it. */
  near(index: number, field: Field): number {
    let mask = 0
    const last = Math.min(field.last, index + NEAR)
    for (let other = Math.max(field.first, index - NEAR); other <= last; other += 1) {
      mask |= other === index ? 0 : this.by(other)
    }
    return mask
  }
}

const ANY_LENT = LENT_BITS.reduce((all, bit) => all | bit, 0)

function lentBy({ sentences, text }: Reading, index: number, order: Orders | undefined): number {
  const sentence = sentences[index] as Sentence
  const m = sentence.meanings & ANY_LENT
  let mask = hasMarkup(text, sentence) ? MARKED : 0
  for (let bit = 0; m !== 0 && bit < LENT_BITS.length; bit += 1) {
    mask |= (m & (LENT_BITS[bit] as number)) === 0 ? 0 : 1 << bit
  }
  if (order !== undefined) {
    for (let bit = 0; bit < LENT_ORDER_BITS.length; bit += 1) {
      mask |= ((order.opening | order.asked) & (LENT_ORDER_BITS[bit] as number)) === 0 ? 0 : 1 << (LENT.length + bit)
    }
  }
  return mask
}

/** A label is short and ends with a colon. */
const LABEL_WORDS = 8
const COLON = 58

/** What the label right before a sentence means, as bits of meanings; 0 without one. It may be the name of its field. */
export function labelOf({ sentences, text }: Reading, index: number, field: Field): number {
  const label = sentences[index - 1]
  const sentence = sentences[index]
  if (label === undefined || sentence === undefined || index - 1 < field.first - 1 || label.length > LABEL_WORDS) {
    return 0
  }
  let end = sentence.start - 1
  while (end > label.start && text.charCodeAt(end) !== COLON && !isLetterOrDigit(text.charCodeAt(end))) {
    end -= 1
  }
  return text.charCodeAt(end) === COLON ? label.meanings : 0
}

const isLetterOrDigit = (unit: number) => unit > 127 || (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
