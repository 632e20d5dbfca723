/** What makes a sentence an instruction to an agent, as named features: the names are the explanation. */
import { MEANINGS as M, type Meaning } from './meanings.ts'
import { KINDS } from './orders.ts'
import { SIGNS } from './signs.ts'

/** The part that a verb plays: `orders.ts` tells. */
export const ROLES = ['order', 'asked', 'also'] as const
/** What stands in the sentence of an order. */
export const WITH = [
  'agent',
  'you',
  'your',
  'my',
  'secret',
  'tool',
  'secrecy',
  'user',
  'reply',
  'renew',
  'mode',
  'code',
  'goods',
  'sequence',
  'authority',
  'urgent',
  'prior',
  'todo',
  'override',
  'please',
  'must',
] as const satisfies readonly Meaning[]
/** What stands in a sentence without one. */
const ALONE = [
  'override',
  'agent',
  'authority',
  'urgent',
  'secrecy',
  'renew',
  'mode',
  'user',
  'secret',
  'tool',
  'cited',
  'docs',
  'greeting',
  'reply',
  'you',
  'my',
] as const satisfies readonly Meaning[]
/** What sentences lend their neighbours. */
export const LENT = [
  'override',
  'agent',
  'authority',
  'urgent',
  'sequence',
  'secrecy',
  'renew',
  'todo',
  'mode',
  'user',
  'reply',
  'code',
] as const satisfies readonly Meaning[]
/** What a label right before a sentence says of it: `AI assistant:`, `TODO:`, `SYSTEM:`. */
export const LABELS = [
  'todo',
  'agent',
  'authority',
  'renew',
  'urgent',
  'override',
  'mode',
  'please',
] as const satisfies readonly Meaning[]
export const LENT_ORDERS = ['outward', 'destroy', 'change', 'fetch', 'say'] as const
/** Of the whole field. */
const FIELD = ['cited', 'docs', 'greeting', 'agent', 'code'] as const satisfies readonly Meaning[]
/** What is told by more than one word. */
export const OTHERS = [
  'override>instructions',
  'override>prior',
  'instructions>override',
  'override>you',
  'starts with an override',
  'you, agent',
  'agent at the beginning',
  'message to the agent',
  'agent>must',
  'new instructions',
  'authority>agent',
  'authority>message',
  'instructions>you',
  'without the user knowing',
  'order of an outward act with an address',
  'order of an outward act with a secret',
  'order of an outward act of goods',
  'order of a destructive act of goods',
  'order to fetch and send',
  'order takes an object',
  'order asked politely',
  'order begins the field',
  'order is a line of its own',
  'order is the whole field',
  'order in a field of few words',
  'order for me',
  'order about your answer',
  'order by a tool',
  'order to an agent',
  'order after todo',
  'order in a field without a greeting',
  'order with an exact value',
  'markup',
  'near:markup',
  'markup and order',
  'near:markup and order',
  'hidden',
  'hidden and order',
  'decoded',
  'decoded and order',
  'invisible characters',
  'question at the beginning of the field',
  'sentence of at most 6 words',
  'sentence over 25 words',
  'sentence like code',
  'field of one sentence',
  'field of at most 12 words',
  'field over 60 words',
  'field over 200 words',
  'order and near:agent',
  'order and near:override',
  'order and near:authority',
  'order and near:urgent',
  'order and near:todo',
  'order and near:renew',
  'order and near:mode',
  'order and near:sequence',
  'order and near:reply',
  'code and near:code',
  'one field of many',
] as const
/** The features with a name of their own. */
export type Other = (typeof OTHERS)[number]

/** Where the features of each kind begin. */
export const ORDER_AT = 0
export const FIRST_AT = ORDER_AT + ROLES.length * KINDS.length
export const WITH_AT = FIRST_AT + KINDS.length
export const SIGN_AT = WITH_AT + WITH.length
export const ALONE_AT = SIGN_AT + SIGNS.length
export const NEAR_AT = ALONE_AT + ALONE.length
const NEAR_ORDER_AT = NEAR_AT + LENT.length
export const FIELD_AT = NEAR_ORDER_AT + LENT_ORDERS.length
export const LABEL_AT = FIELD_AT + FIELD.length
export const OTHER_AT = LABEL_AT + 2 * LABELS.length

/** Every feature there is; its index is its id. */
export const FEATURES: readonly string[] = [
  ...ROLES.flatMap((role) => KINDS.map((kind) => `${role}:${kind}`)),
  ...KINDS.map((kind) => `begins the field:${kind}`),
  ...WITH.map((meaning) => `order with:${meaning}`),
  ...SIGNS.map((sign) => `order with:${sign}`),
  ...ALONE.map((meaning) => `has:${meaning}`),
  ...LENT.map((meaning) => `near:${meaning}`),
  ...LENT_ORDERS.map((kind) => `near:order:${kind}`),
  ...FIELD.map((meaning) => `field:${meaning}`),
  ...LABELS.map((meaning) => `labelled:${meaning}`),
  ...LABELS.map((meaning) => `order labelled:${meaning}`),
  ...OTHERS,
]
/** Ids of the features with a name of their own. */
export const OTHER = Object.fromEntries(OTHERS.map((name, index) => [name, OTHER_AT + index])) as Record<Other, number>

/** The same lists as bits of meanings. */
export const WITH_BITS = WITH.map((meaning) => M[meaning])
export const ALONE_BITS = ALONE.map((meaning) => M[meaning])
export const LENT_BITS = LENT.map((meaning) => M[meaning])
export const LENT_ORDER_BITS = LENT_ORDERS.map((kind) => M[kind])
export const LABEL_BITS = LABELS.map((meaning) => M[meaning])
export const FIELD_BITS = FIELD.map((meaning) => M[meaning])
/** Lent by a sentence with markup. */
export const MARKED = 1 << (LENT.length + LENT_ORDERS.length)
