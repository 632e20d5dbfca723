/**
 * What words can mean for a request to give up a prompt. One bit each, so that a word may mean several things.
 *
 * A request is recognised by how these meet in a sentence, whatever the language: a verb that discloses, an object
 * that belongs to the agent, and what ties the two together.
 */
export const MEANINGS = {
  /** Verbs that disclose: repeat, reveal, print, recite, dump. */
  reveal: 1 << 0,
  /** Verbs that hand over anything at all: show, tell, give, list, describe. */
  give: 1 << 1,
  /** Verbs that change the form and so carry the content: translate, summarize, encode, convert. */
  transform: 1 << 2,
  /** Question words. */
  ask: 1 << 3,
  /** Prompt, system prompt, system message. */
  prompt: 1 << 4,
  /** Instructions, rules, directives, guidelines, commands. */
  instructions: 1 << 5,
  /** Configuration, settings, setup, programming. */
  configuration: 1 << 6,
  /** Conversation, discussion, chat, context. */
  conversation: 1 << 7,
  /** Text, words, sentences, lines, everything. */
  text: 1 << 8,
  /** Password, passphrase, secret code. */
  secret: 1 << 9,
  /** Confidential, sensitive, hidden, internal. */
  confidential: 1 << 10,
  your: 1 << 11,
  you: 1 << 12,
  /** Above, previous, earlier, so far. */
  prior: 1 << 13,
  /** Initial, original, at the beginning. */
  initial: 1 << 14,
  /** Given, told, received, programmed, trained. */
  given: 1 << 15,
  /** All, entire, exact, verbatim, word for word. */
  whole: 1 << 16,
  /** Begin, start, prefix. */
  begin: 1 << 17,
  /** Reply, response, answer. */
  reply: 1 << 18,
  /** Forms of output: list, JSON, base64, Python, poem. */
  form: 1 << 19,
  /** Ignore, disregard, override, bypass. */
  override: 1 << 20,
  /** Administrator, developer, debug mode, audit. */
  authority: 1 << 21,
  /** End of input and the like, in words. */
  boundary: 1 << 22,
  /** Things of the user: my, this, following, attached. */
  users: 1 << 23,
  /** Redact, omit, withhold, refuse. */
  withhold: 1 << 24,
  /** How do I, how to: the user means to do it, and asks nobody to. */
  userDoes: 1 << 25,
  /** Use, handle, respond to, generate: how the agent does its work. */
  work: 1 << 26,
  /** Format, structure, template, method. */
  structure: 1 << 27,
  /** Encryption, authentication, data protection. */
  security: 1 << 28,
  /** Segmented, covertly, embedded in: evasions of output filters. */
  stealth: 1 << 29,
  /** Act as, your task is, you will be given: sets up a task, discloses nothing. */
  task: 1 << 30,
  /** Words written backwards or rotated by 13: the text should be decoded and read again. */
  enciphered: 1 << 31,
} as const

export type Meaning = keyof typeof MEANINGS

/** Words of one language by meaning. Words are separated by `,`; `*` at the end of a word matches any ending. */
export type Words = Partial<Record<Meaning | `${Meaning}+${Meaning}`, string>>

/** The bits of a key like `reveal` or `instructions+your`. */
export function bitsOf(key: string): number {
  return key.split('+').reduce((bits, meaning) => bits | (MEANINGS[meaning as Meaning] ?? 0), 0)
}
