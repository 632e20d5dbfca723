/** Who calls agents: the principal before them in the chain. */
import type { Subject } from '../../schema/telemetry.ts'
import { compileDelegation } from '../delegation.ts'
import { defineLearned, NO_LINE } from './use.ts'

export const delegation = defineLearned<'delegation', Subject>({
  section: 'delegation',
  lists: ['callers'],
  usesOf: ({ agent, subject_chain: chain }) => {
    const last = chain.at(-1)
    const caller = last?.kind === 'agent' && last.id === agent.id ? chain.at(-2) : last
    if (caller === undefined) {
      return []
    }
    // People come and go; that a person called is what is learned.
    const entry = caller.kind === 'human' ? 'human' : `${caller.kind}:${caller.id}`
    return [{ list: 'callers', entry, question: caller }]
  },
  isNarrow: ({ detector, evidence: { rule } }) => detector === 'delegation' && rule === 'caller',
  judge: (policy) => {
    const rules = compileDelegation(policy, '', NO_LINE)
    return ({ question }) => rules.judgeCaller(question).allowed
  },
  always: ['new_decision: optional # not learned; without this line each operation needs a policy decision of its own'],
})
