/**
 * An agent does what does not go with the purpose that its policy declares: an evaluation agent writes a feature store, a
 * reporting agent deletes or sends.
 *
 * The policy decides; what a call does is read from statements, the agent's own word, the words of the tool's name and
 * the methods of its requests (`draft/acts.ts`), and the confidence says which.
 */
import type { CompiledPolicy } from '../rules/policy.ts'
import type { Conflict, Used } from '../rules/purpose.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { ACTS, type Act } from '../schema/policy/purpose.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Dataset, Telemetry } from '../schema/telemetry.ts'
import { defineDetector, type NoState } from './detector.ts'
import { actsOf } from './draft/acts.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, refusedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'

/** One thing that was used, and what says what was done with it. */
interface Use extends Used {
  readonly dataset: Dataset | undefined
  /** `statement`: a statement, a database operation or the agent itself. `name`: words of the tool, or a method. */
  readonly saidBy: 'statement' | 'name'
}

export const purpose = defineDetector<NoState>({
  id: 'purpose',
  title: 'Operation against the declared purpose',
  catches:
    'Operations (write, delete, send, run, pay, grant, or any use of a named tool or dataset) that the declared purpose of the agent, or an entry beside it, forbids: an evaluation agent that writes a feature store, a reporting agent that deletes or sends.',
  misses:
    'Operations behind names that say nothing of what they do, abuse within the purpose, and agents whose policy declares none.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0053', 'AML.T0101', 'AML.T0048.000', 'AML.T0086'],
  owasp: ['LLM06:2025', 'ASI01', 'ASI02', 'ASI10'],
  runbook: [
    'Read untrusted_arguments and the outcome: what was done, and to what?',
    'Is the purpose (evidence.purpose) still what the agent is there for? Its owner knows; policy.owner says who that is.',
    'Read what the agent was given before the call in the same session: who asked for something else than its purpose?',
    'If the operation belongs to the purpose, make the change that policy.allow_with names. If not, undo it, and take the tool from the agent.',
  ],
  needs: [['tool', 'dataset_scope'], 'policy.purpose'],
  uses: ['dataset_scope.operation', 'destinations.method'],
  severities: ['low', 'medium', 'high'],
  on: ['tool_call', 'retrieval', 'egress'],
  scope: 'none',
  stateVersion: 1,
  initial: () => ({}),

  check(event, _state, { policy }) {
    const rules = policy?.purpose
    if (policy === undefined || rules === undefined) {
      return []
    }
    for (const use of usesOf(event)) {
      const conflict = rules.judge(use)
      if (conflict !== undefined) {
        return [byPolicyOf(policy, finding(event, use, conflict, policy, rules.declared))]
      }
    }
    return []
  },

  learn() {},
})

/** What was done with each dataset, the surest first, and then the tool by itself. */
function usesOf(event: Telemetry): readonly Use[] {
  const { tool } = event
  const names =
    tool === null ? [] : tool.server === undefined ? [tool.name] : [tool.name, `${tool.server}/${tool.name}`]
  const acts = actsOf(event)
  const datasets = event.dataset_scope.map((dataset): Use => {
    const stated: ReadonlySet<Act> = dataset.operation === undefined ? acts : new Set([dataset.operation])
    return {
      acts: stated,
      // Of a call the tool is what can be excepted; of a span without one, its dataset.
      names: [...names, dataset.id],
      dataset,
      saidBy: dataset.operation === undefined ? 'name' : 'statement',
    }
  })
  const byStatement = datasets.filter(({ saidBy }) => saidBy === 'statement')
  const byName = datasets.filter(({ saidBy }) => saidBy === 'name')
  const called: readonly Use[] = tool === null ? [] : [{ acts, names, dataset: undefined, saidBy: 'name' }]
  return [...byStatement, ...byName, ...called]
}

function finding(
  event: Telemetry,
  use: Use,
  conflict: Conflict,
  policy: CompiledPolicy,
  declared: string,
): FindingDraft {
  const { forbidden, by } = conflict
  const agent = quoteName(event.agent.id)
  const stopped = wasStopped(event)
  const acts = ACTS.filter((act) => use.acts.has(act))
  const thing = use.dataset === undefined ? quoteName(event.tool?.name ?? '') : quoteName(use.dataset.id)
  const did = acts.length === 0 ? 'used' : `${acts.join(' and ')} on`
  return {
    cause: causeOf('purpose', use.names[0] ?? '', use.dataset?.id ?? '', forbidden),
    severity: severityOf(acts, stopped),
    confidence: use.saidBy === 'statement' ? 0.95 : 0.75,
    title: `Operation against the purpose of the agent: ${thing}`,
    reason: `${agent} did what its purpose forbids: ${did} ${thing}${stopped ? '; the call was stopped' : ''}.`,
    observed: `${did} ${thing}, outcome ${event.outcome}`,
    ...refusedBy(conflict),
    evidence: {
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(use.dataset === undefined ? {} : { untrusted_dataset: untrusted(use.dataset.id) }),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      purpose: declared,
      forbidden,
      forbidden_by: by,
      said_by: use.saidBy,
      outcome: event.outcome,
      policy_id: policy.id,
    },
    techniques: techniquesOf(event, acts),
  }
}

const GRAVE: ReadonlySet<Act> = new Set(['delete', 'pay', 'grant'])

function severityOf(acts: readonly Act[], stopped: boolean): Severity {
  return raise(acts.some((act) => GRAVE.has(act)) ? 'high' : 'medium', stopped ? -1 : 0)
}

/** What was invoked, and what it came to where it was not stopped. */
function techniquesOf({ operation, outcome }: Telemetry, acts: readonly Act[]): string[] {
  if (operation !== 'tool_call') {
    return []
  }
  const done = outcome === 'ok'
  return [
    'AML.T0053',
    ...(done && acts.includes('delete') ? ['AML.T0101'] : []),
    ...(done && acts.includes('pay') ? ['AML.T0048.000'] : []),
    ...(done && acts.includes('send') ? ['AML.T0086'] : []),
  ]
}
