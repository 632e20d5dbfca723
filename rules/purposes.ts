/** What does not go with a declared purpose. A readable table; a policy adds to it with `forbid` and excepts with `allow`. */
import type { Use } from '../schema/policy/purpose.ts'

/** Feature stores, however they are spelled, and one that is called by its name. */
const FEATURE_STORES = ['*feature*store*', '*feast*'] as const

/** By the name of the purpose, in lower case. */
export const PURPOSES: ReadonlyMap<string, readonly Use[]> = new Map<string, readonly Use[]>([
  [
    // Measures models and agents: what it measures must not change under its hands.
    'evaluation',
    [
      ...FEATURE_STORES.map((on): Use => ({ act: 'write', on })),
      { act: 'write', on: '*training*data*' },
      { act: 'write', on: '*model*registry*' },
      'delete',
      'send',
      'pay',
      'grant',
    ],
  ],
  // Reads, and lays out what it read. Where a report is mailed, `allow` names the tool that does it.
  ['reporting', ['delete', 'send', 'run', 'pay', 'grant']],
  // Answers people, opens and changes tickets, and refunds where its tools let it.
  ['support', ['delete', 'run', 'grant']],
  // Gathers and summarizes; may run code to count with.
  ['research', ['delete', 'send', 'pay', 'grant']],
  // Works in a repository: reads, writes, deletes and runs.
  ['coding', ['send', 'pay', 'grant']],
])
