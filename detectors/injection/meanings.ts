/**
 * What words can mean for an instruction to an agent. One bit each, so that a word may mean several things.
 *
 * An instruction is recognised by how these meet, whatever the language: somebody is told to do something, with the
 * means that an agent has, and the text pushes: it names the agent, overrides what it was told, claims authority, hurries.
 */
export const MEANINGS = {
  /** Ignore, disregard, forget. */
  override: 1 << 0,
  /** Instructions, rules, prompt, task. */
  instructions: 1 << 1,
  /** Previous, above, original, all. */
  prior: 1 << 2,
  /** Assistant, AI, language model, agent. */
  agent: 1 << 3,
  you: 1 << 4,
  your: 1 << 5,
  /** Verbs that send something away: send, forward, transfer, upload, share. */
  outward: 1 << 6,
  /** Verbs that destroy or open up: delete, cancel, disable, unlock. */
  destroy: 1 << 7,
  /** Verbs that change something else: create, update, schedule, buy, run, click. */
  change: 1 << 8,
  /** Verbs that get something: retrieve, look up, find, open. */
  fetch: 1 << 9,
  /** Verbs that say something: say, reply, recommend, include. */
  say: 1 << 10,
  /** System, administrator, developer; a message from them. */
  authority: 1 << 11,
  /** Important, urgent, immediately, must. */
  urgent: 1 << 12,
  /** Before you, first, then, instead, afterwards. */
  sequence: 1 << 13,
  /** Passwords, credit cards, personal data. */
  secret: 1 << 14,
  /** Tool, function, API. */
  tool: 1 << 15,
  /** Do not tell the user, without mentioning, silently. */
  secrecy: 1 << 16,
  /** The user, of whom a text speaks that is addressed to somebody between. */
  user: 1 << 17,
  /** Please, could you, kindly. */
  please: 1 << 18,
  /** Your response, the answer: what an agent gives. */
  reply: 1 << 19,
  /** Talk about injections: attackers, for example, phishing. */
  cited: 1 << 20,
  /** New instructions, from now on, you are now. */
  renew: 1 << 21,
  /** To do, task, action required. */
  todo: 1 << 22,
  /** My, me, I. */
  my: 1 << 23,
  /** Documentation: install, usage, repository, parameters. */
  docs: 1 << 24,
  /** Hi, dear, regards: people writing to people. */
  greeting: 1 << 25,
  /** Developer mode, sandbox, evaluation, jailbreak. */
  mode: 1 << 26,
  /** Code snippet, code block, solution. */
  code: 1 << 27,
  /** What is worth acting on: money, accounts, files, messages, links. */
  goods: 1 << 28,
  /** You must, you should, make sure to. */
  must: 1 << 29,
  /** Verbs of what assistants are asked for: explain, write, translate, summarize. */
  compose: 1 << 30,
  /** Words written backwards or rotated by 13: the text should be decoded and read again. */
  enciphered: 1 << 31,
} as const

export type Meaning = keyof typeof MEANINGS

/** Words of one language by meaning. Words are separated by `,`; `*` at the end of a word matches any ending. */
export type Words = Partial<Record<Meaning | `${Meaning}+${Meaning}`, string>>

/** The bits of a key like `outward` or `override+prior`. */
export function bitsOf(key: string): number {
  return key.split('+').reduce((bits, meaning) => bits | (MEANINGS[meaning as Meaning] ?? 0), 0)
}
