/** The section `delegation` of a policy, compiled: who may call the agent, whom it may call, and what must hold on the way. */
import type { DelegationPolicy } from '../schema/policy/delegation.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Subject } from '../schema/telemetry.ts'
import { compileGlob } from './glob.ts'
import { ALLOWED, type Judgement, type LineOf, type Refusal, referenceTo, summarize } from './verdict.ts'

export interface DelegationRules {
  /** Whether somebody may call the agent directly. */
  judgeCaller(caller: Subject): Judgement<'caller'>
  /** Whether the agent may call somebody. */
  judgeCallee(callee: Subject): Judgement<'callee'>
  /** Whether `may_call` is there at all; without it the agent may call anybody. */
  readonly listsCallees: boolean
  /** Whether somebody is named in `may_call`: known to the agent, whoever else may call it. */
  knowsCallee(callee: Subject): boolean
  /** Whether so many agents may stand above the agent. */
  judgeDepth(agentsAbove: number): Judgement<'depth'>
  /** Whether a chain may begin with `root`; `undefined`: with nobody that is known. */
  judgeRoot(root: Subject | undefined): Judgement<'human-missing' | 'human-forbidden'>
  /** What is said when a policy decision is used again; `undefined` where the policy does not mind. */
  readonly reusedDecision: Refusal<'decision'> | undefined
}

/** Compiles `delegation` of one policy. `lineOf` gives the line of a path inside `delegation`. */
export function compileDelegation(policy: DelegationPolicy, file: string, lineOf: LineOf): DelegationRules {
  const callers = policy.callers?.map(compilePrincipal)
  const callees = policy.may_call?.map(compilePrincipal)
  const { max_depth: maxDepth, human_at_root: root } = policy
  return {
    judgeCaller: (caller) =>
      callers === undefined || callers.some((matches) => matches(caller))
        ? ALLOWED
        : {
            allowed: false,
            because: 'caller',
            expected: `called by ${summarize(policy.callers ?? [], 'nobody')}`,
            policy: referenceTo(file, lineOf(['callers']), `add ${spell(caller)} to delegation.callers`),
          },
    judgeCallee: (callee) =>
      callees === undefined || callees.some((matches) => matches(callee))
        ? ALLOWED
        : {
            allowed: false,
            because: 'callee',
            expected: `calls ${summarize(policy.may_call ?? [], 'nobody')}`,
            policy: referenceTo(file, lineOf(['may_call']), `add ${spell(callee)} to delegation.may_call`),
          },
    listsCallees: callees !== undefined,
    knowsCallee: (callee) => callees?.some((matches) => matches(callee)) === true,
    judgeDepth: (above) =>
      maxDepth === undefined || above <= maxDepth
        ? ALLOWED
        : {
            allowed: false,
            because: 'depth',
            expected: `at most ${maxDepth} agents above it`,
            policy: referenceTo(file, lineOf(['max_depth']), `raise delegation.max_depth to ${above}`),
          },
    judgeRoot: (first) =>
      root === undefined || (root === 'required') === (first?.kind === 'human')
        ? ALLOWED
        : {
            allowed: false,
            because: root === 'required' ? 'human-missing' : 'human-forbidden',
            expected: root === 'required' ? 'a human at the root of the chain' : 'no human at the root of the chain',
            policy: referenceTo(file, lineOf(['human_at_root']), 'take human_at_root out of delegation'),
          },
    reusedDecision:
      policy.new_decision === 'optional'
        ? undefined
        : {
            allowed: false,
            because: 'decision',
            expected: 'a policy decision of its own for each operation that the agent does for another agent',
            policy: referenceTo(file, lineOf(['new_decision']), 'set delegation.new_decision to optional'),
          },
  }
}

function compilePrincipal(pattern: string): (subject: Subject) => boolean {
  const colon = pattern.indexOf(':')
  if (colon < 0) {
    return ({ kind }) => kind === pattern
  }
  const kind = pattern.slice(0, colon)
  const matches = compileGlob(pattern.slice(colon + 1))
  return (subject) => subject.kind === kind && matches(subject.id)
}

/** `'agent:planner'`, quoted for people. */
function spell({ kind, id }: Subject): string {
  return kind === 'human' ? "'human'" : quoteName(`${kind}:${id}`)
}
