/**
 * The policy point denies what an agent tries: one denial is worth noting, many different ones are probing, and a denial
 * followed by success on another way is a policy that was gone around.
 *
 * A person who says no, in a dialogue with the agent, is no policy point: what follows is decided by that person.
 */
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { approverOf } from './draft/approver.ts'
import { causeOf } from './draft/cause.ts'
import { untrusted } from './draft/untrusted.ts'
import { type Attempt, attemptOf, otherWay, targetOf, type Way } from './policy-denied/attempt.ts'

/**
 * Different things denied in one session within a day that are probing, and again. A misunderstanding of what is allowed ends after two or
 * three refusals; an agent in a mode that only plans is refused its three or four tools that change anything.
 */
const PROBING = [5, 15] as const
/** So long counts what was denied, from when it was denied last: sessions of services never end. */
const PROBING_MS = 24 * 60 * 60_000
/** The most denials and targets of a session that are remembered, the newest. */
const DENIALS_KEPT = 16
const TARGETS_KEPT = 16
/** A success so long after a denial is not its sequel. */
const SEQUEL_MS = 10 * 60_000

interface State {
  /** Denials of the policy point that may yet be gone around. */
  denials: Attempt[]
  /** What was denied, each once. */
  targets: readonly Target[]
}

/** The hash of what was denied, and when last. */
interface Target {
  readonly target: string
  readonly timeMs: number
}

export const policyDenied = defineDetector<State>({
  id: 'policy-denied',
  title: 'Denied by the policy point',
  catches: `Decisions denied by the policy point; ${PROBING[0]} or more different tools, datasets or destinations denied in one session within a day; a denial followed within ten minutes by success on another way: the same dataset, host or arguments through another tool, or the same call written otherwise.`,
  misses:
    'Denials that telemetry does not show, ways around that share neither target nor words with what was denied or come later, and probing spread over many sessions or days. What a person refused in a dialogue is not counted, nor what a person approved after a denial.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0133', 'AML.T0053', 'AML.T0117'],
  owasp: ['LLM06:2025', 'ASI01', 'ASI02', 'ASI10'],
  runbook: [
    'List the denied calls of the session: are they steps of one task, or one after another through what there is?',
    'For a denial that was gone around: compare both calls (evidence.denied_ms and this event). Did the second do what the first was denied?',
    'Read what the agent was given before the first denial: who asked for what it may not do?',
    'Close the other way in the policy point, or allow the first where both are harmless.',
  ],
  needs: [['policy_decision', 'outcome']],
  uses: ['tool', 'dataset_scope', 'destinations', 'content.arguments', 'approval.by'],
  severities: ['informational', 'medium', 'high'],
  on: ['policy_decision', 'tool_call', 'retrieval', 'egress', 'token_request', 'agent_spawn'],
  scope: 'session',
  stateVersion: 2,
  initial: () => ({ denials: [], targets: [] }),

  check(event, state, { repeated }) {
    if (isDenied(event)) {
      return denied(event, state, repeated === true)
    }
    const around = state.denials.length === 0 ? undefined : goneAround(event, state)
    return around === undefined ? [] : [aroundFinding(event, around.denial, around.way)]
  },

  learn: (event, state) => isDenied(event) && remember(event, state),

  spoke(event, state) {
    if (isDenied(event)) {
      return remember(event, state)
    }
    // Told once.
    const success = attemptOf(event)
    state.denials = state.denials.filter((denial) => otherWay(denial, success) === undefined)
    return true
  },
})

/** Denied, and not by a person. */
function isDenied(event: Telemetry): boolean {
  return wasStopped(event) && !isByPerson(event)
}

/** An agent may be named like a user. */
function isByPerson(event: Telemetry): boolean {
  return /^(?:user|human)/i.test(event.approval?.by ?? '') && approverOf(event).kind === 'person'
}

/** A service that answers 403 denies, too, and is no policy point: every web page may. */
function isDecision({ policy_decision: decision, operation }: Telemetry): boolean {
  return decision === 'deny' || operation === 'policy_decision'
}

/** What was tried: of a denial that is no decision the tool alone, for pages that answer 403 are many. */
function triedBy(event: Telemetry): Attempt {
  const attempt = attemptOf(event)
  return isDecision(event) ? attempt : { ...attempt, targets: [] }
}

function remember(event: Telemetry, state: State): boolean {
  const attempt = triedBy(event)
  const target = targetOf(attempt)
  const targets = targetsBy(event, state)
  const known = targets.find((each) => each.target === target)
  const hasRoom = known !== undefined || targets.length < TARGETS_KEPT
  if (hasRoom) {
    const timeMs = Math.max(event.time_ms, known?.timeMs ?? 0)
    state.targets = [...targets.filter((each) => each !== known), { target, timeMs }]
  }
  // Without its tool it cannot be told from the call that it was made for.
  const isKept = isDecision(event) && event.tool !== null
  if (isKept) {
    state.denials = [...state.denials, attempt].slice(-DENIALS_KEPT)
  }
  return hasRoom || isKept
}

/** What still counts when the event happens. */
function targetsBy({ time_ms: timeMs }: Telemetry, { targets }: Readonly<State>): readonly Target[] {
  return targets.filter((each) => timeMs - each.timeMs <= PROBING_MS)
}

function denied(event: Telemetry, state: Readonly<State>, repeated: boolean): readonly FindingDraft[] {
  const target = targetOf(triedBy(event))
  const targets = targetsBy(event, state)
  if (targets.some((each) => each.target === target) || targets.length >= TARGETS_KEPT) {
    return []
  }
  const count = targets.length + 1
  const probing = repeated ? -1 : PROBING.indexOf(count as (typeof PROBING)[number])
  if (probing >= 0) {
    return [probingFinding(event, count, probing === 0 ? 'medium' : 'high')]
  }
  return isDecision(event) ? [denialFinding(event, target)] : []
}

/** The newest denial that a success went around. */
function goneAround(event: Telemetry, { denials }: Readonly<State>) {
  const { outcome, operation, tool } = event
  // A person who approved it decided anew; a setting, a hook or the agent itself did not.
  const isNoSuccess = outcome !== 'ok' || operation === 'policy_decision' || tool === null
  if (isNoSuccess || approverOf(event).kind === 'person') {
    return undefined
  }
  let success: Attempt | undefined
  for (const denial of denials.toReversed()) {
    const passedMs = event.time_ms - denial.timeMs
    if (passedMs >= 0 && passedMs <= SEQUEL_MS) {
      success ??= attemptOf(event)
      const way = otherWay(denial, success)
      if (way !== undefined) {
        return { denial, way }
      }
    }
  }
  return undefined
}

function evidenceOf(event: Telemetry) {
  const [dataset] = event.dataset_scope
  const [destination] = event.destinations
  return {
    ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
    ...(dataset === undefined ? {} : { untrusted_dataset: untrusted(dataset.id) }),
    ...(destination === undefined ? {} : { untrusted_destination: untrusted(destination.host) }),
    ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
    outcome: event.outcome,
    ...(event.policy_snapshot === null ? {} : { policy_snapshot: event.policy_snapshot }),
  }
}

function nameOf({ tool, dataset_scope: datasets, destinations, operation }: Telemetry): string {
  return quoteName(tool?.name ?? datasets[0]?.id ?? destinations[0]?.host ?? operation)
}

function denialFinding(event: Telemetry, target: string): FindingDraft {
  const name = nameOf(event)
  return {
    cause: causeOf('denied', target),
    severity: 'informational',
    confidence: 0.5,
    title: `Denied by the policy point: ${name}`,
    reason: `${quoteName(event.agent.id)} was denied ${name} by the policy point.`,
    observed: `denied: ${name}, outcome ${event.outcome}`,
    expected: 'what the agent tries is what it may do',
    silence: 'allow it in the policy point, or take it from what the agent is offered',
    evidence: evidenceOf(event),
    techniques: ['AML.T0133'],
  }
}

function probingFinding(event: Telemetry, count: number, severity: Severity): FindingDraft {
  return {
    cause: 'probing',
    severity,
    confidence: severity === 'high' ? 0.85 : 0.7,
    title: 'Agent tries one denied thing after another',
    reason: `${quoteName(event.agent.id)} was denied ${count} different things in one session within a day, the last of them ${nameOf(event)}.`,
    observed: `${count} different tools, datasets or destinations denied`,
    expected: `fewer than ${PROBING[0]} in a session within a day`,
    silence: 'offer the agent only what it may use, or allow what it needs in the policy point',
    evidence: { ...evidenceOf(event), denied_targets: count },
    techniques: ['AML.T0133', 'AML.T0053'],
  }
}

const WAYS: Readonly<Record<Way, { words: string; severity: Severity; confidence: number }>> = {
  'other-tool-same-target': {
    words: 'reached the same dataset or host with another tool',
    severity: 'high',
    confidence: 0.75,
  },
  'other-tool-same-arguments': {
    words: 'gave the same arguments to another tool',
    severity: 'high',
    confidence: 0.7,
  },
  'changed-arguments': {
    words: 'called the tool again with arguments written otherwise',
    severity: 'medium',
    confidence: 0.6,
  },
}

function aroundFinding(event: Telemetry, denial: Attempt, way: Way): FindingDraft {
  const { words, severity, confidence } = WAYS[way]
  const seconds = Math.round((event.time_ms - denial.timeMs) / 1000)
  return {
    cause: causeOf('around', targetOf(denial)),
    severity,
    confidence,
    title: `Denied, then done on another way: ${nameOf(event)}`,
    reason: `${quoteName(event.agent.id)} was denied by the policy point, and ${seconds} s later ${words} and succeeded.`,
    observed: `${nameOf(event)} succeeded ${seconds} s after a denial`,
    expected: 'what is denied on one way is denied on every other',
    silence: 'let the policy point decide alike for both ways, or have a human approve the second',
    evidence: { ...evidenceOf(event), way, denied_ms: denial.timeMs },
    techniques: ['AML.T0117', 'AML.T0053', 'AML.T0133'],
  }
}
