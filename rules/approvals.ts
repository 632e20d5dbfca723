/** The section `approvals` of a policy and the maturity of its agent, compiled: which actions need a human, and which human. */
import type { ApprovalPolicy, Maturity } from '../schema/policy/approvals.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Tool } from '../schema/telemetry.ts'
import { describeDuration, durationMs, writeDuration } from './duration.ts'
import { compileGlob } from './glob.ts'
import { describePattern, ToolList } from './tools.ts'
import { ALLOWED, type Judgement, type LineOf, type Refusal, referenceTo, summarize } from './verdict.ts'

/** What a tool does, as far as it matters to who must approve it. */
export type GatedAction = 'writes' | 'sends' | 'pays' | 'deletes' | 'grants' | 'runs-commands'

/** What needs a human, by how far the agent is trusted. */
export const GATED_ACTIONS: Readonly<Record<Maturity, readonly GatedAction[]>> = {
  intern: ['pays', 'deletes', 'grants', 'runs-commands', 'sends', 'writes'],
  associate: ['pays', 'deletes', 'grants', 'runs-commands'],
  senior: [],
}

export interface ApprovalRules {
  /**
   * Whether a call may go ahead without a human. `ALLOWED` when it may; else why not, for the case that none approved.
   *
   * @param actions what the tool does
   */
  judgeUnapproved(tool: Tool, actions: ReadonlySet<GatedAction>): Judgement<'listed' | 'maturity'>
  /** Whether one of these names may approve; more than one when the approver goes by several. */
  judgeApprover(names: readonly string[]): Judgement<'approver'>
  /** Whether an approval of that age still holds. */
  judgeAge(ms: number): Judgement<'age'>
  /** What is said when one approval is used for a second action. */
  readonly reused: Refusal<'reused'>
}

/**
 * Compiles `approvals` and `maturity` of one policy; `undefined` when neither is there. `lineOf` gives the line of a path
 * inside the document.
 */
export function compileApprovals(
  policy: ApprovalPolicy | undefined,
  maturity: Maturity | undefined,
  file: string,
  lineOf: LineOf,
): ApprovalRules | undefined {
  if (policy === undefined && maturity === undefined) {
    return undefined
  }
  const { by, max_age: maxAge } = policy ?? {}
  const inSection: LineOf = (path) => lineOf(['approvals', ...path])
  const required = new ToolList(policy?.required ?? [], ['required'], inSection, 'loosely')
  const exempt = new ToolList(policy?.exempt ?? [], ['exempt'], inSection, 'strictly')
  const gated = maturity === undefined ? [] : GATED_ACTIONS[maturity]
  const approvers = by?.map((pattern) => compileGlob(pattern.toLowerCase()))
  const maxMs = maxAge === undefined ? undefined : durationMs(maxAge)
  const whoever = by === undefined ? 'a human' : `a human among ${summarize(by, 'nobody')}`
  return {
    judgeUnapproved: (tool, actions) => {
      const listed = required.find(tool)
      if (listed !== undefined) {
        return {
          allowed: false,
          because: 'listed',
          expected: `approval by ${whoever} for ${summarize((policy?.required ?? []).map(describePattern), '')}`,
          policy: referenceTo(file, listed.line, `remove '${listed.text.slice(0, 200)}' from approvals.required`),
        }
      }
      const action = gated.find((each) => actions.has(each))
      return action === undefined || exempt.find(tool) !== undefined
        ? ALLOWED
        : {
            allowed: false,
            because: 'maturity',
            expected: `approval by ${whoever} for every tool that ${summarize(gated.map(spellAction), '')} (maturity ${maturity})`,
            policy: referenceTo(file, lineOf(['maturity']), `add ${quoteName(tool.name)} to approvals.exempt`),
          }
    },
    judgeApprover: (names) =>
      approvers === undefined || names.some((name) => approvers.some((matches) => matches(name.toLowerCase())))
        ? ALLOWED
        : {
            allowed: false,
            because: 'approver',
            expected: `approval by ${whoever}`,
            policy: referenceTo(file, inSection(['by']), `add ${quoteName(names[0] ?? '*')} to approvals.by`),
          },
    judgeAge: (ms) =>
      maxMs === undefined || ms <= maxMs
        ? ALLOWED
        : {
            allowed: false,
            because: 'age',
            expected: `an approval not older than ${describeDuration(maxMs)}`,
            policy: referenceTo(file, inSection(['max_age']), `set approvals.max_age to ${writeDuration(ms)}`),
          },
    reused: {
      allowed: false,
      because: 'reused',
      expected: 'an approval of its own for each action',
      policy: referenceTo(file, inSection([]), 'give every approval an id of its own (telltale.approval)'),
    },
  }
}

function spellAction(action: GatedAction): string {
  return action === 'runs-commands' ? 'runs commands' : action
}
