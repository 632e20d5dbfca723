/**
 * An agent calls a tool that its policy does not allow.
 *
 * Exact: the policy decides, nothing is learned. The severity says how much such a call can do and whether it was
 * stopped on its way.
 */
import type { CompiledPolicy, Verdict } from '../rules/policy.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Telemetry, Tool } from '../schema/telemetry.ts'
import { defineDetector, type NoState } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { raise } from './draft/severity.ts'
import { toolPowers } from './draft/tool-powers.ts'
import { untrusted } from './draft/untrusted.ts'

type Violation = Extract<Verdict, { allowed: false }>

export const toolAllowlist = defineDetector<NoState>({
  id: 'tool-allowlist',
  title: 'Tool outside the allow-list',
  catches:
    'Every call, attempted or done, of a tool that the policy of the agent denies or does not list, whatever made the agent call it.',
  misses:
    'Abuse of allowed tools, agents without a policy, and a tool that answers under an allowed name without its server being pinned.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0053', 'AML.T0098', 'AML.T0133'],
  owasp: ['LLM06:2025', 'ASI02', 'ASI03'],
  runbook: [
    'Read untrusted_arguments and the event: what was the call meant to do, and did it happen (outcome)?',
    'Read what the agent was given before the call in the same session (prompts, tool results of the last minutes): who asked for it?',
    'Ask the owner of the policy whether the tool is new and wanted. If so, make the change that policy.allow_with names.',
    'If it is not wanted, end the session, and look for other calls of the tool in the last 30 days, by any agent.',
  ],
  needs: ['tool', 'policy.tools'],
  uses: ['tool.server', 'content.arguments'],
  severities: ['low', 'medium', 'high'],
  on: ['tool_call', 'agent_spawn'],
  scope: 'none',
  stateVersion: 1,
  initial: () => ({}),

  check(event, _state, { policy }) {
    const verdict = event.tool === null ? undefined : policy?.judgeTool(event.tool)
    if (event.tool === null || policy === undefined || verdict === undefined || verdict.allowed) {
      return []
    }
    return [violation(event, event.tool, verdict, policy)]
  },

  learn() {},
})

function violation(event: Telemetry, tool: Tool, verdict: Violation, policy: CompiledPolicy): FindingDraft {
  const name = quoteName(tool.name)
  const agent = quoteName(event.agent.id)
  const denied = verdict.because === 'denied'
  const how = denied ? 'which its policy denies' : 'which its policy does not list'
  return {
    cause: causeOf('tool', tool.name, tool.server ?? ''),
    severity: severityOf(event, tool, denied),
    confidence: 0.99,
    title: `Agent called a forbidden tool: ${name}`,
    reason: `${agent} called ${name}, ${how}${wasStopped(event) ? '; the call was stopped' : ''}.`,
    observed: `call of ${name}, outcome ${event.outcome}`,
    expected: verdict.expected,
    ...silence(verdict),
    evidence: {
      untrusted_tool: untrusted(tool.name),
      ...(tool.server === undefined ? {} : { untrusted_server: untrusted(tool.server) }),
      ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
      outcome: event.outcome,
      policy_id: policy.id,
      rule: verdict.because,
    },
    techniques: techniquesOf(event, tool),
    policy: verdict.policy,
  }
}

function silence({ policy }: Violation) {
  const place = policy.line === undefined ? policy.file : `${policy.file}:${policy.line}`
  return policy.allow_with === undefined ? {} : { silence: `${place}: ${policy.allow_with}` }
}

function severityOf(event: Telemetry, tool: Tool, denied: boolean): Severity {
  const base: Severity = denied || toolPowers(tool.name).size > 0 ? 'high' : 'medium'
  return wasStopped(event) ? raise(base, -1) : base
}

function wasStopped({ outcome, policy_decision }: Telemetry): boolean {
  return outcome === 'denied' || outcome === 'refused' || policy_decision === 'deny'
}

/** What tool servers and frameworks say about a name that nobody offers. */
const UNKNOWN_TOOL = /unknown|not.?found|no.?such|unrecogni|does.?not.?exist|invalid.?tool/i

function techniquesOf(event: Telemetry, tool: Tool): string[] {
  const probing = wasStopped(event) || UNKNOWN_TOOL.test(event.error_type ?? '')
  return [
    'AML.T0053',
    // Calls that come back denied or unknown tell the caller what the agent can reach.
    ...(probing ? ['AML.T0133'] : []),
    ...(toolPowers(tool.name).has('reads-secrets') ? ['AML.T0098'] : []),
  ]
}
