/** The features of one sentence. */
import type { Reading, Sentence, Word } from '../text/sentences.ts'
import {
  ALONE_AT,
  ALONE_BITS,
  FEATURES,
  FIELD_AT,
  FIELD_BITS,
  FIRST_AT,
  LABEL_AT,
  LABEL_BITS,
  LABELS,
  LENT,
  LENT_ORDERS,
  MARKED,
  NEAR_AT,
  ORDER_AT,
  OTHER,
  type Other,
  ROLES,
  SIGN_AT,
  WITH_AT,
  WITH_BITS,
} from './feature-names.ts'
import { MEANINGS as M } from './meanings.ts'
import { KIND_BITS, KINDS, type Orders } from './orders.ts'
import { ADDRESS, CALL, LINK, NUMBER, QUOTE, SIGNS, signsOf } from './signs.ts'
import type { Field } from './surroundings.ts'

/** Words that the object of an order begins with. */
const OBJECT =
  /^ (?:the|a|an|all|any|my|your|this|these|that|those|it|them|me|us|him|her|every|each|everything|our|his|to|with|for|from|at|on|in|out|\$?\d)\b/
const FEW_WORDS = 12
/** Bits of meanings in what neighbours lend. */
const lentBit = (meaning: (typeof LENT)[number]) => 1 << LENT.indexOf(meaning)
const NEAR = {
  agent: lentBit('agent'),
  override: lentBit('override'),
  authority: lentBit('authority'),
  urgent: lentBit('urgent'),
  todo: lentBit('todo'),
  renew: lentBit('renew'),
  mode: lentBit('mode'),
  sequence: lentBit('sequence'),
  reply: lentBit('reply'),
}

/** How a text came to be read, other than as it stands. */
export interface Disguise {
  /** It is hidden from whoever looks at the document. */
  readonly hidden: boolean
  /** It was encoded, enciphered or misspelt. */
  readonly decoded: boolean
  /** It had characters inside words that cannot be seen. */
  readonly invisible: boolean
}

/** Where a sentence stands. */
export interface Setting {
  /** Its place among the sentences. */
  readonly index: number
  /** What it orders, when it does. */
  readonly order: Orders | undefined
  readonly field: Field
  /** What its neighbours lend it. */
  readonly near: number
  /** What the label before it means; 0 without one. */
  readonly label: number
  /** Whether it has markup of a conversation. */
  readonly marked: boolean
  readonly disguise: Disguise
}

/** Ids of the features that a sentence has, each once. */
export function sentenceFeatures(reading: Reading, setting: Setting): readonly number[] {
  return new Judged(reading, setting).features()
}

/** Which features the sentence in hand has so far, by id; empty between sentences. A set would cost more than the rest. */
const IS_FOUND = new Uint8Array(FEATURES.length)

/** One sentence on its way to its features. */
class Judged {
  readonly #found: number[] = []
  readonly #sentence: Sentence
  readonly #reading: Reading
  readonly #order: Orders | undefined
  readonly #field: Field
  readonly #near: number
  readonly #label: number
  readonly #marked: boolean
  readonly #disguise: Disguise
  readonly #begins: boolean

  constructor(reading: Reading, { index, order, field, near, label, marked, disguise }: Setting) {
    this.#reading = reading
    this.#sentence = reading.sentences[index] as Sentence
    this.#order = order
    this.#field = field
    this.#near = near
    this.#label = label
    this.#marked = marked
    this.#disguise = disguise
    this.#begins = field.first === index
  }

  features(): readonly number[] {
    this.#alone()
    this.#overrides()
    this.#addressed()
    this.#surroundings()
    this.#shape()
    const order = this.#order
    if (order !== undefined) {
      this.#orders(order)
      this.#together(order)
      this.#signs(order)
    }
    for (const id of this.#found) {
      IS_FOUND[id] = 0
    }
    return this.#found
  }

  #note(id: number): void {
    if (IS_FOUND[id] === 0) {
      IS_FOUND[id] = 1
      this.#found.push(id)
    }
  }

  #add(name: Other, when = true): void {
    if (when) {
      this.#note(OTHER[name])
    }
  }

  #addAll(first: number, bits: readonly number[], mask: number): void {
    for (let index = 0; index < bits.length; index += 1) {
      if ((mask & (bits[index] as number)) !== 0) {
        this.#note(first + index)
      }
    }
  }

  /** Whether a word of one meaning stands at most so many words before one of another. */
  #isNear(first: number, second: number, before: number, after: number): boolean {
    const { words, meanings } = this.#sentence
    if ((meanings & first) === 0 || (meanings & second) === 0) {
      return false
    }
    return words.some((word, index) => (word.meanings & first) !== 0 && isNear(words, index, second, before, after))
  }

  #alone(): void {
    this.#addAll(ALONE_AT, ALONE_BITS, this.#sentence.meanings)
    this.#addAll(FIELD_AT, FIELD_BITS, this.#field.meanings)
  }

  #overrides(): void {
    const { meanings, words, at } = this.#sentence
    if ((meanings & M.override) === 0) {
      return
    }
    this.#add('override>instructions', this.#isNear(M.override, M.instructions, 0, 6))
    this.#add('instructions>override', this.#isNear(M.override, M.instructions, 6, 0))
    this.#add('override>prior', this.#isNear(M.override, M.prior, 0, 4))
    this.#add('override>you', this.#isNear(M.override, M.your | M.you, 0, 4))
    this.#add(
      'starts with an override',
      words.some((word) => (word.meanings & M.override) !== 0 && word.at < at + 4),
    )
  }

  #addressed(): void {
    const { meanings, words, at } = this.#sentence
    if ((meanings & M.agent) !== 0) {
      this.#add('you, agent', this.#isNear(M.agent, M.you, 4, 3))
      this.#add(
        'agent at the beginning',
        words.some((word) => (word.meanings & M.agent) !== 0 && word.at < at + 4),
      )
      this.#add('agent>must', this.#isNear(M.agent, M.must, 0, 3))
      this.#add('message to the agent', this.#isNear(M.agent, M.goods | M.instructions | M.todo | M.urgent, 8, 0))
      this.#add('authority>agent', (meanings & M.authority) !== 0)
    }
    this.#add('authority>message', this.#isNear(M.authority, M.urgent, 4, 4))
    this.#add('instructions>you', this.#isNear(M.instructions, M.you, 4, 6))
    this.#add('new instructions', this.#isNear(M.renew, M.instructions | M.must | M.todo, 0, 5))
    this.#add('without the user knowing', (meanings & M.secrecy) !== 0 && (meanings & M.user) !== 0)
  }

  #surroundings(): void {
    const near = this.#near
    for (let bit = 0; bit < LENT.length + LENT_ORDERS.length; bit += 1) {
      if ((near & (1 << bit)) !== 0) {
        this.#note(NEAR_AT + bit)
      }
    }
    this.#addAll(LABEL_AT, LABEL_BITS, this.#label)
    if (this.#order !== undefined) {
      this.#addAll(LABEL_AT + LABELS.length, LABEL_BITS, this.#label)
    }
    this.#add('markup', this.#marked)
    this.#add('near:markup', (near & MARKED) !== 0)
    this.#add('hidden', this.#disguise.hidden)
    this.#add('decoded', this.#disguise.decoded)
    this.#add('invisible characters', this.#disguise.invisible)
    this.#add('code and near:code', (this.#sentence.meanings & M.code) !== 0 && (this.#field.meanings & M.code) !== 0)
  }

  #shape(): void {
    const { length, symbols, words, at } = this.#sentence
    const { words: all, first, last } = this.#field
    this.#add('sentence of at most 6 words', length <= 6)
    this.#add('sentence over 25 words', length > 25)
    this.#add('sentence like code', symbols >= 3)
    this.#add('field of one sentence', first === last)
    this.#add('field of at most 12 words', all <= FEW_WORDS)
    this.#add('field over 60 words', all > 60)
    this.#add('field over 200 words', all > 200)
    this.#add('one field of many', this.#reading.sentences.length > last - first + 6)
    const opening = words[0]
    this.#add(
      'question at the beginning of the field',
      this.#begins &&
        opening?.at === at &&
        (opening.meanings & (M.please | M.compose)) !== 0 &&
        this.#text().includes('?'),
    )
  }

  /** Whether nothing else stands in its line. */
  #isLine(): boolean {
    const { text } = this.#reading
    const { start, end } = this.#sentence
    return (
      (start === 0 || text.charCodeAt(start - 1) === 10) &&
      (end >= text.length || text.charCodeAt(end - 1) === 10 || text.charCodeAt(end) === 10)
    )
  }

  #text(): string {
    return this.#reading.text.slice(this.#sentence.start, this.#sentence.end)
  }

  #orders({ opening, asked, also }: Orders): void {
    const parts = [opening, asked, also]
    for (let role = 0; role < ROLES.length; role += 1) {
      this.#addAll(ORDER_AT + role * KINDS.length, KIND_BITS, parts[role] as number)
    }
    if (this.#begins) {
      this.#addAll(FIRST_AT, KIND_BITS, opening)
    }
    this.#addAll(WITH_AT, WITH_BITS, this.#sentence.meanings)
  }

  #together({ opening, asked, also, end, polite }: Orders): void {
    const m = this.#sentence.meanings
    const { meanings: field, words, first, last } = this.#field
    const all = opening | asked | also
    const near = this.#near
    this.#add('order of an outward act with a secret', (all & M.outward) !== 0 && (m & M.secret) !== 0)
    this.#add('order of an outward act of goods', ((opening | asked) & M.outward) !== 0 && (m & M.goods) !== 0)
    this.#add('order of a destructive act of goods', ((opening | asked) & M.destroy) !== 0 && (m & M.goods) !== 0)
    this.#add('order to fetch and send', (all & M.fetch) !== 0 && (all & M.outward) !== 0)
    this.#add('order takes an object', OBJECT.test(this.#reading.text.slice(end, end + 14)))
    this.#add('order asked politely', polite)
    this.#add('order begins the field', this.#begins && opening !== 0)
    this.#add('order is the whole field', this.#begins && opening !== 0 && last - first <= 1)
    this.#add('order is a line of its own', opening !== 0 && this.#isLine())
    this.#add('order in a field of few words', words <= FEW_WORDS)
    this.#add('order for me', (m & M.my) !== 0 && (m & M.goods) !== 0)
    this.#add('order about your answer', (m & M.reply) !== 0 && (all & (M.say | M.compose | M.change)) !== 0)
    this.#add('order by a tool', (m & M.tool) !== 0 && (all & (M.change | M.fetch)) !== 0)
    this.#add('order to an agent', (m & M.agent) !== 0)
    this.#add('order after todo', (m & M.todo) !== 0 || (near & NEAR.todo) !== 0)
    this.#add('order in a field without a greeting', (field & M.greeting) === 0)
    this.#add('markup and order', this.#marked)
    this.#add('near:markup and order', (this.#near & MARKED) !== 0)
    this.#add('hidden and order', this.#disguise.hidden)
    this.#add('decoded and order', this.#disguise.decoded)
    this.#add('order and near:agent', (near & NEAR.agent) !== 0)
    this.#add('order and near:override', (near & NEAR.override) !== 0)
    this.#add('order and near:authority', (near & NEAR.authority) !== 0)
    this.#add('order and near:urgent', (near & NEAR.urgent) !== 0)
    this.#add('order and near:todo', (near & NEAR.todo) !== 0)
    this.#add('order and near:renew', (near & NEAR.renew) !== 0)
    this.#add('order and near:mode', (near & NEAR.mode) !== 0)
    this.#add('order and near:sequence', (near & NEAR.sequence) !== 0)
    this.#add('order and near:reply', (near & NEAR.reply) !== 0)
  }

  #signs({ opening, asked, also }: Orders): void {
    const signs = signsOf(this.#sentence, this.#reading.text)
    for (let index = 0; index < SIGNS.length; index += 1) {
      if ((signs & (1 << index)) !== 0) {
        this.#note(SIGN_AT + index)
      }
    }
    this.#add(
      'order of an outward act with an address',
      ((opening | asked | also) & M.outward) !== 0 && (signs & (ADDRESS | LINK | NUMBER)) !== 0,
    )
    this.#add('order with an exact value', (signs & (NUMBER | QUOTE | CALL)) !== 0)
  }
}

function isNear(words: readonly Word[], index: number, bits: number, before: number, after: number): boolean {
  const at = words[index]?.at ?? 0
  for (let other = index; other < words.length && (words[other] as Word).at <= at + after; other += 1) {
    if (other !== index && ((words[other] as Word).meanings & bits) !== 0) {
      return true
    }
  }
  for (let other = index - 1; other >= 0 && (words[other] as Word).at >= at - before; other -= 1) {
    if (((words[other] as Word).meanings & bits) !== 0) {
      return true
    }
  }
  return false
}
